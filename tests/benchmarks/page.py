"""Writes `docs/benchmarks.md`: what was measured, and in plain words what bounds it."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from coordinator.storage.engine.database import describe
from tests.benchmarks.figures import Figure, short

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"

_HEAD = """\
# Benchmarks

Written by `make bench`; do not edit it, but the generator, `tests/benchmarks/page.py`. Each
figure stands beside its floor: the same work stripped to what nobody can do without, measured in
the same run, in turn with the figure, so that other load on the machine falls on both. Read
ratios to ±15 %; the absolute numbers are this machine's.

The servers are those that `holdfast-coordinator` starts, with their defaults: one web process
with sixteen threads for small requests under Granian, one worker with its 128 senders, over real
sockets on 127.0.0.1. SQLite syncs at every commit; PostgreSQL runs with `fsync`, `full_page_writes`
and `synchronous_commit` on. The load generator is one further process that sends requests signed
beforehand; it shares the machine's cores.
"""

_WHY = """\
## What bounds them

**Approval to the last of many partners.** From the first byte of the approval to the last notice's
arrival; connections are opened anew, 51 addresses make a notice of some 9 kB. The floor is our own
sender, signing and posting bodies that lie in memory to the same hosts. Beside the approval's own
transaction (`approval_s`) it is the interpreter's lock that bounds: the pump's cycles, which claim,
open and complete up to 256 at a time, share it with the senders. `legs_told_s` is when the
requester sees the last leg as delivered, which begins when no notice waits. Two workers share the
two cores with web process, database and receiver. For 10 partners the aim is a matter of two
milliseconds: one wake-up and one claim.

**Beside others.** One connection sends two small GETs and a small POST in turn; the floor is the
p99 of the same, undisturbed, just before. Large bodies are worked on one at a time. What a small
POST waits for on SQLite is their write lock, most of it the index over accounts, whose pages are
all over the file. The load generator shares the machine's cores. Memory is what the process and
its children have, what they share counted once; it is not given back to the system, and used again
by the next body. A worker holds what it has claimed and no more, however much is due.

**Others beside a partner that misbehaves.** 20 endpoints of one partner hang, drip, reset and
refuse, and each is owed 40 events; the figure is from an event's commit to its arrival at the 20
endpoints of another. What others lose is the processor time of the tries that are refused at once.

**Growth.** Every list is read along an index with a key and never an offset; the same request is
sent in turn to coordinators with 1,000, 20,000 and 100,000 requests, and the median compared. A
figure above its aim is sampled again, up to twice, and all samples count.

**Approval to handler.** Counted from the first byte of the approval, so the approval's own
transaction, of seven round trips on PostgreSQL, is in it; `after_the_answer_p50_ms` is what is left
after the approver has its answer.

**Webhooks per second.** The worker sends with an exchange of its own (hard deadline, address
guard, pooled connections), which costs less than `requests`; one transaction completes and claims
many.

**Reads with the read log.** Two coordinators serve one database in turn, one of which notes no
reads; 20 people and systems read a request, its addresses, legs and evidence. Compared is the
processor time of the web process, round by round; `ratio_by_clock` is the same by the clock. A read
adds to a dictionary, and once a second some eighty lines are stored in one transaction.

**Submissions per second.** Short of its aim. In the first measurements it was 381 a second, 0.20 of
the floor, on SQLite and 199, 0.10, on PostgreSQL: since then a change reads the sender's rights
before its body, free text is searched for customer data, duplicates are looked up before the
transaction, and the front stands before Flask. What bounds is Python: some 3,500 function calls a
submission, none of which stands out. On SQLite the transaction takes three fifths of the processor
time: the commit of some 50 pages a seventh of the whole, two dozen statements as much again, the
rest is Python. Small changes go one at a time there and wait before they begin
(`CHANGE_PATIENCE_SECONDS`), for eight threads take the interpreter from each other, and most of
them end up waiting for the write lock. On PostgreSQL the statements take five round trips, and the
server works on the same two cores. Under load its connections are looked at each hundredth of a
second: `python_percent` of those within a transaction wait for the web process, `lock_percent` for
a lock, nearly always the head of the log, `disk_percent` for the disk (ADR 0072). A second web
process helps there, and hardly on SQLite, where it waits for the same lock. Sharing the sync alone
would not mend it (ADR 0027). The floor is one insert and one sync; `validated and refused` is
everything but the transaction.

**A request with 11,000 addresses.** Parsing, models, checksums and the blind index of each
address run before the transaction, and so does the look-up of duplicates; then the blind indexes
go in packed, 256 to a row, with one row an account for the requester's own look-ups.

**A report of 11,000 lines.** The floor is the bare insert of as many rows of seven columns,
without even parsing; `with_strict_parse_in_the_floor` adds that. The figure parses, builds a
model a line, checks the whole ledger after all lines, and writes two or three rows a line (the
line with a finding, or with a hold and the hold's link to the leg), then answers each line as
booked. Of some 55 µs of processor time a line on SQLite, 22 are SQLite's own: these rows are wide
and stand in several indexes each, those of the floor are narrow and stand in one. On PostgreSQL
Python takes 30 µs a line; the rows go as one array a column, and the server checks their keys and
fills the indexes while Python already spells the answer. There the bound is the server's own work
on four tables, and before it the parsing and the rules. The time grows in proportion to the lines
and never with what is stored.

**Totals.** The floor adds one amount of 20,000 rows; the totals add found over 10,000 findings
and four sums over 10,000 holds. Amounts are up to 256 bits, which SQLite cannot add itself, so
both call Python for each.

**A claimant's page.** Processor time of what a link opens, in-process, of claims that are all paid
(in acts of 1,000 payouts); `growth` is against a restitution of 1,000 claims. The floor reads the
link's row. What the page takes beside it is opening the claim and the whole act that paid it, which
does not hang on how many claims there are, but on how many were paid in one act.

**The log.** A proof is one query of all the hashes that it is made of; its floor is a read of as
many random rows by primary key on the bare driver. A submission goes through the whole application,
one at a time and without a server before it; where the append is left out, leaves are stored, and
no tree, signature or proof is made. The monitor reads its entries from files, keeps them in files
of its own and syncs these once; the floor is the hashing alone.
"""


def write_page(figures: Sequence[Figure], *, seconds: float, urls: Sequence[str]) -> None:
    """Write the page of one whole run."""
    parts = [_HEAD, _machine(seconds, urls)]
    parts += [
        _table(database, [f for f in figures if f.database == database])
        for database in dict.fromkeys(figure.database for figure in figures)
    ]
    short_of = [f for f in figures if f.is_met is False]
    parts.append(_WHY)
    parts.append(_missed(short_of))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _machine(seconds: float, urls: Sequence[str]) -> str:
    # Name and version of the database, not where its file lay.
    databases = "; ".join(
        describe(url).partition(", file")[0].partition(", database")[0] for url in urls
    )
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, {databases}. The run took {seconds:.0f} s; the load "
        f"average over its last five minutes was {os.getloadavg()[1]:.1f}.\n"
    )


def _table(database: str, figures: Sequence[Figure]) -> str:
    lines = [
        f"## {'SQLite' if database == 'sqlite' else 'PostgreSQL'}",
        "",
        "| figure | value | floor | ratio | aim | met | beside it |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for figure in figures:
        floor = "" if figure.floor is None else short(figure.floor)
        ratio = "" if figure.ratio is None else short(figure.ratio)
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        more = ", ".join(
            f"{name} {short(value) if isinstance(value, float) else value}"
            for name, value in figure.more.items()
        )
        shown = figure.name.replace("_", " ")
        lines.append(
            f"| {shown} | {short(figure.value)} {figure.unit} | {floor} | {ratio} "
            f"| {figure.aim or ''} | {met} | {more} |"
        )
    return "\n".join([*lines, ""])


def _missed(figures: Sequence[Figure]) -> str:
    if not figures:
        return "Every aim was met in this run.\n"
    names = "; ".join(f"{f.name.replace('_', ' ')} ({f.database})" for f in figures)
    return f"**Short of their aim in this run:** {names}. Why is said above.\n"

"""`holdfast verify`: looking through a request, from raw bytes."""

import textwrap
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import click
from rich.text import Text

from holdfast.cli.session import (
    REQUEST_ID,
    Session,
    SessionCommand,
    pass_session,
    print_json,
    printable,
    table,
)
from holdfast.client.published_roots import NothingPublishedError, Published, PublishedRoots
from holdfast.errors import PinMismatchError, UntrustedEvidenceError
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.log_inclusion import look_at_log

_COLUMNS = 80
#: Look-ups at a time.
_AT_ONCE = 8
_LEGEND = (
    "verified  signed bytes prove it",
    "asserted  the coordinator says so, and nothing that you may read proves it",
    "FAILED    it does not fit the signed bytes",
)
_NOT_CHECKED = (
    "Nobody can check yet whether an act or a grant was left out that nothing shown here implies."
    " Ids of lines and holds, and what clocks did (lapsed, owed, overdue), are the coordinator's."
)


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--published", is_flag=True, help="Look up the root keys that partners publish, too.")
@pass_session
def verify(session: Session, request_id: str, *, published: bool) -> None:
    """Verify a request from raw bytes, without believing the coordinator.

    Every act must be signed by somebody who had the right to it, over exactly that act; a request
    that went out needs its approvals; and what is shown of its status, its legs, its ledger and its
    totals must be what the signed acts come to. Every event that you were told must stand in the
    coordinator's log, under the key of the log that was kept at first sight. What you cannot check
    is said to be asserted.

    Root keys are pinned (you compared them), published (the partner publishes the same at its own
    domain: --published looks there, and whoever serves that domain sees it), or asserted by the
    coordinator alone. A partner that publishes another is a failure.

    Exit status 8 if anything fails.
    """
    client = session.client()
    examination = examine(
        client, session.directory(client), request_id, handle=client.profile.handle
    )
    log_key = session.log_key(client)
    if log_key is None:
        found = Finding("log", Result.ASSERTED, "the coordinator names no log that could prove it")
    else:
        found = look_at_log(request_id, client.request_events(request_id), log_key)
    examination = replace(examination, shown=(*examination.shown, found))
    standings: Mapping[str, Published | str] = {}
    if published:
        standings, alarms = _look_up(session.published_roots(), examination)
        examination = replace(examination, shown=(*examination.shown, *alarms))
    if session.as_json:
        _print_documents(examination, standings)
    else:
        _print_tables(session, examination, standings)
    if examination.failures:
        raise UntrustedEvidenceError(examination.sentence(), code="not_as_signed")


def _look_up(
    lookups: PublishedRoots, examination: Examination
) -> tuple[dict[str, Published | str], list[Finding]]:
    """Return what each partner publishes, or why that is nothing, and what does not fit."""

    def one(partner: str) -> Published | str:
        try:
            return lookups.look_up(partner)
        except NothingPublishedError as error:
            return str(error)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = dict(zip(examination.roots, threads.map(one, examination.roots), strict=True))
    alarms = []
    for partner, what in found.items():
        try:
            if isinstance(what, Published):
                what.require(examination.roots[partner][0])
        except PinMismatchError as error:
            alarms.append(Finding("root key", Result.FAILED, str(error), by=partner))
    return found, alarms


def _standing(kid: str, what: Published | str | None, *, is_pinned: bool) -> str:
    if isinstance(what, Published) and kid not in what.roots:
        return "MISMATCH"
    if is_pinned:
        return "pinned"
    return "published" if isinstance(what, Published) else "asserted"


def _print_documents(examination: Examination, standings: Mapping[str, Published | str]) -> None:
    """Print one document a line: the acts, what is shown, and last of all what it comes to."""
    for name, findings in (("act", examination.acts), ("shown", examination.shown)):
        for finding in findings:
            print_json(
                {
                    name: finding.what,
                    "partner": finding.by,
                    "result": finding.result.value,
                    "detail": finding.detail,
                    **({"act_id": finding.act_id} if finding.act_id else {}),
                    **({"passkey_origin": origin} if (origin := finding.passkey_origin) else {}),
                }
            )
    counts = {result.value.lower(): examination.count(result) for result in Result}
    roots = {
        partner: {
            "root_kid": kid,
            "pinned": is_pinned,
            "standing": _standing(kid, standings.get(partner), is_pinned=is_pinned),
        }
        for partner, (kid, is_pinned) in sorted(examination.roots.items())
    }
    print_json({"summary": examination.sentence(), **counts, "roots": roots})


def _print_tables(
    session: Session, examination: Examination, standings: Mapping[str, Published | str]
) -> None:
    out = session.out
    out.print(table(("act", "by", "result", "signed by"), map(_row, examination.acts)))
    out.print()
    out.print(table(("shown", "of", "result", "detail"), map(_row, examination.shown)))
    out.print()
    for finding in examination.failures:
        whose = f" of {finding.by}" if finding.by else ""
        told = printable(f"FAILED {finding.what}{whose}: {finding.detail}")
        out.print(Text(_folded(told), style="red"))
    roots = _roots(examination, standings)
    for line in (*roots, *_LEGEND, *_passkeys(examination), _folded(_NOT_CHECKED)):
        out.print(Text(line))
    out.print(Text(_folded(examination.sentence()), style="bold"))


def _folded(text: str) -> str:
    """Return lines for a narrow terminal; ids stay whole."""
    return textwrap.fill(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)


def _row(finding: Finding) -> tuple[object, ...]:
    """Return a row; what failed is told in full below the tables."""
    detail = "see below" if finding.result is Result.FAILED else finding.detail
    return finding.what, finding.by, finding.result.value, detail


def _passkeys(examination: Examination) -> Iterable[str]:
    origins = {each.passkey_origin for each in examination.acts if each.passkey_origin}
    for origin in sorted(origins):
        yield _folded(
            f"By passkey: a person, there and verified by the device, signed this very act on a"
            f" page of {origin}. Whether that page showed it truly, no signature tells."
        )


def _roots(examination: Examination, standings: Mapping[str, Published | str]) -> Iterable[str]:
    for partner, (kid, is_pinned) in sorted(examination.roots.items()):
        what = standings.get(partner)
        standing = _standing(kid, what, is_pinned=is_pinned)
        if isinstance(what, Published) and standing != "MISMATCH":
            standing += f" ({'also published, ' if is_pinned else ''}{what.source.value})"
        said = standing if is_pinned else f"{standing}; compare it by phone, then"
        yield f"Root key of {partner}: {said}"
        yield f"  {kid}" if is_pinned else f"  holdfast pin {partner} {kid}"
        if isinstance(what, str):
            yield _folded(f"  {what}")


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(verify)

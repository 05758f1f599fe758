"""`holdfast verify`: looking through a request, from raw bytes."""

import textwrap
from collections.abc import Iterable
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
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.log_inclusion import look_at_log

_COLUMNS = 80
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
@pass_session
def verify(session: Session, request_id: str) -> None:
    """Verify a request from raw bytes, without believing the coordinator.

    Every act must be signed by somebody who had the right to it, over exactly that act; a request
    that went out needs its approvals; and what is shown of its status, its legs, its ledger and its
    totals must be what the signed acts come to. Every event that you were told must stand in the
    coordinator's log, under the key of the log that was kept at first sight. What you cannot check
    is said to be asserted.

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
    if session.as_json:
        _print_documents(examination)
    else:
        _print_tables(session, examination)
    if examination.failures:
        raise UntrustedEvidenceError(examination.sentence(), code="not_as_signed")


def _print_documents(examination: Examination) -> None:
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
        partner: {"root_kid": kid, "pinned": is_pinned}
        for partner, (kid, is_pinned) in sorted(examination.roots.items())
    }
    print_json({"summary": examination.sentence(), **counts, "roots": roots})


def _print_tables(session: Session, examination: Examination) -> None:
    out = session.out
    out.print(table(("act", "by", "result", "signed by"), map(_row, examination.acts)))
    out.print()
    out.print(table(("shown", "of", "result", "detail"), map(_row, examination.shown)))
    out.print()
    for finding in examination.failures:
        whose = f" of {finding.by}" if finding.by else ""
        told = printable(f"FAILED {finding.what}{whose}: {finding.detail}")
        out.print(Text(_folded(told), style="red"))
    for line in (*_roots(examination), *_LEGEND, *_passkeys(examination), _folded(_NOT_CHECKED)):
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


def _roots(examination: Examination) -> Iterable[str]:
    for partner, (kid, is_pinned) in sorted(examination.roots.items()):
        said = "pinned" if is_pinned else "not pinned; compare it by phone, then"
        yield f"Root key of {partner}: {said}"
        yield f"  {kid}" if is_pinned else f"  holdfast pin {partner} {kid}"


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(verify)

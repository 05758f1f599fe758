"""`holdfast verify`: looking through a request, from raw bytes."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from cryptography.x509 import Certificate
from rich.text import Text

from holdfast.cli.bundles import LogKey, Pin, PolicyFile, RootsFile, verify_file
from holdfast.cli.findings import LEGEND, finding_document, folded, root_lines, summary_document
from holdfast.cli.readiness import verify_report
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
from holdfast.evidence.bundle.examination import Trust
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.log_inclusion import look_at_log
from holdfast.protocol.log_policy import LogPolicy
from holdfast.protocol.readiness import is_readiness
from holdfast.protocol.signed_note import NoteVerifier

_NOT_CHECKED = (
    "Nobody can check yet whether an act or a grant was left out that nothing shown here implies."
    " Ids of lines and holds, and what clocks did (lapsed, owed, overdue), are the coordinator's."
)

#: Look-ups at a time.
_AT_ONCE = 8


class _Target(click.ParamType[str | Path]):
    """A request, or the file of a bundle or of a readiness report."""

    name = "target"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | Path:
        """Return the id of a request, or the path of a file that is there."""
        if isinstance(value, Path) or Path(value).is_file():
            return Path(value)
        return REQUEST_ID.convert(value, param, ctx)


@click.command(cls=SessionCommand)
@click.argument("target", metavar="FRQ_…|FILE", type=_Target())
@click.option(
    "--log-key",
    type=LogKey(),
    help="Of a bundle: the key of the log, from where you trust it.",
)
@click.option(
    "--pin",
    "pins",
    multiple=True,
    type=Pin(),
    help="Of a bundle: a root key that you compared; may be repeated.",
)
@click.option(
    "--policy",
    type=PolicyFile(),
    help="Of a bundle: logs, witnesses and quorum that you ask for (c2sp.org/tlog-policy).",
)
@click.option(
    "--timestamp-roots",
    type=RootsFile(),
    help="Of a bundle: root certificates of timestamp authorities that you trust, in PEM.",
)
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Of a readiness report: the coordinator's JWK set, saved before.",
)
@click.option("--published", is_flag=True, help="Look up the root keys that partners publish, too.")
@pass_session
def verify(
    session: Session,
    target: str | Path,
    *,
    log_key: NoteVerifier | None,
    pins: tuple[tuple[str, str], ...],
    policy: LogPolicy | None,
    timestamp_roots: list[Certificate] | None,
    keys: Path | None,
    published: bool,
) -> None:
    """Verify a request, or a bundle, from raw bytes, without believing the coordinator.

    Every act must be signed by somebody who had the right to it, over exactly that act; a request
    that went out needs its approvals; and what is shown of its status, its legs, its ledger and its
    totals must be what the signed acts come to. Every event that you were told must stand in the
    coordinator's log, under the key of the log that was kept at first sight. What you cannot check
    is said to be asserted.

    Root keys are pinned (you compared them), published (the partner publishes the same at its own
    domain: --published looks there, and whoever serves that domain sees it), or asserted by the
    coordinator alone. A partner that publishes another is a failure.

    A bundle (holdfast bundle) is verified offline, without profile and coordinator. Root keys that
    you pinned and the key of the log that you kept are used where there are some; --pin and
    --log-key say others. Which witnesses have to have cosigned its checkpoint is the bundle's own
    word unless --policy says it. Each check has its number, and the first that fails is named.

    A drill's readiness report (holdfast readiness FRQ_… --save FOLDER) is verified offline, too:
    that the coordinator said this, with a key of its JWK set if --keys has that.

    Exit status 8 if anything fails.
    """
    trust = _given_trust(pins, log_key, policy, timestamp_roots or ())
    if isinstance(target, Path):
        _verify_file(session, target, trust, keys=keys, published=published)
        return
    _require_no_trust(trust)
    _require_no_keys(keys)
    request_id = target
    client = session.client()
    examination = examine(
        client, session.directory(client), request_id, handle=client.profile.handle
    )
    log_keys = session.log_key(client)
    if log_keys is None:
        found = Finding("log", Result.ASSERTED, "the coordinator names no log that could prove it")
    else:
        found = look_at_log(request_id, client.request_events(request_id), log_keys)
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


def _verify_file(
    session: Session, file: Path, trust: Trust, *, keys: Path | None, published: bool
) -> None:
    """Verify what a file holds: a readiness report is JSON, a bundle is not."""
    if published:
        raise click.UsageError("--published asks the network; a file is verified offline")
    with file.open("rb") as opened:
        is_report = is_readiness(opened.read(64))
    if is_report:
        _require_no_trust(trust)
        verify_report(session, file, keys)
    else:
        _require_no_keys(keys)
        verify_file(session, file, trust)


def _require_no_trust(trust: Trust) -> None:
    if trust != Trust():
        raise click.UsageError(
            "--log-key, --pin, --policy and --timestamp-roots go with the file of a bundle"
        )


def _require_no_keys(keys: Path | None) -> None:
    if keys is not None:
        raise click.UsageError("--keys goes with the file of a readiness report")


def _given_trust(
    pins: Sequence[tuple[str, str]],
    log_key: NoteVerifier | None,
    policy: LogPolicy | None,
    timestamp_roots: Sequence[Certificate],
) -> Trust:
    """Return what the command line says is trusted; the same root key may be pinned twice."""
    if len({handle for handle, _ in pins}) < len(set(pins)):
        raise click.UsageError("--pin says two root keys of one partner: which did you compare?")
    return Trust(dict(pins), log_key, policy, timestamp_roots)


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


def _print_documents(examination: Examination, standings: Mapping[str, Published | str]) -> None:
    """Print one document a line: the acts, what is shown, and last of all what it comes to."""
    for name, findings in (("act", examination.acts), ("shown", examination.shown)):
        for finding in findings:
            print_json(finding_document(name, finding))
    print_json(summary_document(examination, standings))


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
        out.print(Text(folded(told), style="red"))
    roots = root_lines(examination, standings)
    for line in (*roots, *LEGEND, *_passkeys(examination), folded(_NOT_CHECKED)):
        out.print(Text(line))
    out.print(Text(folded(examination.sentence()), style="bold"))


def _row(finding: Finding) -> tuple[object, ...]:
    """Return a row; what failed is told in full below the tables."""
    detail = "see below" if finding.result is Result.FAILED else finding.detail
    return finding.what, finding.by, finding.result.value, detail


def _passkeys(examination: Examination) -> Iterable[str]:
    origins = {each.passkey_origin for each in examination.acts if each.passkey_origin}
    for origin in sorted(origins):
        yield folded(
            f"By passkey: a person, there and verified by the device, signed this very act on a"
            f" page of {origin}. Whether that page showed it truly, no signature tells."
        )


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(verify)

"""`holdfast bundle`, and `holdfast verify BUNDLE.zip`: evidence as a file, offline."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from cryptography.x509 import Certificate
from rich.text import Text

from holdfast.cli.findings import LEGEND, finding_document, folded, root_lines, summary_document
from holdfast.cli.session import (
    CASE_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    print_json,
    printable,
    table,
)
from holdfast.errors import PinMismatchError, ProfileError, UntrustedEvidenceError
from holdfast.evidence.bundle.examination import BundleExamination, Trust, examine_bundle
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.case_file import Finding, Result
from holdfast.profiles.private_files import write_private
from holdfast.protocol.compact_jws import THUMBPRINT
from holdfast.protocol.errors import LogError, NoteError, TimestampError
from holdfast.protocol.log_policy import MAX_POLICY_BYTES, LogPolicy, parse_policy
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.timestamp_token import read_authorities

#: Of a policy or of root certificates; a policy that is longer is refused as such.
_MOST_BYTES = MAX_POLICY_BYTES + 1
_NOT_CHECKED = (
    "A bundle cannot show that nothing was left out: whether other keys were granted or these"
    " revoked, only who follows the whole log can tell. Ids of lines and holds, and what clocks did"
    " (lapsed, owed, overdue), are the coordinator's."
)


@click.command(cls=SessionCommand)
@click.argument("case_id", metavar="FRQ_…", type=CASE_ID)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="By default FRQ_….evidence.zip here.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@pass_session
def bundle(session: Session, case_id: str, output: Path | None, *, force: bool) -> None:
    """Export a request with everything that proves it, as one ZIP.

    Or a restitution (RST_…) or a recovery request (RCV_…): of a restitution its opener gets all,
    and whoever filed claims what concerns those.

    Whoever gets it checks it without you and without the coordinator: holdfast verify FILE, or
    openssl (its VERIFY.txt says how). It has what you may read, tokens and bodies of acts among
    it. The file is for your eyes alone; whom you give it to is yours to decide, within its TLP
    mark. The coordinator records each export, and later bundles of the request tell of it.
    """
    path = output or Path(f"{case_id}.evidence.zip")
    if path.exists() and not force:
        # Before an export is recorded that nobody gets.
        raise ProfileError(f"{path} exists already and is not overwritten without --force")
    content = session.client().evidence_bundle(case_id)
    write_private(path, content, replace=force)
    answer = {"file": str(path), "bytes": len(content), "sha256": sha256(content).hexdigest()}
    session.show(answer, lambda: session.out.print(facts(list(answer.items()))))


class Pin(click.ParamType[tuple[str, str]]):
    """A partner's root key as it was compared: HANDLE=THUMBPRINT."""

    name = "HANDLE=THUMBPRINT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return handle and thumbprint, or say what they look like."""
        handle, _, thumbprint = str(value).partition("=")
        if not handle or not THUMBPRINT.fullmatch(thumbprint):
            self.fail(f"{value!r} is no HANDLE=THUMBPRINT of 43 characters", param, ctx)
        return handle, thumbprint


class LogKey(click.ParamType[NoteVerifier]):
    """The key of a log, as a verifier key of a signed note."""

    name = "VKEY"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoteVerifier:
        """Return the key, or say why it is none."""
        try:
            return NoteVerifier.parse(str(value))
        except NoteError as error:
            self.fail(str(error), param, ctx)


class PolicyFile(click.ParamType[LogPolicy]):
    """A file with one's own policy: logs, witnesses and quorum (c2sp.org/tlog-policy)."""

    name = "FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> LogPolicy:
        """Return the policy, or say why it is none."""
        try:
            return parse_policy(_content(str(value)))
        except (OSError, LogError) as error:
            self.fail(f"{value}: {error}", param, ctx)


class RootsFile(click.ParamType[list[Certificate]]):
    """A file with root certificates of timestamp authorities, in PEM."""

    name = "FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Certificate]:
        """Return the certificates, or say why there is none."""
        try:
            return read_authorities(_content(str(value)))
        except (OSError, TimestampError) as error:
            self.fail(f"{value}: {error}", param, ctx)


def _content(name: str) -> bytes:
    """Return a small file's content."""
    with Path(name).open("rb") as file:
        return file.read(_MOST_BYTES)


def verify_file(session: Session, path: Path, given: Trust) -> None:
    """Examine a bundle, say what came of it, and fail if anything did.

    Args:
        session: Whose pins and log keys are used as well.
        path: Of the file.
        given: What the command line says is trusted.

    Raises:
        BundleError: It is no bundle, or was altered.
        UntrustedEvidenceError: Anything in it fails.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ProfileError(f"cannot read {path}: {error.strerror}") from None
    with file:
        reader = BundleReader(file)
        trust = known_trust(session, reader.manifest.origin, given)
        examination = examine_bundle(reader, trust)
    if session.as_json:
        for number, finding in enumerate(examination.findings, 1):
            print_json(finding_document("check", finding) | {"number": number})
        drill = {"drill": reader.manifest.drill}
        print_json(summary_document(examination) | _log_document(examination) | drill)
    else:
        session.say_drill(reader.manifest)
        _print(session, examination)
    failed = examination.first_failure
    if failed is not None:
        raise UntrustedEvidenceError(
            f"{examination.sentence()} The first: {failed}", code="not_as_signed"
        )


def known_trust(session: Session, origin: str, given: Trust) -> Trust:
    """Return what is known from elsewhere: what is kept, and what was given.

    Raises:
        PinMismatchError: The two differ.
    """
    known = dict(session.store.pins())
    for handle, thumbprint in given.pins.items():
        if known.setdefault(handle, thumbprint) != thumbprint:
            raise PinMismatchError(
                f"the root key of {handle} is pinned as {known[handle]}, and --pin says another"
            )
    kept = session.store.log_key(origin)
    if kept is not None and given.log_key is not None and given.log_key not in kept.keys:
        raise PinMismatchError(
            f"the log of {origin} was kept as {kept.newest}, and --log-key is another"
        )
    return replace(given, pins=known, log_key=kept or given.log_key)


def _print(session: Session, examination: BundleExamination) -> None:
    out, findings = session.out, examination.findings
    rows = [
        (number, each.what, each.by, each.result.value, _detail(each))
        for number, each in enumerate(findings, 1)
    ]
    out.print(table(("", "check", "of", "result", "detail"), rows))
    out.print()
    for line in _told(findings):
        out.print(Text(line, style="red"))
    for line in _log_lines(examination):
        # A key in one piece: it is to be compared, and copied.
        out.print(Text(line), soft_wrap=True)
    for line in (*root_lines(examination), *LEGEND, folded(_NOT_CHECKED)):
        out.print(Text(line))
    out.print(Text(folded(examination.sentence()), style="bold"))


def _log_document(examination: BundleExamination) -> dict[str, Any]:
    """Return which key of the log was used, and whose word it and the quorum are."""
    return {
        "log_key": None if examination.log_key is None else str(examination.log_key),
        "log_key_trusted": examination.is_log_key_trusted,
        "quorum_trusted": examination.is_quorum_trusted,
    }


def _log_lines(examination: BundleExamination) -> Iterable[str]:
    """Yield whose word the log's key and the quorum are, and the key, to be compared."""
    if examination.log_key is None:
        return
    own = []
    if not examination.is_log_key_trusted:
        own.append("the log's key")
    if not examination.is_quorum_trusted:
        own.append("who has to cosign its checkpoints (the quorum)")
    if own:
        said = " and ".join(own)
        yield folded(f"The bundle's own statement, which nothing here confirms: {said}.")
    if not examination.is_log_key_trusted:
        yield "Compare the key with another member or GET /v1 of the coordinator; then give it as"
        yield f"  --log-key {examination.log_key}"
    if not examination.is_quorum_trusted:
        yield "A policy of your own (c2sp.org/tlog-policy) goes with --policy FILE."


def _detail(finding: Finding) -> str:
    return "see below" if finding.result is Result.FAILED else finding.detail


def _told(findings: Sequence[Finding]) -> Iterable[str]:
    for number, each in enumerate(findings, 1):
        if each.result is Result.FAILED:
            whose = f" of {each.by}" if each.by else ""
            yield folded(printable(f"FAILED {number} {each.what}{whose}: {each.detail}"))


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(bundle)

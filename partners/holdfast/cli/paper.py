"""`holdfast paper`: letters, packs and reports, made on one's own machine."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from holdfast.cli.bundles import known_trust
from holdfast.cli.session import (
    REQUEST_ID,
    TIME,
    Session,
    SessionCommand,
    pass_session,
    print_json,
    table,
)
from holdfast.errors import InvalidDraftError, ProfileError, UntrustedEvidenceError
from holdfast.evidence.bundle.examination import Trust, examine_bundle
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.case_file import Result, read_case
from holdfast.evidence.examination import Examination, examine_case
from holdfast.paperwork.case_values import Case
from holdfast.paperwork.details import blank_file, read_details
from holdfast.paperwork.kinds import PaperKind
from holdfast.paperwork.language import LANGUAGE, Library
from holdfast.paperwork.papers import (
    Evidence,
    Made,
    Making,
    make_paper,
    narrowed,
    paper_fields,
)
from holdfast.profiles.private_files import write_private
from holdfast.protocol.bundle_layout import SUMMARY
from holdfast.protocol.errors import MissingLibraryError
from holdfast.typesetting.pdf import TypesettingError

_UNDONE = "nothing was written"
#: Of details, or of a schema.
_MOST_BYTES = 1 << 24


class _Source(click.ParamType[str | Path]):
    """A request, or the file of a bundle."""

    name = "source"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | Path:
        """Return the id of a request, or the path of a file that is there."""
        if isinstance(value, Path) or Path(value).is_file():
            return Path(value)
        return REQUEST_ID.convert(value, param, ctx)


class _Language(click.ParamType[str]):
    """A language, as template files are named."""

    name = "LANGUAGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the language, or say what one looks like."""
        if not LANGUAGE.fullmatch(str(value)):
            self.fail(f"{value!r} is no language: en, de, or pt-BR", param, ctx)
        return str(value)


@dataclass(frozen=True, slots=True)
class _Read:
    """A case as it was read, and what came of examining it."""

    case: Case
    examination: Examination
    bundle: BundleReader | None = None
    packed: bytes = b""

    @property
    def evidence(self) -> Evidence | None:
        """What a police pack brings along; None where no bundle was read."""
        if self.bundle is None:
            return None
        return Evidence(
            self.packed,
            self.bundle.find(SUMMARY),
            self.examination.count(Result.VERIFIED),
            self.examination.count(Result.ASSERTED),
        )


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=SessionCommand)
@click.argument("kind", type=click.Choice([kind.value for kind in PaperKind]), metavar="KIND")
@click.argument("source", metavar="FRQ_…|FILE", type=_Source())
@click.option("--language", "-l", type=_Language(), default="en", help="en, de, or one of yours.")
@click.option("--details", "-d", type=_FILE, help="What only you know: a TOML file.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="The same, one by one.")
@click.option("--blank", is_flag=True, help="Print a file for --details, to be filled in.")
@click.option("--hold", "holds", multiple=True, metavar="HLD_…", help="Only this hold; repeatable.")
@click.option(
    "--address", "numbers", multiple=True, type=int, metavar="NO", help="Only this address."
)
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your own; by default $HOLDFAST_HOME/templates, if it is there.",
)
@click.option("--text-only", is_flag=True, help="No PDF, which needs holdfast-kit[paper].")
@click.option("--schema", type=_FILE, help="Of a report: your FIU's XSD, to hold it against.")
@click.option("--date", "made_at", type=TIME, help="Of the paper; by default now.")
@click.option("--despite-silence", is_flag=True, help="Tell a customer earlier than you are asked.")
@click.option(
    "--output",
    "-o",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A folder; by default this one.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@pass_session
def paper(
    session: Session,
    kind: str,
    source: str | Path,
    *,
    language: str,
    details: Path | None,
    sets: tuple[str, ...],
    blank: bool,
    holds: tuple[str, ...],
    numbers: tuple[int, ...],
    templates: Path | None,
    text_only: bool,
    schema: Path | None,
    made_at: datetime | None,
    despite_silence: bool,
    output: Path,
    force: bool,
) -> None:
    """Make paperwork of a request, or of an evidence bundle, on this machine.

    \b
    KIND is one of
      str                   suspicious-transaction report: goAML's XML, and text
      preservation-letter   asks somebody to keep records
      police-pack           one ZIP: letter, evidence, summary, addresses, sums
      freezing-certificate  what an authority's certificate asks for, as a draft
      customer-notice       tells a customer what is held, and how to contest it

    It is made from what you may read, after all of it was verified; from the file of a bundle it is
    made offline. Whatever the coordinator does not know comes from your own file or flags, and goes
    nowhere but into the paper: only reading asks the network. --blank prints such a file.

    Have a lawyer look at the first one of each kind: docs/paperwork.md says at what.
    """  # noqa: D301 - click's mark of a paragraph to be left as it is
    chosen = PaperKind(kind)
    read = _read(session, source, whole=chosen is PaperKind.POLICE_PACK)
    case = narrowed(read.case, chosen, holds, numbers)
    content = None if details is None else _bytes(details).decode("utf-8", "replace")
    known = read_details(content, sets)
    if blank:
        click.echo(blank_file(paper_fields(chosen, case, session.assets), known), nl=False)
        return
    if schema is not None and chosen is not PaperKind.STR:
        raise click.UsageError("--schema goes with a report (str)")
    own = templates or session.store.home / "templates"
    making = Making(
        Library.of(own if own.is_dir() else None),
        language,
        session.assets,
        made_at or datetime.fromtimestamp(int(session.now()), UTC),
        with_pdf=not text_only,
        schema=None if schema is None else _bytes(schema),
        despite_silence=despite_silence,
    )
    try:
        made = make_paper(chosen, case, known, making, read.evidence)
    except (MissingLibraryError, TypesettingError) as error:
        raise ProfileError(f"{error}; or give --text-only") from None
    _write(session, made, output, force=force, drill=read.case.file.view.drill)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InvalidDraftError([f"{path} is larger than {_MOST_BYTES} bytes"], undone=_UNDONE)
    return content


def _read(session: Session, source: str | Path, *, whole: bool) -> _Read:
    """Return a case that was examined.

    Args:
        session: Whose pins and log keys are used.
        source: A request, or the file of a bundle.
        whole: Whether the bundle itself is needed.

    Raises:
        UntrustedEvidenceError: Anything in it fails; no paper is made of that.
    """
    if isinstance(source, Path):
        try:
            return _from_bundle(session, source.read_bytes())
        except OSError as error:
            raise ProfileError(f"cannot read {source}: {error.strerror}") from None
    client = session.client()
    if whole:
        return _from_bundle(session, client.evidence_bundle(source))
    file = read_case(client, source, handle=client.profile.handle)
    examination = examine_case(file, session.directory(client))
    _require_sound(examination)
    return _Read(Case.of(file, client.profile.coordinator), examination)


def _from_bundle(session: Session, packed: bytes) -> _Read:
    reader = BundleReader(io.BytesIO(packed))
    manifest = reader.manifest
    examination = examine_bundle(reader, known_trust(session, manifest.origin, Trust()))
    _require_sound(examination)
    file = read_case(reader, manifest.request_id, handle=manifest.partner)
    return _Read(Case.of(file, manifest.origin), examination, reader, packed)


def _require_sound(examination: Examination) -> None:
    if examination.failures:
        raise UntrustedEvidenceError(
            f"{examination.sentence()} No paper is made of it: holdfast verify names what failed.",
            code="not_as_signed",
        )


def _write(session: Session, made: Made, folder: Path, *, force: bool, drill: bool) -> None:
    paths = {folder / name: content for name, content in made.files.items()}
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise ProfileError(f"{', '.join(there)} exists already; --force writes over it")
    for path, content in paths.items():
        write_private(path, content, replace=force)
    rows = [(str(path), str(len(c)), sha256(c).hexdigest()) for path, c in paths.items()]
    if session.as_json:
        files = [dict(zip(("file", "bytes", "sha256"), row, strict=True)) for row in rows]
        print_json({"files": files, "remarks": made.remarks, "drill": drill})
        return
    session.out.print(table(("file", "bytes", "sha256"), rows))
    for remark in _told(made.remarks):
        session.out.print(remark, markup=False)


def _told(remarks: Sequence[str]) -> list[str]:
    return [*remarks, "This is a draft until somebody who answers for it has read it."]


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(paper)

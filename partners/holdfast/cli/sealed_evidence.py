"""`holdfast evidence`, `holdfast encryption-key`: files that only named partners read."""

import mimetypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import (
    EVIDENCE_ID,
    REQUEST_ID,
    Session,
    SessionGroup,
    facts,
    pass_session,
)
from holdfast.client.client import Client
from holdfast.client.sealing import OpenedEvidence, SealedFiles, publish_encryption_key
from holdfast.errors import ProfileError, UntrustedEvidenceError
from holdfast.evidence.sealed_evidence import prove_encryption_key
from holdfast.profiles.passphrase import read_passphrase
from holdfast.profiles.private_files import read_private
from holdfast.protocol.encryption_key import DecryptionKey
from holdfast.protocol.errors import KeyFormatError, SealedEvidenceError
from holdfast.protocol.sealed_evidence import PART_BYTES, SealedHeader, size_words
from holdfast.protocol.views import EncryptionKeyView, FreezeRequestView, SealedEvidenceView
from holdfast.protocol.vocabulary import Tlp

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_EVIDENCE = click.argument("evidence_id", metavar="SEV_…", type=EVIDENCE_ID)
_TO = click.option(
    "--to", multiple=True, required=True, metavar="HANDLE", help="Who may open it; may be repeated."
)


@click.group("evidence", cls=SessionGroup)
def evidence_group() -> None:
    """Seal files to named partners; nobody else reads them, the coordinator included."""


@click.group("encryption-key", cls=SessionGroup)
def encryption_key_group() -> None:
    """The key that others seal evidence to for your organisation."""


@encryption_key_group.command("new")
@click.option("--publish", "kid", metavar="KID", help="One that this profile has, made before.")
@pass_session
def new(session: Session, kid: str | None) -> None:
    """Make a key, keep its private half in the profile, and publish the public one; for leads.

    It takes the place of the one in force. The old private half stays: what was sealed to it opens
    with nothing else. Copy the file to the profiles of those colleagues who are to read, too.
    """
    client = session.client()
    name = client.profile.name
    key = None if kid is None else session.store.decryption_key(name, kid)
    view = publish_encryption_key(client, session.store, key)
    rows = [
        ("encryption key", view.kid),
        ("partner", view.partner),
        ("kept in", str(session.store.home / "profiles" / name / "encryption" / f"{view.kid}.pem")),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


@encryption_key_group.command("list")
@click.option("--partner", metavar="HANDLE", help="By default your own organisation.")
@pass_session
def list_keys(session: Session, partner: str | None) -> None:
    """List a partner's encryption keys, and which of one's own this profile can open with."""
    client = session.client()
    directory = session.directory(client)
    here = set(session.store.decryption_kids(client.profile.name))

    def state(view: EncryptionKeyView) -> str:
        try:
            prove_encryption_key(directory, view)
        except UntrustedEvidenceError as error:
            return f"not trusted: {error}"
        return "in force" if view.replaced_at is None else f"until {minute(view.replaced_at)}"

    session.show_list(
        client.encryption_keys(partner or client.profile.handle),
        ("encryption key", "since", "state", "private half"),
        lambda view: (
            view.kid,
            minute(view.set_at),
            state(view),
            "here" if view.kid in here else "not here",
        ),
        empty="None was published.",
    )


@encryption_key_group.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is the passphrase that the file is under.",
)
@pass_session
def import_key(session: Session, file: Path, passphrase_file: Path | None) -> None:
    """Keep a copy of a colleague's key file in this profile, to open what was sealed to it."""
    profile = session.profile()
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    try:
        key = DecryptionKey.from_pem(read_private(file), passphrase)
    except KeyFormatError as error:
        raise ProfileError(f"{file}: {error}; --passphrase-file FILE names one") from None
    path = session.store.keep_decryption_key(profile.name, key)
    answer = {"kid": key.kid, "kept_in": str(path)}
    rows = [("encryption key", key.kid), ("kept in", str(path))]
    session.show(answer, lambda: session.out.print(facts(rows)))


@evidence_group.command("seal")
@_REQUEST
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@_TO
@click.option("--name", help="What it is called; by default as the file is.")
@click.option(
    "--tlp",
    type=click.Choice([mark.value for mark in Tlp]),
    help="Its mark; by default the request's.",
)
@pass_session
def seal(
    session: Session,
    request_id: str,
    file: Path,
    *,
    to: tuple[str, ...],
    name: str | None,
    tlp: str | None,
) -> None:
    """Seal FILE (- for standard input) to partners of a request, and to your own organisation.

    Name and content are encrypted here. Only its recipients and you hear that it is there.
    """
    client = session.client()
    request = client.freeze_request(request_id)
    view = seal_file(session, client, request, file, to=to, tlp=Tlp(tlp or request.tlp), name=name)
    _show(session, view)


def seal_file(
    session: Session,
    client: Client,
    request: FreezeRequestView,
    file: Path,
    *,
    to: Sequence[str],
    tlp: Tlp,
    name: str | None = None,
) -> SealedEvidenceView:
    """Seal a file, or standard input ("-"), to partners and to one's own organisation.

    Raises:
        UsageError: If it can have no such name.
    """
    is_input = str(file) == "-"
    called = name or ("text.txt" if is_input else file.name)
    media_type = mimetypes.guess_type(called)[0] or "application/octet-stream"
    with sys.stdin.buffer if is_input else file.open("rb") as content:
        try:
            return _files(session, client).seal(
                request, _read(content), SealedHeader(called, media_type), to=to, tlp=tlp
            )
        except SealedEvidenceError as error:
            raise click.UsageError(f"{error} (--name)") from None


def _files(session: Session, client: Client) -> SealedFiles:
    keys = partial(session.store.decryption_key, client.profile.name)
    return SealedFiles(client, session.directory(client), keys)


def _read(content: BinaryIO) -> Iterator[bytes]:
    while piece := content.read(PART_BYTES):
        yield piece


@evidence_group.command("list")
@_REQUEST
@pass_session
def list_(session: Session, request_id: str) -> None:
    """List what was sealed to you, and what you sealed; what it is called is sealed, too."""
    own = session.profile().handle
    session.show_list(
        session.client().sealed_evidence(request_id),
        ("evidence", "by", "sealed", "TLP", "size", "can open it", "you", "kept until"),
        lambda view: (
            view.id,
            view.partner,
            minute(view.sealed_at),
            view.tlp.value,
            size_words(view.size),
            [each.partner for each in view.recipients],
            "can open it" if any(each.partner == own for each in view.recipients) else "cannot",
            _kept(view),
        ),
        empty="Nothing is sealed that you may know of.",
    )


@evidence_group.command("open")
@_REQUEST
@_EVIDENCE
@click.option(
    "--to",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    help="Where it goes (- for standard output); by default its own name, here.",
)
@click.option("--check", is_flag=True, help="Only verify it; nothing is written.")
@pass_session
def open_(
    session: Session, request_id: str, evidence_id: str, *, to: Path | None, check: bool
) -> None:
    """Verify and decrypt what was sealed to you; no file is overwritten.

    It proves who sealed it and that not a bit of it was altered, or writes nothing.
    """
    client = session.client()
    opened = _files(session, client).open(client.freeze_request(request_id), evidence_id)
    if to is not None and str(to) == "-" and not check:
        _print(opened)
        return
    path = None if check else to or Path(opened.header.name)
    size = _write(opened, path)
    signer = opened.proven.signed_by
    tlp = opened.view.tlp.value
    answer = {
        "id": opened.view.id,
        "name": opened.header.name,
        "media_type": opened.header.media_type,
        "size": size,
        "tlp": tlp,
        "signed_by": f"{signer.subject} of {signer.partner}",
        "written_to": None if path is None else str(path),
    }
    rows: list[tuple[str, object]] = [
        ("name", opened.header.name),
        ("kind", opened.header.media_type),
        ("size", size_words(size)),
        ("mark", f"TLP:{tlp}"),
        ("sealed by", answer["signed_by"]),
        ("written to", answer["written_to"] or "nowhere: it was only verified"),
    ]
    session.show(answer, lambda: session.out.print(facts(rows)))


def _write(opened: OpenedEvidence, path: Path | None) -> int:
    """Write a file for its owner alone, whole or not at all; returns its size in bytes."""
    if path is None:
        return sum(map(len, opened.content))
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".holdfast-evidence.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                size = sum(file.write(piece) for piece in opened.content)
            os.link(temporary, path)  # fails where the name is taken
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise ProfileError(f"{path} exists and is not overwritten: say where by --to") from None
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}") from None
    return size


def _print(opened: OpenedEvidence) -> None:
    """Print a content once all of it is proven."""
    with tempfile.TemporaryFile() as file:
        for piece in opened.content:
            file.write(piece)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()


@evidence_group.command("share")
@_REQUEST
@_EVIDENCE
@_TO
@pass_session
def share(session: Session, request_id: str, evidence_id: str, to: tuple[str, ...]) -> None:
    """Seal what you can open for more partners of the request.

    What is not marked TLP:GREEN or TLP:CLEAR its author alone passes on.
    """
    client = session.client()
    request = client.freeze_request(request_id)
    view = _files(session, client).share(request, evidence_id, to=to)
    _show(session, view)


def _kept(view: SealedEvidenceView) -> str | None:
    """Return until when a file is kept, once its request ended."""
    if view.erased_at is not None:
        return f"erased {minute(view.erased_at)}"
    return None if view.kept_until is None else minute(view.kept_until)


def _show(session: Session, view: SealedEvidenceView) -> None:
    rows = [
        ("evidence", view.id),
        ("mark", f"TLP:{view.tlp.value}"),
        ("size", size_words(view.size)),
        ("can open it", [each.partner for each in view.recipients]),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for group in (evidence_group, encryption_key_group):
        cli.add_command(group)

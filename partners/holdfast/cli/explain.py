"""`holdfast explain`: what a coordinator would refuse about a token, told without one."""

import sys
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import click
from rich.text import Text

from holdfast.cli.exit_codes import ExitCode
from holdfast.cli.layout import facts
from holdfast.cli.session import TIME, Session, SessionCommand, pass_session, print_json, printable
from holdfast.errors import InvalidDraftError
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.token_explanation import KnownRequest, TokenFault, claimed_kid, explain_token
from holdfast.wording import counted

_STANDARD_INPUT = "-"


@click.command(cls=SessionCommand)
@click.argument("token")
@click.argument("body", required=False)
@click.option("--method", metavar="METHOD", help="What was sent: GET, POST, PATCH or DELETE.")
@click.option("--url", help="What was sent: origin, path and query.")
@click.option("--origin", help="The coordinator's; by default that of the key's profile.")
@click.option(
    "--jwk",
    "jwk_file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The public key, to check the signature; by default that of the key's profile.",
)
@click.option("--at", type=TIME, help="When it arrived; by default now.")
@pass_session
def explain(
    session: Session,
    token: str,
    body: str | None,
    *,
    method: str | None,
    url: str | None,
    origin: str | None,
    jwk_file: Path | None,
    at: datetime | None,
) -> None:
    """Name each thing that a coordinator would refuse about a request's TOKEN.

    Nothing is sent. TOKEN is the token itself (behind "Bearer " or not), a file with it, or - for
    standard input; BODY is the file that was sent, or - for standard input. Without BODY its hash
    is not checked. Where a profile has the token's key, it is held against that profile, too.

    Exit status 6 if a coordinator would refuse it.
    """
    if token == body == _STANDARD_INPUT:
        raise click.UsageError("standard input is either the token or the body: name a file")
    text = _read_token(token)
    raw = None if body is None else _read_file(body)
    known = KnownRequest(
        now=int(session.now() if at is None else at.timestamp()),
        body=raw,
        method=method,
        url=url,
        aud=origin,
        key=_key_in(jwk_file.read_bytes()) if jwk_file else _root_key_in(raw),
    )
    profile = _profile_with_its_key(session, text)
    if profile is not None:
        known = replace(
            known,
            aud=origin or profile.coordinator,
            iss=profile.handle,
            sub=profile.subject,
            key=known.key or profile.key.public,
        )
    faults = explain_token(text, known)
    if session.as_json:
        _print_documents(faults)
    else:
        _print_faults(session, faults, known)
    if faults:
        raise click.exceptions.Exit(ExitCode.INVALID)


def _read_token(given: str) -> str:
    """Return the token that was given, read from a file or typed, without what stands before it."""
    text = given
    if given == _STANDARD_INPUT or not _is_token(given):
        text = _read_file(given).decode("latin-1")
    text = text.strip().removeprefix("Authorization:").strip()
    return text.removeprefix("Bearer ").strip()


def _is_token(given: str) -> bool:
    # A token is longer than any file's name, and has no file of its name.
    return " " in given or (given.count(".") > 1 and not Path(given[:255]).is_file())


def _read_file(name: str) -> bytes:
    if name == _STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(
            f"{name}: {error.strerror}; give the token itself, or its file"
        ) from None


def _key_in(raw: bytes) -> PublicKey:
    try:
        return PublicKey.from_jwk(strict_json.loads(raw))
    except ProtocolError as error:
        raise InvalidDraftError([f"--jwk: {error}"], undone="nothing was looked at") from None


def _root_key_in(body: bytes | None) -> PublicKey | None:
    """Return the key of a body for `/v1/join`, the only one that brings its own."""
    try:
        return PublicKey.from_jwk(strict_json.loads(body or b"")["root_jwk"])
    except (ProtocolError, KeyError, TypeError):
        return None


def _profile_with_its_key(session: Session, token: str) -> Profile | None:
    """Return the profile that was named, else the one whose key the token names, if any."""
    if session.profile_name:
        return session.profile()
    kid = claimed_kid(token)
    names = [name for name in session.store.names() if session.store.kid(name) == kid]
    return session.store.load(names[0]) if names else None


def _print_documents(faults: list[TokenFault]) -> None:
    for fault in faults:
        print_json(asdict(fault))


def _print_faults(session: Session, faults: list[TokenFault], known: KnownRequest) -> None:
    out = session.out
    for fault in faults:
        out.print(Text(printable(f"{fault.place}: refused ({fault.reason})"), style="bold red"))
        out.print(facts([("  seen", fault.seen), ("  wanted", fault.wanted)]))
    if faults:
        out.print(f"A coordinator would refuse this token: {counted(len(faults), 'fault')}.")
    else:
        out.print("A coordinator would find no fault with this token.")
    left_out = [
        *(["the signature: give --jwk FILE"] if known.key is None else []),
        *(["the body's hash: give BODY"] if known.body is None else []),
        *(["method and URL: give --method and --url"] if known.url is None else []),
        "whether the key is registered and not revoked, and the token unused: ask the coordinator",
    ]
    out.print("Not looked at:")
    for each in left_out:
        out.print(f"  {each}", markup=False)


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(explain)

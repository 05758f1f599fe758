"""`holdfast key`, `holdfast pin`: one's own profiles, and other partners' root thumbprints."""

from pathlib import Path

import click

from holdfast.cli.key_passphrase import new_passphrase, passphrase
from holdfast.cli.session import (
    THUMBPRINTS,
    Session,
    SessionCommand,
    SessionGroup,
    facts,
    pass_session,
    print_json,
    table,
)
from holdfast.client.published_roots import NothingPublishedError
from holdfast.errors import ProfileError
from holdfast.profiles.key_requests import (
    key_request,
    new_profile,
    root_key_request,
    write_key_request,
)
from holdfast.profiles.store import ProfileStore, checked_origin


@click.group("key", cls=SessionGroup)
def key_group() -> None:
    """Make and list keys; private keys never leave this machine."""


@key_group.command("new")
@click.argument("name")
@click.option("--system", is_flag=True, help="For a program rather than a person.")
@click.option("--root", is_flag=True, help="A new root key, where the old one is lost.")
@click.option("--owner", metavar="PER_…", help="The person who answers for the system.")
@click.option("--coordinator", metavar="URL", help="By default that of the other profiles.")
@click.option("--handle", help="The partner; by default that of the other profiles.")
@click.option("--passphrase", "guarded", is_flag=True, help="Ask for one that guards the key file.")
@click.option("--p256", is_flag=True, help="ECDSA P-256 instead of Ed25519.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the key request goes; by default NAME.key-request.json here.",
)
@pass_session
def new(
    session: Session,
    name: str,
    *,
    system: bool,
    root: bool,
    owner: str | None,
    coordinator: str | None,
    handle: str | None,
    guarded: bool,
    p256: bool,
    output: Path | None,
) -> None:
    """Make a key and a key request for whoever holds the root key.

    The request (public, no private key in it) goes to the root key's holder, who runs
    `holdfast --as root grant NAME.key-request.json --role …`. With --root it goes to the operator
    instead, who announces it to all members; compare the thumbprint by telephone.
    """
    if system and root:
        raise click.UsageError("a root key belongs to no program: leave --system out")
    if system and owner is None:
        raise click.UsageError("a system needs --owner PER_…: the person who answers for it")
    if owner is not None and not system:
        raise click.UsageError("--owner is for systems: add --system")
    place = _defaults(session.store)
    coordinator, handle = coordinator or place[0], handle or place[1]
    if coordinator is None or handle is None:
        raise click.UsageError("say --coordinator URL and --handle HANDLE")
    profile = new_profile(
        name,
        coordinator=checked_origin(coordinator),
        handle=handle,
        kind="root" if root else "system" if system else "person",
        owner=owner,
        algorithm="ES256" if p256 else "EdDSA",
    )
    session.store.save(profile, passphrase=new_passphrase(name) if guarded else None)
    path = output or Path(f"{name}.key-request.json")
    request = root_key_request(profile) if root else key_request(profile)
    write_key_request(request, path)
    answer = {
        "profile": name,
        "subject": profile.subject,
        "kid": profile.key.kid,
        "key_request": str(path),
    }
    session.show(
        answer,
        lambda: session.out.print(facts([(k.replace("_", " "), v) for k, v in answer.items()])),
    )


def _defaults(store: ProfileStore) -> tuple[str | None, str | None]:
    """Return coordinator and handle, where all existing profiles agree on them."""
    places = {
        (profile.coordinator, profile.handle) for profile in map(store.describe, store.names())
    }
    return places.pop() if len(places) == 1 else (None, None)


@key_group.command("list")
@pass_session
def list_(session: Session) -> None:
    """List one's profiles."""
    rows = []
    for name in session.store.names():
        profile = session.store.describe(name)
        kid = session.store.kid(name)
        rows.append((name, profile.handle, profile.kind, profile.subject, kid))
    columns = ("profile", "partner", "kind", "subject", "kid")
    if session.as_json:
        for row in rows:
            print_json(dict(zip(columns, row, strict=True)))
    else:
        session.out.print(table(columns, rows) if rows else "No profiles yet: `holdfast join`.")


@key_group.command("request")
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@pass_session
def request(session: Session, output: Path) -> None:
    """Write the chosen profile's key request again."""
    profile = session.profile()
    if profile.kind == "root":
        raise ProfileError("a root key is not granted: it joins (`holdfast join`)")
    write_key_request(key_request(profile), output)


@click.command("pin", cls=SessionCommand, context_settings=THUMBPRINTS)
@click.argument("handle", required=False)
@click.argument("thumbprint", required=False)
@click.option("--remove", is_flag=True, help="Forget the pin.")
@click.option(
    "--published", metavar="HANDLE", help="Pin what this partner publishes at its own domain."
)
@pass_session
def pin(
    session: Session,
    handle: str | None,
    thumbprint: str | None,
    *,
    remove: bool,
    published: str | None,
) -> None:
    """Pin a partner's root key by its thumbprint, compared by telephone; or list the pins.

    Once pinned, evidence of that partner counts only under that root key, whatever the coordinator
    says.

    With --published it is looked up at https://HANDLE/.well-known/holdfast.json, or in the TXT
    record of _holdfast.HANDLE, and must be the one that the coordinator offers (exit status 8 if it
    is not). That is as good as the partner's hold on its domain; a telephone is better.
    """
    if published is not None:
        if handle is not None or remove:
            raise click.UsageError("--published takes the handle, and nothing else goes with it")
        _pin_published(session, published)
        return
    if handle is None:
        rows = sorted(session.store.pins().items())
        pins = table(("partner", "root key"), rows) if rows else "No pins."
        session.show(dict(rows), lambda: session.out.print(pins))
        return
    if remove:
        if not session.store.unpin(handle):
            raise ProfileError(f"{handle} is not pinned")
        session.show({handle: None}, lambda: session.out.print(f"{handle} is pinned no longer."))
        return
    if thumbprint is None:
        raise click.UsageError("give the thumbprint that the partner told you")
    session.store.pin(handle, thumbprint)
    said = f"{handle} is pinned: its evidence counts only under the root key {thumbprint}."
    session.show({handle: thumbprint}, lambda: session.out.print(said))


def _pin_published(session: Session, handle: str) -> None:
    client = session.client()
    offered = [key.kid for key in client.keys(handle) if key.is_root and key.revoked_at is None]
    if len(offered) != 1:
        raise ProfileError(f"the coordinator names {len(offered)} root keys of {handle}, not one")
    try:
        found = session.published_roots().look_up(handle)
    except NothingPublishedError as error:
        raise ProfileError(f"{error}; ask by telephone: holdfast pin {handle} …") from None
    found.require(offered[0])
    session.store.pin(handle, offered[0])
    said = f"{handle} is pinned as it publishes it ({found.source.value}): {offered[0]}"
    answer = {handle: offered[0], "source": found.source.value}
    session.show(answer, lambda: session.out.print(said))


def register(cli: click.Group) -> None:
    """Add these commands."""
    key_group.add_command(passphrase)
    cli.add_command(key_group)
    cli.add_command(pin)

"""`holdfast console`, `passkey`: the way into the web console for people with keys."""

import re
import webbrowser
from pathlib import Path
from typing import Any, TextIO

import click

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.session import (
    THUMBPRINTS,
    Session,
    SessionCommand,
    SessionGroup,
    facts,
    pass_session,
)
from holdfast.errors import ProfileError
from holdfast.profiles.key_requests import KeyRequest, read_key_request, write_key_request
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import thumbprint_digits
from holdfast.protocol.membership_payloads import NewConsoleLink, NewSignInProvider
from holdfast.protocol.type_ids import id_pattern, new_id
from holdfast.protocol.views import ConsoleLinkView, SignInProviderView

_PERSON = re.compile(id_pattern("per"), re.ASCII)


class _ConsoleGroup(SessionCommand, HelpGroup):
    """A command that makes a link, and has commands of its own."""

    command_class = SessionCommand
    group_class = SessionGroup


@click.group("console", cls=_ConsoleGroup, invoke_without_command=True)
@click.option("--open", "opens", is_flag=True, help="Open it in this machine's browser, too.")
@click.pass_context
def console(ctx: click.Context, *, opens: bool) -> None:
    """Print a link that signs you in to the console, once, within 10 minutes.

    You read everything there; what you do is signed by a passkey (`holdfast passkey link`).
    """
    if ctx.invoked_subcommand is not None:
        return
    session = ctx.ensure_object(Session)
    _require_person(session.profile())
    view = session.client().console_link(NewConsoleLink(purpose="sign_in"))
    _show(session, view, "Signs you in, once, until {until:%H:%M} UTC. Give it to nobody.")
    if opens:
        webbrowser.open(view.url)


@console.group("provider")
def provider() -> None:
    """Your organisation's own OpenID provider, which signs its people in to read."""


@provider.command("set")
@click.argument("issuer")
@click.option("--client-id", required=True, help="What the provider calls its client.")
@click.option(
    "--secret-file",
    type=click.File("r"),
    help="Holds the client's secret, on one line; - reads it from stdin. Absent: it stays.",
)
@click.option(
    "--person",
    "people",
    multiple=True,
    required=True,
    metavar="PER_…=sub:SUBJECT|email:ADDRESS",
    help="By what its tokens name one of your people; once for each.",
)
@pass_session
def set_provider(
    session: Session,
    issuer: str,
    *,
    client_id: str,
    secret_file: TextIO | None,
    people: tuple[str, ...],
) -> None:
    """Have your people sign in to the console by ISSUER, to read; as a security lead.

    It takes the place of the provider before, and whoever that signed in is signed out. Those
    whom you name alone sign in by it; nobody becomes known by signing in.
    """
    members: dict[str, Any] = {
        "issuer": issuer,
        "client_id": client_id,
        "people": [_named(each) for each in people],
    }
    if secret_file is not None:
        members["client_secret"] = secret_file.read().strip()
    view = session.client().set_sign_in_provider(NewSignInProvider.model_validate(members))
    session.show(view, lambda: _show_provider(session, view))


@provider.command("show")
@pass_session
def show_provider(session: Session) -> None:
    """Show by which provider your people sign in, and by what it names each."""
    view = session.client().sign_in_provider()
    session.show(view, lambda: _show_provider(session, view))


@provider.command("remove")
@pass_session
def remove_provider(session: Session) -> None:
    """Remove the provider; whoever it signed in is signed out at once."""
    session.client().remove_sign_in_provider()
    if not session.as_json:
        session.out.print("The provider is removed: nobody signs in by it any more.")


def _named(text: str) -> dict[str, str]:
    """Return one entry of the list of people."""
    person, _, name = text.partition("=")
    claim, _, value = name.partition(":")
    if not _PERSON.fullmatch(person) or claim not in {"sub", "email"} or not value:
        raise click.UsageError(f"{text!r}: write PER_…=sub:SUBJECT or PER_…=email:ADDRESS")
    return {"person": person, claim: value}


def _show_provider(session: Session, view: SignInProviderView) -> None:
    rows: list[tuple[str, object]] = [("issuer", view.issuer or "none"), ("client", view.client_id)]
    rows.append(("sends people back to", view.redirect_uri))
    if view.set_at is not None:
        rows.append(("set", f"{view.set_at:%Y-%m-%d %H:%M} UTC by {session.who(view.set_by)}"))
    rows += [(str(session.who(each.person)), each.sub or each.email) for each in view.people]
    session.out.print(facts(rows))


@click.group("passkey", cls=SessionGroup)
def passkey_group() -> None:
    """Make and list passkeys, which sign in the console."""


@passkey_group.command("link")
@click.argument("person", metavar="[PER_…|new]", required=False)
@pass_session
def link(session: Session, person: str | None) -> None:
    """Print a link that makes a passkey, once, within 24 hours: your own, or PERSON's.

    A security lead makes one for anybody of the organisation; `new` is somebody who is to come. The
    passkey gives no right until the root key or two leads grant it.
    """
    _require_person(session.profile())
    whose = new_id("per") if person == "new" else person
    if whose is not None and not _PERSON.fullmatch(whose):
        raise click.UsageError(f"{whose!r} is no person: see `holdfast people`, or say `new`")
    view = session.client().console_link(NewConsoleLink(purpose="passkey", person=whose))
    said = "Makes a passkey of {person}, once, until {until:%Y-%m-%d %H:%M} UTC."
    _show(session, view, f"{said} Hand it over by a way that nobody else reads.")


@passkey_group.command("list")
@click.option("--pending", is_flag=True, help="Those alone that wait for a grant.")
@pass_session
def list_(session: Session, *, pending: bool) -> None:
    """List your passkeys; as a security lead, those of all your people."""
    session.show_list(
        session.client().passkeys(status="pending" if pending else None),
        ("passkey", "whose", "called", "status", "digits"),
        lambda view: (
            view.kid,
            session.who(view.person),
            view.display_name,
            view.status,
            " … ".join(thumbprint_digits(view.kid)),
        ),
        empty="No passkeys: `holdfast passkey link` makes a link for one.",
    )


@passkey_group.command("request", context_settings=THUMBPRINTS)
@click.argument("kid")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="By default passkey.key-request.json here.",
)
@pass_session
def request(session: Session, kid: str, output: Path | None) -> None:
    """Write the key request of a pending passkey, for `holdfast --as root grant FILE --role …`.

    Compare the digits with those that its owner reads on their screen.
    """
    client = session.client()
    found = [view for view in client.passkeys() if view.kid == kid]
    if not found:
        raise click.UsageError(f"you see no passkey {kid}: `holdfast passkey list` shows them")
    own = client.profile
    wanted = KeyRequest.model_validate(
        {
            "coordinator": own.coordinator,
            "handle": own.handle,
            "subject": found[0].person,
            "jwk": found[0].jwk,
            "possession": found[0].possession,
        }
    )
    # The coordinator may err: what is granted is what the passkey itself vouched for.
    read_key_request(canonical_json.dumps(wanted.model_dump(exclude_none=True)))
    path = output or Path("passkey.key-request.json")
    write_key_request(wanted, path)
    answer = {
        "whose": session.who(wanted.subject),
        "kid": kid,
        "digits": " … ".join(thumbprint_digits(kid)),
        "key_request": str(path),
    }
    session.show(
        answer,
        lambda: session.out.print(facts([(k.replace("_", " "), v) for k, v in answer.items()])),
    )


def _require_person(profile: Profile) -> None:
    if profile.kind != "person":
        raise ProfileError(f"{profile.name} is no person: choose a person's profile with --as")


def _show(session: Session, view: ConsoleLinkView, said: str) -> None:
    def show() -> None:
        # A link that is broken over lines cannot be followed.
        click.echo(view.url)
        session.err.print(said.format(until=view.expires_at, person=session.who(view.person)))

    session.show(view, show)


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (console, passkey_group):
        cli.add_command(command)

"""`holdfast on-call`, `page`: who of your organisation is woken, by what, and who was."""

import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import Session, SessionCommand, pass_session, table
from holdfast.errors import ProfileError
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.on_call_payloads import NewOnCall
from holdfast.protocol.on_call_views import AlarmCallView, AlarmView, OnCallView
from holdfast.wording import marked

#: How long `holdfast page` waits for what comes of its messages, and how often it looks.
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_EXAMPLE = """The file says who is paged, first to last (JSON has the same members):

\b
  [[steps]]
  person = "per_…"          # holdfast people
  minutes = 5               # alone, before the next
  channels = [
    { kind = "email", address = "anna@exchange-b.example" },
    { kind = "webhook", url = "https://chat.exchange-b.example/hooks/…" },
    { kind = "pagerduty", routing_key = "…" },
  ]
  [quiet]                   # for what can wait; leave it out: nothing waits
  zone = "Europe/Berlin"
  begins = "22:00"
  ends = "07:00"
  rest_days = true          # weekends and holidays are quiet all day
"""


class _OnCallGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group("on-call", cls=_OnCallGroup)
def on_call() -> None:
    """Who of your organisation is woken by what needs a human, and who was."""


@on_call.command("show")
@pass_session
def show(session: Session) -> None:
    """Show your on-call chain; no other member can read it."""
    view = session.client().on_call()
    session.show(view, lambda: _show_chain(session, view))


@on_call.command("set", epilog=_EXAMPLE)
@click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@pass_session
def set_chain(session: Session, file: Path) -> None:
    """Set your on-call chain by FILE (TOML or JSON), whole, as a security lead.

    It takes the place of the one before. Try it afterwards: holdfast page --test.
    """
    view = session.client().set_on_call(_read(file))
    session.show(view, lambda: _show_chain(session, view))


@on_call.command("remove")
@pass_session
def remove(session: Session) -> None:
    """Remove your on-call chain with all that it says of people; nobody is woken any more."""
    session.client().remove_on_call()
    if not session.as_json:
        session.out.print("The chain is removed: nobody is woken any more.")


@on_call.command("alarms")
@click.argument("request_id", metavar="[REQUEST]", required=False)
@pass_session
def alarms(session: Session, request_id: str | None) -> None:
    """List what your people were woken for, newest first; or who was, about a request.

    Of the other side of a request you read that it was paged and when, and no names.
    """
    session.show_list(
        session.client().alarms(request_id),
        ("owed", "whose", "about", "paged", "ended", "whom"),
        lambda view: (
            minute(view.owed_at),
            view.partner,
            marked(view.task or view.kind, drill=view.drill),
            view.paged_at and minute(view.paged_at),
            view.ended_at and f"{view.outcome} {minute(view.ended_at)}",
            ", ".join(_call(session, call) for call in view.calls or []),
        ),
        empty="Nobody was woken.",
    )


@click.command("page", cls=SessionCommand)
@click.option("--test", "is_test", is_flag=True, help="Say in the page that it is a test.")
@click.option("--person", metavar="PER_…", help="Page this person alone.")
@pass_session
def page(session: Session, *, is_test: bool, person: str | None) -> None:
    """Page everybody of your on-call chain once, to see that it works; as a security lead.

    Whatever the hour is. It waits until each message is taken or was tried in vain. Only tests are
    made by hand: what needs a human pages by itself.
    """
    if not is_test:
        raise click.UsageError("say --test: what needs a human pages by itself")
    client = session.client()
    made = client.page_for_test(person)
    until = time.monotonic() + _WAIT_SECONDS
    view = made
    while _waits(view) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        view = next((each for each in client.alarms() if each.id == made.id), made)
    session.show(view, lambda: _show_calls(session, view))
    if any(call.status != "sent" for call in view.calls or []):
        raise click.exceptions.Exit(1)


def _waits(view: AlarmView) -> bool:
    """Tell whether a message was not tried yet; what failed once may be tried for minutes."""
    return any(call.status == "pending" and call.error is None for call in view.calls or [])


def _read(file: Path) -> NewOnCall:
    """Return the chain that a file says.

    Raises:
        ProfileError: If it is neither TOML nor JSON, or says no chain; naming the member.
    """
    try:
        content = file.read_bytes()
        if file.suffix == ".json":
            stated: Any = strict_json.loads(content)
        else:
            stated = tomllib.loads(content.decode())
        return NewOnCall.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(each) for each in first["loc"])
        raise ProfileError(f"{file}: {place}: {first['msg']}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ProtocolError) as error:
        raise ProfileError(f"{file}: {error}") from None


def _show_chain(session: Session, view: OnCallView) -> None:
    if not view.steps:
        session.out.print("There is no chain: nobody is woken. Set one: holdfast on-call set FILE")
        return
    rows: Sequence[Sequence[object]] = [
        (
            number,
            session.who(step.person),
            ", ".join(f"{channel.kind} {channel.target}" for channel in step.channels),
            step.minutes,
        )
        for number, step in enumerate(view.steps, 1)
    ]
    session.out.print(table(("", "who", "by", "minutes alone"), rows))
    if view.quiet is not None:
        quiet = view.quiet
        rest = ", and weekends and holidays" if quiet.rest_days else ""
        session.out.print(
            f"What can wait does not wake them from {quiet.begins} to {quiet.ends} in"
            f" {quiet.zone}{rest}."
        )


def _show_calls(session: Session, view: AlarmView) -> None:
    rows = [
        (session.who(call.person), call.channel, call.status, call.error or "")
        for call in view.calls or []
    ]
    session.out.print(table(("who", "by", "", "why not"), rows))


def _call(session: Session, call: AlarmCallView) -> str:
    at = minute(call.sent_at or call.queued_at)
    return f"{session.who(call.person)} by {call.channel} {call.status} {at}"


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (on_call, page):
        cli.add_command(command)

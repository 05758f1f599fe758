"""`holdfast events`: what happens, from the feed."""

import click
from rich.text import Text

from holdfast.cli.layout import second
from holdfast.cli.session import (
    Session,
    SessionCommand,
    pass_session,
    print_json,
    printable,
)
from holdfast.client import following
from holdfast.client.following import Listener
from holdfast.protocol.views import EventView
from holdfast.wording import marked


@click.command(cls=SessionCommand)
@click.option("--after", type=int, default=0, show_default=True, help="The last `seq` you have.")
@click.option("--type", "types", multiple=True, help="Only these types; may be repeated.")
@click.option("--follow", is_flag=True, help="Wait for more, until Ctrl-C; reconnects.")
@pass_session
def events(session: Session, *, after: int, types: tuple[str, ...], follow: bool) -> None:
    """Print your events in their order; with --json one whole event a line."""
    client = session.client()
    if follow:
        _follow(session, after, types)
        return
    while True:
        page = client.events(after, types=types)
        for event in page.events:
            _print_event(session, event)
        if not page.has_more:
            return
        after = page.next_after


def _follow(session: Session, after: int, types: tuple[str, ...]) -> None:
    """Print events until Ctrl-C; what becomes of the connection goes to standard error."""
    listener = Listener(
        away=lambda error, seconds: session.err.print(
            f"{error}. Asking again in {seconds:.0f} s; no event is lost.", markup=False
        ),
        back=lambda: session.err.print("The coordinator answers again."),
    )
    session.hint = _go_on(after)
    for event in following.follow(session.client(), after, listener, types=types):
        _print_event(session, event)
        session.hint = _go_on(event.seq)


def _go_on(after: int) -> str:
    return f"`holdfast events --follow --after {after}` goes on behind the last event shown."


def _print_event(session: Session, event: EventView) -> None:
    if session.as_json:
        print_json(event)
        return
    subject = event.data.get("request_id") or event.data.get("grant_id") or ""
    partner = event.data.get("partner") or ""
    what = marked(event.type, drill=event.data.get("drill") is True)
    head = f"{event.seq:>6}  {second(event.timestamp)}  {what}"
    about = f"{subject}  {partner}".strip()
    is_short = len(head) + len(about) + 2 <= session.out.width
    line = f"{head:<58}  {about}" if is_short else f"{head}\n{'':8}{about}".rstrip()
    session.out.print(Text(printable(line), no_wrap=True))


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(events)

"""`holdfast events`, `holdfast endpoint`: what happens, from the feed and by webhook."""

import click
from rich.text import Text

from holdfast.cli.layout import minute, second
from holdfast.cli.session import (
    Session,
    SessionCommand,
    SessionGroup,
    facts,
    pass_session,
    print_json,
    printable,
)
from holdfast.client import following
from holdfast.client.following import Listener
from holdfast.protocol.payloads import NewEndpoint
from holdfast.protocol.views import EndpointView, EventView


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
    head = f"{event.seq:>6}  {second(event.timestamp)}  {event.type}"
    about = f"{subject}  {partner}".strip()
    is_short = len(head) + len(about) + 2 <= session.out.width
    line = f"{head:<58}  {about}" if is_short else f"{head}\n{'':8}{about}".rstrip()
    session.out.print(Text(printable(line), no_wrap=True))


@click.group("endpoint", cls=SessionGroup)
def endpoint() -> None:
    """Your webhook endpoints."""


@endpoint.command("add")
@click.argument("url")
@click.option(
    "--event",
    "event_types",
    multiple=True,
    help="Only this type, or freeze.* for all of freeze; may be repeated. By default all.",
)
@click.option("--description")
@pass_session
def add(
    session: Session, url: str, *, event_types: tuple[str, ...], description: str | None
) -> None:
    """Register an endpoint; its secret is printed once and never again."""
    members: dict[str, object] = {"url": url}
    if event_types:
        members["event_types"] = list(event_types)
    if description:
        members["description"] = description
    view = session.client().add_endpoint(NewEndpoint.model_validate(members))
    session.show(view, lambda: _show_endpoint(session, view))


def _show_endpoint(session: Session, view: EndpointView) -> None:
    session.out.print(
        facts(
            [
                ("endpoint", view.id),
                ("url", view.url),
                ("secret", view.secret),
                ("events", view.event_types or "all"),
            ]
        )
    )


@endpoint.command("list")
@pass_session
def list_(session: Session) -> None:
    """List your endpoints."""
    session.show_list(
        session.client().endpoints(),
        ("endpoint", "url", "enabled", "failing since", "events"),
        lambda view: (
            view.id,
            view.url,
            "yes" if view.enabled else "no",
            minute(view.failing_since) if view.failing_since else None,
            view.event_types or "all",
        ),
        empty="No endpoints.",
    )


@endpoint.command("test")
@click.argument("endpoint_id", metavar="ENDPOINT")
@pass_session
def test(session: Session, endpoint_id: str) -> None:
    """Have a test event sent there; see what came of it with `deliveries`."""
    answer = session.client().test_endpoint(endpoint_id)
    session.show(
        answer.body if isinstance(answer.body, dict) else {"status": answer.status},
        lambda: session.out.print("A test event is on its way."),
    )


@endpoint.command("remove")
@click.argument("endpoint_id", metavar="ENDPOINT")
@pass_session
def remove(session: Session, endpoint_id: str) -> None:
    """Delete an endpoint."""
    session.client().remove_endpoint(endpoint_id)


@endpoint.command("deliveries")
@click.argument("endpoint_id", metavar="ENDPOINT")
@pass_session
def deliveries(session: Session, endpoint_id: str) -> None:
    """List what was sent there, and with what outcome."""
    session.show_list(
        session.client().deliveries(endpoint_id),
        ("delivery", "event", "status", "tries", "last outcome"),
        lambda view: (
            view.id,
            view.event_type,
            view.status,
            len(view.attempts),
            (view.attempts[-1].status or view.attempts[-1].error) if view.attempts else None,
        ),
        empty="Nothing was sent there yet.",
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(events)
    cli.add_command(endpoint)

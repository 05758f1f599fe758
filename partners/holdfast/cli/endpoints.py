"""`holdfast endpoint`: where your events go, and having them sent again."""

from collections.abc import Sequence
from datetime import datetime

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import (
    TIME,
    Session,
    SessionGroup,
    facts,
    pass_session,
    print_json,
)
from holdfast.client.transport import Answer
from holdfast.errors import ApiError
from holdfast.protocol.payloads import EndpointChanges, NewEndpoint
from holdfast.protocol.views import DeliveryView, EndpointView
from holdfast.wording import counted

#: How a delivery stands that nobody tries any more.
_DEAD = "dead"
_ENDPOINT = click.argument("endpoint_id", metavar="ENDPOINT")


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
                ("description", view.description),
                ("sending", None if view.enabled else "turned off"),
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


@endpoint.command("change")
@_ENDPOINT
@click.option("--url", help="Where to from now on.")
@click.option("--event", "event_types", multiple=True, help="Only these types; may be repeated.")
@click.option("--all-events", is_flag=True, help="All types again.")
@click.option("--description")
@click.option("--on/--off", "enabled", default=None, help="Send there, or stop sending.")
@pass_session
def change(
    session: Session,
    endpoint_id: str,
    *,
    url: str | None,
    event_types: tuple[str, ...],
    all_events: bool,
    description: str | None,
    enabled: bool | None,
) -> None:
    """Change an endpoint; what is not named stays as it is."""
    if event_types and all_events:
        raise click.UsageError("--event and --all-events exclude each other")
    members = {"url": url, "description": description, "enabled": enabled}
    named: dict[str, object] = {name: v for name, v in members.items() if v is not None}
    if event_types or all_events:
        named["event_types"] = list(event_types) or None
    if not named:
        raise click.UsageError("say what to change: --url, --event, --description, --on, --off")
    changes = EndpointChanges.model_validate(named)
    view = session.client().change_endpoint(endpoint_id, changes)
    session.show(view, lambda: _show_endpoint(session, view))


@endpoint.command("rotate-secret")
@_ENDPOINT
@pass_session
def rotate_secret(session: Session, endpoint_id: str) -> None:
    """Make a new secret, printed once; for 24 hours the old one signs along."""
    view = session.client().rotate_secret(endpoint_id)
    session.show(view, lambda: _show_endpoint(session, view))


@endpoint.command("test")
@_ENDPOINT
@pass_session
def test(session: Session, endpoint_id: str) -> None:
    """Have a test event sent there; see what came of it with `deliveries`."""
    answer = session.client().test_endpoint(endpoint_id)
    session.show(
        _body(answer),
        lambda: session.out.print("A test event is on its way."),
    )


@endpoint.command("remove")
@_ENDPOINT
@pass_session
def remove(session: Session, endpoint_id: str) -> None:
    """Delete an endpoint."""
    session.client().remove_endpoint(endpoint_id)


@endpoint.command("deliveries")
@_ENDPOINT
@click.option(
    "--status", type=click.Choice(["pending", "delivered", _DEAD, "cancelled"]), help="Only these."
)
@pass_session
def deliveries(session: Session, endpoint_id: str, status: str | None) -> None:
    """List what was sent there, newest first, and with what outcome."""
    session.show_list(
        session.client().deliveries(endpoint_id, status=status),
        ("delivery", "event", "made", "status", "tries", "last outcome", "next try"),
        lambda view: (
            view.id,
            view.event_type,
            minute(view.created_at),
            view.status,
            len(view.attempts),
            (view.attempts[-1].status or view.attempts[-1].error) if view.attempts else None,
            view.next_attempt_at and minute(view.next_attempt_at),
        ),
        empty="Nothing was sent there yet.",
    )


@endpoint.command("replay")
@_ENDPOINT
@click.option("--since", type=TIME, required=True, help="E.g. 2026-03-01T12:00:00Z.")
@pass_session
def replay(session: Session, endpoint_id: str, since: datetime) -> None:
    """Have everything sent, or sent again, that happened since a time."""
    answer = session.client().replay(endpoint_id, since)
    queued = _body(answer).get("queued")
    session.show(_body(answer), lambda: session.out.print(f"{queued} events are on their way."))


@endpoint.command("resend")
@click.argument("delivery_id", metavar="DELIVERY")
@pass_session
def resend(session: Session, delivery_id: str) -> None:
    """Have one delivery sent again, now; your receiver knows it by its id."""
    answer = session.client().resend(delivery_id)
    session.show(_body(answer), lambda: session.out.print("It is on its way."))


@endpoint.command("recover")
@_ENDPOINT
@click.option("--since", type=TIME, help="Only what was made since then.")
@pass_session
def recover(session: Session, endpoint_id: str, since: datetime | None) -> None:
    """Have everything sent again that was given up, once your receiver works again.

    Each dead delivery is sent once more under its own id; what had arrived is not.
    """
    client = session.client()
    dead = [
        delivery
        for delivery in client.deliveries(endpoint_id, status=_DEAD)
        if since is None or delivery.created_at >= since
    ]
    # The oldest first, as they happened.
    sent = _resend_all(session, dead[::-1])
    if not session.as_json:
        said = f"{counted(sent, 'message')} sent again." if sent else "Nothing was given up."
        session.out.print(said)


def _resend_all(session: Session, dead: Sequence[DeliveryView]) -> int:
    """Have deliveries sent again; if one is refused, say how many went before it."""
    client = session.client()
    for number, delivery in enumerate(dead):
        try:
            answer = client.resend(delivery.id)
        except ApiError:
            session.err.print(f"{number} of {len(dead)} were sent again before this:")
            raise
        if session.as_json:
            print_json(_body(answer))
    return len(dead)


def _body(answer: Answer) -> dict[str, object]:
    return answer.body if isinstance(answer.body, dict) else {"status": answer.status}


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(endpoint)

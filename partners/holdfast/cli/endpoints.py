"""`holdfast endpoint`: where your events go, and having them sent again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import (
    TIME,
    Session,
    SessionGroup,
    facts,
    pass_session,
)
from holdfast.client.transport import Answer
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
    following = f"keep the secret, then `holdfast endpoint test {view.id}`"
    session.show(view, lambda: _show_endpoint(session, view, following))


def _show_endpoint(session: Session, view: EndpointView, following: str | None = None) -> None:
    session.out.print(
        facts(
            [
                ("endpoint", view.id),
                ("url", view.url),
                ("secret", view.secret),
                ("events", view.event_types or "all"),
                ("description", view.description),
                ("sending", None if view.enabled else _turned_off(view)),
                ("next", following),
            ]
        )
    )


def _turned_off(view: EndpointView) -> str:
    return "turned off: it answered 410 (gone)" if view.gone_at else "turned off"


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
@click.option("--replay", is_flag=True, help="With --on: also what happened while it was off.")
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
    replay: bool,
) -> None:
    """Change an endpoint; what is not named stays as it is."""
    if event_types and all_events:
        raise click.UsageError("--event and --all-events exclude each other")
    if replay and not enabled:
        raise click.UsageError("--replay goes with --on")
    members = {"url": url, "description": description, "enabled": enabled}
    named: dict[str, object] = {name: v for name, v in members.items() if v is not None}
    if event_types or all_events:
        named["event_types"] = list(event_types) or None
    if not named:
        options = "--url, --event, --all-events, --description, --on, --off"
        raise click.UsageError(f"say what to change: {options}")
    if replay:
        named["replay"] = True
    changes = EndpointChanges.model_validate(named)
    view = session.client().change_endpoint(endpoint_id, changes)
    session.show(view, lambda: _show_endpoint(session, view))


@endpoint.command("rotate-secret")
@_ENDPOINT
@pass_session
def rotate_secret(session: Session, endpoint_id: str) -> None:
    """Make a new secret, printed once; for 24 hours the old one signs along."""
    view = session.client().rotate_secret(endpoint_id)
    following = "give your receiver the new secret within 24 hours: until then both sign"
    session.show(view, lambda: _show_endpoint(session, view, following))


@endpoint.command("test")
@_ENDPOINT
@pass_session
def test(session: Session, endpoint_id: str) -> None:
    """Have a test event sent there, now; says what came of it."""
    answer = _body(session.client().test_endpoint(endpoint_id))
    session.show(answer, lambda: session.out.print(_outcome(answer, endpoint_id), markup=False))


def _outcome(answer: Mapping[str, Any], endpoint_id: str) -> str:
    delivery = DeliveryView.model_validate(answer["delivery"]) if answer.get("delivery") else None
    if delivery is None or not delivery.attempts:
        listing = f"`holdfast endpoint deliveries {endpoint_id}` shows what came of it."
        return f"A test event is on its way: {listing}"
    tried = delivery.attempts[-1]
    said = f"HTTP {tried.status}" if tried.status is not None else "no answer"
    took = f"{said} after {tried.duration_ms} ms"
    if tried.error is None:
        return f"It was taken: {took}. Whatever waited for this endpoint is sent now."
    return f"It was not taken: {took} ({tried.error}). A test is tried once."


@endpoint.command("remove")
@_ENDPOINT
@pass_session
def remove(session: Session, endpoint_id: str) -> None:
    """Delete an endpoint."""
    session.client().remove_endpoint(endpoint_id)
    if not session.as_json:
        session.out.print(f"{endpoint_id} is removed: nothing is sent there any more.")


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

    Each dead delivery is sent once more under its own id; what had arrived is not. What waits for
    its next try is sent now, too.
    """
    answer = _body(session.client().recover_endpoint(endpoint_id, since))
    sent = answer["queued"]
    said = f"{counted(sent, 'message')} sent again." if sent else "Nothing was given up."
    session.show(answer, lambda: session.out.print(said))


def _body(answer: Answer) -> dict[str, Any]:
    return answer.body if isinstance(answer.body, dict) else {"status": answer.status}


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(endpoint)

"""Deliveries as partners see them, and sending again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.delivery import USER_AGENT, DeliveryStatus, told_error
from coordinator.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import PRIORITY, Answer, UnitOfWork
from coordinator.storage.delivery import answer_texts, endpoint_health
from coordinator.storage.delivery import deliveries as store
from coordinator.storage.delivery import webhook_endpoints as endpoint_store
from coordinator.storage.delivery.deliveries import OwedEvent, ShownDelivery
from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.newest import Newest
from coordinator.storage.requests.leg_limits import hidden_among
from coordinator.storage.tables.outbox import AttemptRow
from coordinator.storage.tail import outbox
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import EventType, Urgency, is_chosen

#: Attempts shown with a delivery, the newest ones.
ATTEMPTS_SHOWN = 20
#: The most events that one replay queues.
REPLAY_LIMIT = 10_000


class AttemptView(TypedDict):
    """One HTTP try (`views.AttemptView`)."""

    number: int
    at: str
    status: int | None
    error: str | None
    duration_ms: int


class DeliveryView(TypedDict):
    """An event owed to one endpoint (`views.DeliveryView`)."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    status: str
    created_at: str
    delivered_at: str | None
    next_attempt_at: str | None
    attempts: Sequence[AttemptView]


class AttemptContentView(AttemptView):
    """One HTTP try with what was sent and answered (`views.AttemptContentView`)."""

    request_headers: Mapping[str, str]
    answer: str | None


class DeliveryContentView(TypedDict):
    """One delivery with the event that it carries (`views.DeliveryContentView`)."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    status: str
    created_at: str
    delivered_at: str | None
    next_attempt_at: str | None
    attempts: Sequence[AttemptContentView]
    request_id: str | None
    payload: JsonObject | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendDelivery:
    """Send one delivery again, now, under the same `webhook-id`."""

    delivery_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayEndpoint:
    """Send an endpoint again, or for the first time, what happened since a time."""

    endpoint_id: str
    body: payloads.Replay


@handles(ResendDelivery, needs=Permission.DELIVERY_RESEND)
def resend(command: ResendDelivery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Queue a delivery again, whatever its status; one that waits for a retry becomes due."""
    row = store.find(uow.connection, command.delivery_id, actor.viewer)
    if row is None:
        raise NotFoundError("there is no such delivery, or none of yours")
    endpoint = endpoint_store.find(uow.connection, row.endpoint_id, actor.partner)
    if endpoint is None or not endpoint.enabled:
        raise ConflictError("its endpoint is turned off; turn it on first", code="endpoint_off")
    outbox.reopen_lanes(uow.connection, row.endpoint_id, {row.request_id: 0}, uow.now)
    endpoint_health.forget_wait(uow.connection, row.endpoint_id)
    store.queue_again(uow.connection, [row.id])
    recorded = uow.record(
        "delivery.resent",
        {"delivery_id": row.id, "partner": actor.partner, "by": actor.subject},
        key=uow.key(endpoint.document_key_id),
    )
    fresh = store.find(uow.connection, row.id, actor.viewer)
    return Answer(202, delivery_views(uow.connection, [fresh or row])[0], entry=recorded)


@handles(ReplayEndpoint, needs=Permission.DELIVERY_RESEND)
def replay(command: ReplayEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Queue every event since a time that the endpoint takes, in order, delivered before or not."""
    endpoint = endpoint_store.find(uow.connection, command.endpoint_id, actor.partner)
    if endpoint is None:
        raise NotFoundError("there is no such endpoint, or none of yours")
    if not endpoint.enabled:
        raise ConflictError("the endpoint is turned off; turn it on first", code="endpoint_off")
    since = command.body.since
    queued = queue_events_since(uow, endpoint.id, actor.viewer, since, endpoint.event_types)
    endpoint_health.forget_wait(uow.connection, endpoint.id)
    recorded = uow.record(
        "webhook_endpoint.replayed",
        {
            "endpoint_id": endpoint.id,
            "partner": actor.partner,
            "by": actor.subject,
            "since": format_time(since),
            "events": queued,
        },
        key=uow.key(endpoint.document_key_id),
    )
    return Answer(202, {"id": endpoint.id, "queued": queued}, entry=recorded)


def queue_events_since(
    uow: UnitOfWork,
    endpoint_id: str,
    viewer: Viewer,
    since: datetime,
    event_types: Sequence[str] | None,
) -> int:
    """Queue a partner's events since a time that an endpoint takes; returns how many.

    Tests are left out: each went to one endpoint, once. What is hidden from the viewer goes to the
    endpoint, which is a machine's, and is not counted.

    Raises:
        InvalidInputError: If there are too many.
    """
    events = store.events_since(uow.connection, viewer.partner, since, REPLAY_LIMIT + 1)
    if len(events) > REPLAY_LIMIT:
        raise InvalidInputError(
            f"more than {REPLAY_LIMIT} events happened since then; take a later time, or read the "
            "feed (GET /v1/events), which has them all",
            code="replay_too_long",
        )
    events = [e for e in events if e.type != EventType.ENDPOINT_TEST]
    if event_types is not None:
        events = [e for e in events if is_chosen(e.type, event_types)]
    _queue(uow, endpoint_id, events)
    hidden = hidden_among(uow.connection, viewer, {e.request_id for e in events if e.request_id})
    return sum(e.request_id not in hidden for e in events)


def _queue(uow: UnitOfWork, endpoint_id: str, events: Sequence[OwedEvent]) -> None:
    requests = sorted({e.request_id or "" for e in events})
    known = store.priorities(uow.connection, endpoint_id, requests)
    lanes = {r: known.get(r, PRIORITY[Urgency.ROUTINE]) for r in requests}
    outbox.reopen_lanes(uow.connection, endpoint_id, lanes, uow.now)
    owed = store.of_events(uow.connection, endpoint_id, [e.id for e in events])
    store.queue_again(uow.connection, list(owed.values()))
    fresh = [e for e in events if e.id not in owed]
    store.queue_events(uow.connection, endpoint_id, fresh, uow.now)


def list_deliveries(
    connection: Connection, actor: Actor, endpoint_id: str, wanted: Newest
) -> tuple[list[DeliveryView], str | None]:
    """Return an endpoint's deliveries, the newest first, and before which to go on (None: all).

    Raises:
        NotFoundError: If the endpoint is somebody else's or gone.
    """
    if endpoint_store.find(connection, endpoint_id, actor.partner) is None:
        raise NotFoundError("there is no such endpoint, or none of yours")
    limit = wanted.limit
    rows = store.page(connection, endpoint_id, actor.viewer, replace(wanted, limit=limit + 1))
    more = rows[limit - 1].id if len(rows) > limit else None
    return delivery_views(connection, rows[:limit]), more


def get_delivery(
    connection: Connection, vault: Vault, actor: Actor, delivery_id: str
) -> DeliveryContentView:
    """Return one delivery with its attempts and the event that it carries.

    Raises:
        NotFoundError: If it goes to somebody else, or its endpoint is gone.
    """
    row = store.find(connection, delivery_id, actor.viewer)
    if row is None:
        raise NotFoundError("there is no such delivery, or none of yours")
    body = load_one(connection, vault, row.event_id, "body")
    number, text = answer_texts.read(connection, vault, row.id) or (0, None)
    shown = delivery_views(connection, [row])[0]
    return {
        **shown,
        "attempts": [
            {
                **attempt,
                "request_headers": _headers(row.event_id, attempt),
                "answer": text if attempt["number"] == number else None,
            }
            for attempt in shown["attempts"]
        ],
        "request_id": None if row.request_id == outbox.TEST_LANE else row.request_id or None,
        "payload": strict_json.loads(body) if body else None,
    }


def _headers(event_id: str, attempt: AttemptView) -> Mapping[str, str]:
    """Return what a try said of itself, but for its signature.

    That one is not kept: with it, whoever may read deliveries could post the event as ours.
    """
    at = payloads.parse_time(attempt["at"])
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
    }


def delivery_of_event(
    connection: Connection, endpoint_id: str, event_id: str
) -> DeliveryView | None:
    """Return how an event stands that one endpoint is owed; None where it is not."""
    found = store.of_events(connection, endpoint_id, [event_id])
    row = store.get(connection, found[event_id]) if event_id in found else None
    return None if row is None else delivery_views(connection, [row])[0]


def delivery_views(connection: Connection, rows: Sequence[ShownDelivery]) -> list[DeliveryView]:
    """Return deliveries with their newest attempts, in one query for all."""
    tried = store.attempts(connection, [row.id for row in rows], newest=ATTEMPTS_SHOWN)
    return [_view(row, tried[row.id]) for row in rows]


def _view(row: ShownDelivery, attempts: Sequence[AttemptRow]) -> DeliveryView:
    is_delivered = row.status == DeliveryStatus.DELIVERED
    is_waiting = row.status == DeliveryStatus.PENDING and row.due_at is not None
    return {
        "id": row.id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "endpoint_id": row.endpoint_id,
        "status": row.status,
        "created_at": format_time(row.created_at),
        "delivered_at": format_time(row.finished_at) if is_delivered else None,
        "next_attempt_at": format_time(row.due_at) if is_waiting else None,
        "attempts": [
            {
                "number": a.number,
                "at": format_time(a.at),
                "status": a.status,
                "error": told_error(a.error),
                "duration_ms": a.duration_ms,
            }
            for a in attempts
        ],
    }

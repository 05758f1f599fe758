"""Deliveries and their attempts, sending again, and outcomes that legs must still be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    func,
    null,
    or_,
    select,
    update,
)

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.newest import Newest
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import fields_from, read, read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.outbox import (
    AttemptRow,
    DeliveryRow,
    LaneRow,
    WebhookEndpointRow,
)
from coordinator.storage.tail.outbox import DELIVERY_COLUMNS, TEST_LANE
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType

R = TypeVar("R")


class ShownDelivery(NamedTuple):
    """A delivery with the type of its event and its lane's next try."""

    id: str
    endpoint_id: str
    request_id: str
    event_id: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    event_type: str
    due_at: datetime | None


class Health(NamedTuple):
    """How an endpoint takes its events."""

    endpoint_id: str
    waiting: int
    waiting_since: datetime | None
    dead: int
    next_attempt_at: datetime | None
    delivered_at: datetime | None


class OwedEvent(NamedTuple):
    """An event that an endpoint may be owed."""

    seq: int
    id: str
    type: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class LegDue:
    """A delivered or dead notice whose leg has not been told."""

    delivery_id: str
    event_id: str
    leg_id: str
    owes: str


def page(
    connection: Connection, endpoint_id: str, viewer: Viewer, wanted: Newest
) -> list[ShownDelivery]:
    """Return an endpoint's deliveries, the newest first, with type and the lane's next try."""
    query = (
        _DELIVERIES.where(
            DeliveryRow.endpoint_id == endpoint_id, *seen(EventRow.request_id, viewer)
        )
        .order_by(DeliveryRow.id.desc())
        .limit(wanted.limit)
    )
    if wanted.before is not None:
        query = query.where(DeliveryRow.id < wanted.before)
    if wanted.status is not None:
        query = query.where(DeliveryRow.status == wanted.status)
    return read_as(connection, ShownDelivery, query)


_DELIVERIES = (
    select(
        *fields_from(ShownDelivery, DeliveryRow),
        EventRow.type.label("event_type"),
        LaneRow.due_at,
    )
    .join(EventRow, EventRow.seq == DeliveryRow.seq)
    .join(
        LaneRow,
        and_(
            LaneRow.endpoint_id == DeliveryRow.endpoint_id,
            LaneRow.request_id == DeliveryRow.request_id,
        ),
    )
)


def find(connection: Connection, delivery_id: str, viewer: Viewer) -> ShownDelivery | None:
    """Return a delivery to an endpoint of a viewer's partner, which is not deleted."""
    query = _DELIVERIES.join(
        WebhookEndpointRow, WebhookEndpointRow.id == DeliveryRow.endpoint_id
    ).where(
        DeliveryRow.id == delivery_id,
        WebhookEndpointRow.partner == viewer.partner,
        WebhookEndpointRow.deleted_at.is_(None),
        *seen(EventRow.request_id, viewer),
    )
    return next(iter(read_as(connection, ShownDelivery, query)), None)


def get(connection: Connection, delivery_id: str) -> ShownDelivery | None:
    """Return a delivery, whosever it is."""
    query = _DELIVERIES.where(DeliveryRow.id == delivery_id)
    return next(iter(read_as(connection, ShownDelivery, query)), None)


def health(
    connection: Connection, endpoint_ids: Sequence[str], viewer: Viewer
) -> dict[str, Health]:
    """Return how endpoints take their events, by id: one query for all of them."""
    owed = and_(
        DeliveryRow.endpoint_id == WebhookEndpointRow.id, *seen(DeliveryRow.request_id, viewer)
    )

    def of_status(value: ColumnElement[R], status: str) -> ScalarSelect[R]:
        return select(value).where(owed, DeliveryRow.status == status).scalar_subquery()

    newest_taken = (
        select(DeliveryRow.finished_at)
        .where(owed, DeliveryRow.status == "delivered")
        .order_by(DeliveryRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    next_try = (
        select(func.min(LaneRow.due_at))
        .where(LaneRow.endpoint_id == WebhookEndpointRow.id, *seen(LaneRow.request_id, viewer))
        .scalar_subquery()
    )
    query = select(
        WebhookEndpointRow.id.label("endpoint_id"),
        of_status(func.count(), "pending").label("waiting"),
        of_status(func.min(DeliveryRow.created_at), "pending").label("waiting_since"),
        select(func.count())
        .where(owed, DeliveryRow.status == "dead", DeliveryRow.request_id != TEST_LANE)
        .scalar_subquery()
        .label("dead"),
        next_try.label("next_attempt_at"),
        newest_taken.label("delivered_at"),
    ).where(WebhookEndpointRow.id.in_(endpoint_ids))
    return {each.endpoint_id: each for each in read_as(connection, Health, query)}


def attempts(
    connection: Connection, delivery_ids: Sequence[str], *, newest: int
) -> dict[str, list[AttemptRow]]:
    """Return the `newest` attempts of each delivery, in order."""
    found: dict[str, list[AttemptRow]] = {delivery_id: [] for delivery_id in delivery_ids}
    for some in batches(delivery_ids):
        query = (
            select(AttemptRow)
            .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery_id)
            .where(
                AttemptRow.delivery_id.in_(some),
                AttemptRow.number > DeliveryRow.attempts - newest,
            )
            .order_by(AttemptRow.delivery_id, AttemptRow.number)
        )
        for row in read(connection, query):
            found[row.delivery_id].append(row)
    return found


def notice_attempts(
    connection: Connection, request_id: str, partner: str, *, limit: int
) -> list[AttemptRow]:
    """Return the newest attempts to hand a request's notice to a partner's endpoints, in order."""
    query = (
        select(AttemptRow)
        .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery_id)
        .join(EventRow, EventRow.id == DeliveryRow.event_id)
        .join(WebhookEndpointRow, WebhookEndpointRow.id == DeliveryRow.endpoint_id)
        .where(
            EventRow.request_id == request_id,
            EventRow.type == EventType.REQUEST_RECEIVED.value,
            WebhookEndpointRow.partner == partner,
        )
        .order_by(AttemptRow.at.desc(), AttemptRow.delivery_id, AttemptRow.number.desc())
        .limit(limit)
    )
    return read(connection, query)[::-1]


def given_up(
    connection: Connection,
    endpoint_id: str,
    made_since: datetime | None,
    limit: int,
    ended_since: datetime | None = None,
) -> list[str]:
    """Return an endpoint's oldest `limit` deliveries that were given up; no tests.

    Args:
        connection: For reading.
        endpoint_id: Whose.
        made_since: Only those that were queued then or later.
        limit: As many at most.
        ended_since: Only those that were given up then or later.
    """
    query = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.endpoint_id == endpoint_id,
            DeliveryRow.status == "dead",
            DeliveryRow.request_id != TEST_LANE,
        )
        .order_by(DeliveryRow.seq)
        .limit(limit)
    )
    if made_since is not None:
        query = query.where(DeliveryRow.created_at >= made_since)
    if ended_since is not None:
        query = query.where(DeliveryRow.finished_at >= ended_since)
    return list(connection.execute(query).scalars())


def queue_again(connection: Connection, delivery_ids: Sequence[str]) -> None:
    """Make finished deliveries pending again. The caller opens their lanes first."""
    for some in batches(delivery_ids):
        connection.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(some))
            .values(status="pending", finished_at=None)
        )


def queue_events(
    connection: Connection, endpoint_id: str, events: Sequence[OwedEvent], now: datetime
) -> None:
    """Queue events that the endpoint was never sent. The caller opens their lanes first."""
    rows = [
        (new_id("dlv"), endpoint_id, e.request_id or "", e.seq, e.id, "pending", now, 0)
        for e in events
    ]
    insert_rows(connection, DeliveryRow, DELIVERY_COLUMNS, rows, ignore_conflicts=True)


def of_events(connection: Connection, endpoint_id: str, event_ids: Sequence[str]) -> dict[str, str]:
    """Return the deliveries in which an endpoint was owed these events, by event id."""
    found: dict[str, str] = {}
    for some in batches(event_ids):
        query = select(DeliveryRow.event_id, DeliveryRow.id).where(
            DeliveryRow.endpoint_id == endpoint_id,
            DeliveryRow.event_id.in_(some),
        )
        found |= dict(connection.execute(query).all())
    return found


def events_since(
    connection: Connection, partner: str, since: datetime, limit: int
) -> list[OwedEvent]:
    """Return a partner's newest `limit` events since a time, in order.

    Read backwards from the newest along the audience's index, so that old events cost nothing.
    """
    seqs = (
        select(EventAudienceRow.seq)
        .where(or_(EventAudienceRow.partner == partner, EventAudienceRow.partner == "*"))
        .order_by(EventAudienceRow.seq.desc())
        .limit(limit)
        .subquery()
    )
    query = (
        select(EventRow.seq, EventRow.id, EventRow.type, EventRow.request_id)
        .join(seqs, seqs.c.seq == EventRow.seq)
        .where(EventRow.occurred_at >= since)
        .order_by(EventRow.seq)
    )
    return read_as(connection, OwedEvent, query)


def priorities(
    connection: Connection, endpoint_id: str, request_ids: Sequence[str]
) -> dict[str, int]:
    """Return the priority of an endpoint's lanes by request, where they exist."""
    found: dict[str, int] = {}
    for some in batches(request_ids):
        query = select(LaneRow.request_id, LaneRow.priority).where(
            LaneRow.endpoint_id == endpoint_id,
            LaneRow.request_id.in_(some),
        )
        found |= dict(connection.execute(query).all())
    return found


def is_leg_owed(connection: Connection, *, after: str) -> bool:
    """Tell whether any delivery above `after` has an outcome that its leg was not told."""
    query = select(DeliveryRow.id).where(DeliveryRow.owes.is_not(None), DeliveryRow.id > after)
    return connection.execute(query.limit(1)).first() is not None


def take_legs(
    connection: Connection, *, after: str = "", limit: int, only: str | None = None
) -> list[LegDue]:
    """Take notices whose outcome the leg was not told, to tell it in this transaction.

    Notices that another worker has taken are skipped.

    Args:
        connection: Inside the transaction that tells the legs.
        after: Ids of deliveries lie above this.
        limit: How many at most; the lowest ids.
        only: The one delivery that is to be taken.
    """
    query = (
        select(DeliveryRow.id, DeliveryRow.event_id, EventRow.leg_id, DeliveryRow.owes)
        .join(EventRow, EventRow.seq == DeliveryRow.seq)
        .where(DeliveryRow.owes.is_not(None), DeliveryRow.id > after)
        .order_by(DeliveryRow.id)
        .limit(limit)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    if only is not None:
        query = query.where(DeliveryRow.id == only)
    due = [
        LegDue(delivery_id, event_id, leg_id or "", owes or "")
        for delivery_id, event_id, leg_id, owes in connection.execute(query)
    ]
    if due:
        _SETTLE.send(connection, among=[one.delivery_id for one in due])
    return due


def is_alive_elsewhere(connection: Connection, event_id: str, but: str) -> bool:
    """Tell whether another endpoint has received this event, or still may."""
    query = select(func.count()).where(
        DeliveryRow.event_id == event_id,
        DeliveryRow.id != but,
        DeliveryRow.status.in_(("pending", "delivered")),
    )
    return connection.execute(query).scalar_one() > 0


_SETTLE = Prebuilt(update(DeliveryRow).values(owes=null()), among=DeliveryRow.id)

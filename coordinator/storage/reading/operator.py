"""What the operator sees of the network: counts, states and times; nothing that anybody wrote."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Subquery, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.outbox import (
    AttemptRow,
    DeliveryRow,
    LaneRow,
    WebhookEndpointRow,
)
from coordinator.storage.tables.partners import PartnerRow
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from coordinator.storage.tail.outbox import TEST_LANE

_MOST_MEMBERS = 500


class MemberState(NamedTuple):
    """One member, as far as the operator has to do with it."""

    handle: str
    status: str
    root_kid: str | None
    invited_at: datetime
    invitation_expires_at: datetime | None
    joined_at: datetime | None


class Owed(NamedTuple):
    """What one partner's endpoints are owed.

    Attributes:
        failing_since: Since when one of them has taken nothing.
        lanes: Lanes that owe something.
        oldest_due: When the first of them was, or is, due.
        given_up: Deliveries that were given up since the last good one.
    """

    partner: str
    failing_since: datetime | None
    lanes: int
    oldest_due: datetime | None
    given_up: int


class Backlog(NamedTuple):
    """What one endpoint was not delivered.

    Attributes:
        waiting: Deliveries that are still tried.
        waiting_since: When the oldest of them was queued.
        dead: Deliveries that were given up; tests are not counted.
        dead_since: When the first of them was.
        next_attempt_at: When the next that waits is tried.
    """

    partner: str
    endpoint_id: str
    enabled: bool
    failing_since: datetime | None
    gone_at: datetime | None
    busy_until: datetime | None
    waiting: int
    waiting_since: datetime | None
    dead: int
    dead_since: datetime | None
    next_attempt_at: datetime | None


class LastTry(NamedTuple):
    """The newest try of what an endpoint still waits for, or was given up."""

    at: datetime
    status: int | None
    error: str | None


class LogState(NamedTuple):
    """The head of the log.

    Attributes:
        last_at: When it last grew.
        restored_at: Since when a restored database is read alone; None: it takes changes.
    """

    leaves: int
    events: int
    last_at: datetime | None
    restored_at: datetime | None


def members(connection: Connection) -> list[MemberState]:
    """Return the members and the invited, by handle."""
    query = (
        select(
            PartnerRow.handle,
            PartnerRow.status,
            PartnerRow.root_kid,
            PartnerRow.invited_at,
            PartnerRow.invitation_expires_at,
            PartnerRow.joined_at,
        )
        .order_by(PartnerRow.handle)
        .limit(_MOST_MEMBERS)
    )
    return read_as(connection, MemberState, query)


def owed(connection: Connection) -> list[Owed]:
    """Return what is owed, by partner, of those to whom anything is."""
    query = (
        select(
            WebhookEndpointRow.partner,
            func.min(WebhookEndpointRow.failing_since).label("failing_since"),
            func.count(LaneRow.due_at).label("lanes"),
            func.min(LaneRow.due_at).label("oldest_due"),
            func.coalesce(func.sum(LaneRow.gaps), 0).label("given_up"),
        )
        .outerjoin(LaneRow, LaneRow.endpoint_id == WebhookEndpointRow.id)
        .where(WebhookEndpointRow.deleted_at.is_(None))
        .group_by(WebhookEndpointRow.partner)
        .order_by(WebhookEndpointRow.partner)
    )
    return read_as(connection, Owed, query)


def backlogs(connection: Connection, partner: str | None = None) -> list[Backlog]:
    """Return what endpoints were not delivered, of those that are not all well, the oldest first.

    Args:
        connection: For reading; two passes over what is open and given up.
        partner: Only this one's.
    """
    counted = _undelivered("pending", DeliveryRow.created_at)
    given_up = _undelivered("dead", DeliveryRow.finished_at)
    due = (
        select(LaneRow.endpoint_id, func.min(LaneRow.due_at).label("due_at"))
        .group_by(LaneRow.endpoint_id)
        .subquery()
    )
    endpoint = WebhookEndpointRow
    query = (
        select(
            endpoint.partner,
            endpoint.id.label("endpoint_id"),
            endpoint.enabled,
            endpoint.failing_since,
            endpoint.gone_at,
            endpoint.busy_until,
            func.coalesce(counted.c.count, 0).label("waiting"),
            counted.c.since.label("waiting_since"),
            func.coalesce(given_up.c.count, 0).label("dead"),
            given_up.c.since.label("dead_since"),
            due.c.due_at.label("next_attempt_at"),
        )
        .outerjoin(counted, counted.c.endpoint_id == endpoint.id)
        .outerjoin(given_up, given_up.c.endpoint_id == endpoint.id)
        .outerjoin(due, due.c.endpoint_id == endpoint.id)
        .where(
            endpoint.deleted_at.is_(None),
            or_(
                counted.c.count > 0,
                given_up.c.count > 0,
                endpoint.failing_since.is_not(None),
                endpoint.gone_at.is_not(None),
            ),
        )
        .order_by(endpoint.partner, endpoint.id)
    )
    if partner is not None:
        query = query.where(endpoint.partner == partner)
    return read_as(connection, Backlog, query)


def _undelivered(status: str, since: InstrumentedAttribute[Any]) -> Subquery:
    """Return how many deliveries of a status there are by endpoint, and since when."""
    return (
        select(
            DeliveryRow.endpoint_id,
            func.count().label("count"),
            func.min(since).label("since"),
        )
        .where(DeliveryRow.status == status, DeliveryRow.request_id != TEST_LANE)
        .group_by(DeliveryRow.endpoint_id)
        .subquery()
    )


def last_try(connection: Connection, endpoint_id: str) -> LastTry | None:
    """Return the newest try of what an endpoint was not delivered; None without one."""
    query = (
        select(AttemptRow.at, AttemptRow.status, AttemptRow.error)
        .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery_id)
        .where(
            DeliveryRow.endpoint_id == endpoint_id,
            DeliveryRow.status.in_(("pending", "dead")),
            AttemptRow.number == DeliveryRow.attempts,
        )
        .order_by(AttemptRow.at.desc())
        .limit(1)
    )
    return next(iter(read_as(connection, LastTry, query)), None)


def log_state(connection: Connection) -> LogState:
    """Return how long the log is, and when it last grew."""
    head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq, LogHeadRow.restored_at)
    leaves, events, restored_at = connection.execute(head).one()
    newest = select(LogLeafRow.at).order_by(LogLeafRow.index.desc()).limit(1)
    return LogState(leaves, events, connection.execute(newest).scalar(), restored_at)


def database_time(connection: Connection) -> datetime | None:
    """Return what time the database server has; None where it is this very host's."""
    if connection.dialect.name != "postgresql":
        return None
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found

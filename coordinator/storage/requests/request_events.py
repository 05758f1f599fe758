"""What happened on one request, as far as a partner was told."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.tables.events import EventAudienceRow, EventRow


class RequestEvent(NamedTuple):
    """One event on a request, with its place in the log."""

    seq: int
    id: str
    type: str
    leg_id: str | None
    occurred_at: datetime
    leaf_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEvents:
    """Which events are read.

    Attributes:
        past: The number to go on after, in that order; None at the start.
        limit: At most so many.
        is_newest_first: Which order; else the oldest comes first.
        types: Only of these types; empty for all.
    """

    past: int | None
    limit: int
    is_newest_first: bool
    types: frozenset[str] = frozenset()


def events(
    connection: Connection, request_id: str, partner: str, wanted: WantedEvents
) -> list[RequestEvent]:
    """Return events on a request that were told to `partner`, in the order asked for."""
    # Along the request's own events, which are few: all that a partner was ever told are not.
    query = select(*fields_from(RequestEvent, EventRow)).where(
        EventRow.request_id == request_id, _is_told_to(partner)
    )
    if wanted.past is not None:
        query = query.where(_is_past(wanted.past, is_newest_first=wanted.is_newest_first))
    if wanted.types:
        query = query.where(EventRow.type.in_(sorted(wanted.types)))
    order = EventRow.seq.desc() if wanted.is_newest_first else EventRow.seq
    return read_as(connection, RequestEvent, query.order_by(order).limit(wanted.limit))


def _is_past(seq: int, *, is_newest_first: bool) -> ColumnElement[bool]:
    return EventRow.seq < seq if is_newest_first else EventRow.seq > seq


def newest(connection: Connection, request_id: str, partner: str) -> int:
    """Return the number of the newest event on a request told to `partner`; 0 without one."""
    query = (
        select(EventRow.seq)
        .where(EventRow.request_id == request_id, _is_told_to(partner))
        .order_by(EventRow.seq.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() or 0


def count(connection: Connection, request_id: str, partner: str) -> int:
    """Count the events on a request that were told to `partner`."""
    query = select(func.count()).where(EventRow.request_id == request_id, _is_told_to(partner))
    return int(connection.execute(query).scalar_one())


def _is_told_to(partner: str) -> ColumnElement[bool]:
    return (
        select(EventAudienceRow.seq)
        .where(EventAudienceRow.partner == partner, EventAudienceRow.seq == EventRow.seq)
        .exists()
    )

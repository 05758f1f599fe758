"""Queries that only readers need; each answers a whole page at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, select
from sqlalchemy.orm import aliased

from coordinator.storage.engine.reads import read_as, read_one
from coordinator.storage.requests.incidents import words_are_told_to
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.freeze_requests import (
    ActRow,
    FreezeRequestRow,
    IncidentRow,
    LegRow,
)
from coordinator.storage.tables.transparency_log import LogLeafRow
from holdfast.protocol.vocabulary import EventType, LegStatus

_CHUNK = 400
#: Legs still queued that one look at the feed considers.
_OLDEST = 100
# Made once, for what an alias costs.
_NEWER, _NEWER_LEG = aliased(FreezeRequestRow), aliased(LegRow)


def _old_notices() -> Select[str, str]:
    """Return (request, leg) of the oldest legs still queued whose notice was passed in the feed."""
    oldest = (
        select(LegRow.id, LegRow.request_id)
        .where(LegRow.partner == bindparam("partner"), LegRow.status == LegStatus.QUEUED.value)
        .order_by(LegRow.request_id)
        .limit(_OLDEST)
        .subquery()
    )
    return (
        select(oldest.c.request_id, oldest.c.id)
        .join(
            EventRow,
            (EventRow.request_id == oldest.c.request_id)
            & (EventRow.leg_id == oldest.c.id)
            & (EventRow.type == EventType.REQUEST_RECEIVED.value),
        )
        .where(EventRow.seq <= bindparam("up_to"))
    )


_OLD_NOTICES = _old_notices()


class IncidentRead(NamedTuple):
    """An incident as one partner reads it.

    Attributes:
        is_told: Whether the partner may read its words.
    """

    id: str
    opened_by: str
    document_key_id: str
    kind: str
    occurred_at: datetime
    is_told: bool


def submit_act(connection: Connection, request_id: str) -> str | None:
    """Return the act that submitted a request; its evidence is the whole document."""
    query = (
        select(ActRow.id)
        .where(ActRow.request_id == request_id, ActRow.kind == "submit")
        .order_by(ActRow.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def leaf(connection: Connection, index: int) -> LogLeafRow | None:
    """Return one leaf of the log."""
    return read_one(connection, select(LogLeafRow).where(LogLeafRow.index == index))


def legs_asked(connection: Connection, request_id: str) -> dict[str, str]:
    """Return the partners that have a leg of a request, by name, with the leg's status."""
    query = select(LegRow.partner, LegRow.status).where(LegRow.request_id == request_id)
    return dict(sorted(connection.execute(query).all()))


def document_sizes(connection: Connection, owner_ids: Sequence[str], name: str) -> dict[str, int]:
    """Return how many bytes the sealed documents of many owners have."""
    sizes: dict[str, int] = {}
    for start in range(0, len(owner_ids), _CHUNK):
        query = select(DocumentRow.owner_id, func.length(DocumentRow.sealed)).where(
            DocumentRow.owner_id.in_(owner_ids[start : start + _CHUNK]), DocumentRow.name == name
        )
        sizes |= dict(connection.execute(query).all())
    return sizes


def unread_notices(
    connection: Connection, partner: str, *, up_to: int, event_ids: Sequence[str] = ()
) -> list[str]:
    """Return queued legs of `partner` whose notice was read, in the order of their requests.

    Looked at are the notices among the events `event_ids` that were just read, and those of the
    oldest legs still queued, where they stand in the feed at or before `up_to`: a reader that never
    reads must not make each look dearer.
    """
    queued = (LegRow.partner == partner, LegRow.status == LegStatus.QUEUED.value)
    old = connection.execute(_OLD_NOTICES, {"partner": partner, "up_to": up_to})
    found = set(old.all())
    for start in range(0, len(event_ids), _CHUNK):
        just_read = (
            select(LegRow.request_id, LegRow.id)
            .join(EventRow, EventRow.leg_id == LegRow.id)
            .where(*queued, EventRow.id.in_(event_ids[start : start + _CHUNK]))
        )
        found |= set(connection.execute(just_read).all())
    return [leg_id for _, leg_id in sorted(found)]


def visible_incidents(
    connection: Connection, handle: str, *, before: str | None, limit: int
) -> list[tuple[str, str]]:
    """Return (incident, newest request of it that `handle` may see), the newest first.

    Walks the requests that `handle` sent and those that it was asked in along their indexes, and
    passes over a request where a newer visible one of the same incident exists.
    """
    asked = select(_NEWER_LEG.id).where(
        _NEWER_LEG.request_id == _NEWER.id, _NEWER_LEG.partner == handle
    )
    superseded = select(_NEWER.id).where(
        _NEWER.incident_id == FreezeRequestRow.incident_id,
        _NEWER.id > FreezeRequestRow.id,
        (_NEWER.requester == handle) | asked.exists(),
    )
    base = select(FreezeRequestRow.incident_id, FreezeRequestRow.id).where(~superseded.exists())
    sent = base.where(FreezeRequestRow.requester == handle).order_by(FreezeRequestRow.id.desc())
    received = (
        base.join(LegRow, LegRow.request_id == FreezeRequestRow.id)
        .where(LegRow.partner == handle)
        .order_by(LegRow.request_id.desc())
    )
    if before is not None:
        sent = sent.where(FreezeRequestRow.id < before)
        received = received.where(LegRow.request_id < before)
    found = {
        (incident_id, request_id)
        for query in (sent, received)
        for incident_id, request_id in connection.execute(query.limit(limit))
    }
    return sorted(found, key=lambda each: each[1], reverse=True)[:limit]


def incidents(
    connection: Connection, ids: Sequence[str], handle: str
) -> Mapping[str, IncidentRead]:
    """Return many incidents as `handle` reads them."""
    told = words_are_told_to(handle).label("is_told")
    found: dict[str, IncidentRead] = {}
    for start in range(0, len(ids), _CHUNK):
        query = select(IncidentRow.__table__, told).where(
            IncidentRow.id.in_(ids[start : start + _CHUNK])
        )
        found |= {row.id: row for row in read_as(connection, IncidentRead, query)}
    return found


def request_counts(connection: Connection, ids: Sequence[str], handle: str) -> dict[str, int]:
    """Return how many requests of each incident `handle` may see."""
    asked = select(LegRow.id).where(
        LegRow.request_id == FreezeRequestRow.id, LegRow.partner == handle
    )
    found: dict[str, int] = {}
    for start in range(0, len(ids), _CHUNK):
        query = (
            select(FreezeRequestRow.incident_id, func.count())
            .where(
                FreezeRequestRow.incident_id.in_(ids[start : start + _CHUNK]),
                (FreezeRequestRow.requester == handle) | asked.exists(),
            )
            .group_by(FreezeRequestRow.incident_id)
        )
        found |= dict(connection.execute(query).all())
    return found

"""What an incident's timeline and trace are drawn from, as far as one partner may see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import fields_from, read, read_as
from coordinator.storage.requests.leg_limits import PERSON, READER, is_seen, person_of, seen
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.freeze_ledger import LedgerLineRow, NothingRow
from coordinator.storage.tables.freeze_requests import (
    ActRow,
    FreezeRequestRow,
    IncidentRow,
    LegRow,
)
from coordinator.storage.tables.life_cycle import WithdrawnAddressRow
from holdfast.protocol.vocabulary import DeclineCode, LineKind

_NEWER, _NEWER_LEG = aliased(FreezeRequestRow), aliased(LegRow)

_MOVED_ON = DeclineCode.MOVED_ON.value
# Made once: an alias of a wide table is a thousand objects, in cycles that the collector must find.
_OPENERS, _OPENERS_LEG = aliased(FreezeRequestRow), aliased(LegRow)


class TimelineEvent(NamedTuple):
    """An event of an incident, with the partner whose leg it is about."""

    seq: int
    id: str
    type: str
    request_id: str
    leg_id: str | None
    occurred_at: datetime
    partner: str | None


class MovedOn(NamedTuple):
    """An address that a leg answers with `moved_on`."""

    leg_id: str
    address_no: int


class MovedOnLine(NamedTuple):
    """A report line in which a leg said `moved_on`."""

    id: str
    leg_id: str
    report_id: str
    line_no: int


def words_are_told_to_reader() -> ColumnElement[bool]:
    """Return whether `READER` may read the words of an `IncidentRow`, in a prepared statement.

    They are the opener's, from the signed document that opened it: its TLP holds for them, so they
    are read by the opener and by whoever it asked in this incident, and not by those whom another
    member asks in the same incident.
    """
    asked = (
        select(_OPENERS_LEG.id)
        .join(_OPENERS, _OPENERS.id == _OPENERS_LEG.request_id)
        .where(
            _OPENERS.incident_id == IncidentRow.id,
            # Joined with nothing, so that no index over requesters serves: SQLite would take that,
            # and walk all that the opener ever asked instead of the incident's few requests.
            _OPENERS.requester.concat("") == IncidentRow.opened_by,
            _OPENERS_LEG.partner == READER,
            is_seen(_OPENERS_LEG.request_id, READER, PERSON),
        )
    )
    return (IncidentRow.opened_by == READER) | asked.exists()


def request_words_are_told_to_reader() -> ColumnElement[bool]:
    """Return the same of the incident that a `FreezeRequestRow` belongs to, and of `READER`.

    Asked as a value: were it asked whether such an incident exists, PostgreSQL would look through
    all incidents first, once, for it thinks of every row of the list and not of its page.
    """
    is_told = select(words_are_told_to_reader()).where(
        IncidentRow.id == FreezeRequestRow.incident_id
    )
    return func.coalesce(is_told.scalar_subquery(), false())


def timeline(
    connection: Connection, incident_id: str, viewer: Viewer, *, after: int, limit: int
) -> list[TimelineEvent]:
    """Return what happened in an incident and was told to a viewer, in the order of `seq`."""
    partner = viewer.partner
    # From the incident's requests to their events: the other way, along all that `partner` was ever
    # told, is what SQLite takes for a plain join, and grows with everything that is stored.
    requests = select(FreezeRequestRow.id).where(FreezeRequestRow.incident_id == incident_id)
    told = exists().where(EventAudienceRow.seq == EventRow.seq, EventAudienceRow.partner == partner)
    query = (
        select(*fields_from(TimelineEvent, EventRow), LegRow.partner)
        .outerjoin(LegRow, LegRow.id == EventRow.leg_id)
        .where(
            EventRow.request_id.in_(requests),
            EventRow.seq > after,
            told,
            *seen(EventRow.request_id, viewer),
        )
        .order_by(EventRow.seq)
        .limit(limit)
    )
    return read_as(connection, TimelineEvent, query)


def visible_requests(
    connection: Connection, incident_id: str, viewer: Viewer, *, start: str, limit: int
) -> list[FreezeRequestRow]:
    """Return an incident's requests that a viewer may see, from the id `start` on."""
    partner = viewer.partner
    leg = select(LegRow.id).where(
        LegRow.request_id == FreezeRequestRow.id, LegRow.partner == partner
    )
    query = (
        select(FreezeRequestRow)
        .where(
            FreezeRequestRow.incident_id == incident_id,
            FreezeRequestRow.id >= start,
            (FreezeRequestRow.requester == partner) | leg.exists(),
            *seen(FreezeRequestRow.id, viewer),
        )
        .order_by(FreezeRequestRow.id)
        .limit(limit)
    )
    return read(connection, query)


def submit_acts(connection: Connection, request_ids: Sequence[str]) -> dict[str, str]:
    """Return the act that submitted each request."""
    found: dict[str, str] = {}
    for some in batches(request_ids):
        query = select(ActRow.request_id, ActRow.id).where(
            ActRow.request_id.in_(some), ActRow.kind == "submit"
        )
        found |= dict(connection.execute(query).all())
    return found


def legs_visible(connection: Connection, request_ids: Sequence[str], partner: str) -> list[LegRow]:
    """Return the legs of these requests that `partner` may see: its own, or all of its requests."""
    found: list[LegRow] = []
    for some in batches(request_ids):
        query = (
            select(LegRow)
            .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
            .where(
                LegRow.request_id.in_(some),
                (FreezeRequestRow.requester == partner) | (LegRow.partner == partner),
            )
            .order_by(LegRow.id)
        )
        found.extend(read(connection, query))
    return found


def withdrawn_places(
    connection: Connection, spans: Sequence[tuple[str, int, int]]
) -> set[tuple[str, int]]:
    """Return (request_id, address_no) of what was withdrawn in spans of (request, first, last)."""
    found: set[tuple[str, int]] = set()
    for some in batches(spans):
        named = [
            (WithdrawnAddressRow.request_id == request_id)
            & WithdrawnAddressRow.address_no.between(first, last)
            for request_id, first, last in some
        ]
        query = select(WithdrawnAddressRow.request_id, WithdrawnAddressRow.address_no)
        found.update((r, n) for r, n in connection.execute(query.where(or_(*named))))
    return found


def moved_on(
    connection: Connection, leg_ids: Sequence[str], *, first: int = 0, last: int | None = None
) -> list[MovedOn]:
    """Return the addresses that legs answer with `moved_on` at present."""
    found: list[MovedOn] = []
    for some in batches(leg_ids):
        query = select(NothingRow.leg_id, NothingRow.address_no).where(
            NothingRow.leg_id.in_(some),
            NothingRow.code == _MOVED_ON,
            NothingRow.address_no >= first,
        )
        if last is not None:
            query = query.where(NothingRow.address_no <= last)
        query = query.order_by(NothingRow.leg_id, NothingRow.address_no)
        found.extend(read_as(connection, MovedOn, query))
    return found


def moved_on_lines(connection: Connection, leg_ids: Sequence[str]) -> list[MovedOnLine]:
    """Return the report lines in which legs said `moved_on`, oldest first."""
    found: list[MovedOnLine] = []
    for some in batches(leg_ids):
        query = (
            select(
                LedgerLineRow.id,
                LedgerLineRow.leg_id,
                LedgerLineRow.report_id,
                LedgerLineRow.line_no,
            )
            .where(
                LedgerLineRow.leg_id.in_(some),
                LedgerLineRow.kind == LineKind.NOTHING.value,
                LedgerLineRow.code == _MOVED_ON,
            )
            .order_by(LedgerLineRow.id)
        )
        found.extend(read_as(connection, MovedOnLine, query))
    return found


def legs_moved_on(
    connection: Connection, request_id: str, *, after: str, limit: int
) -> list[LegRow]:
    """Return the legs of a request that answered `moved_on`, by a decline or for some address."""
    answered = select(NothingRow.leg_id).where(
        NothingRow.leg_id == LegRow.id, NothingRow.code == _MOVED_ON
    )
    declined = LegRow.decline_code == _MOVED_ON
    query = (
        select(LegRow)
        .where(LegRow.request_id == request_id, LegRow.id > after, declined | answered.exists())
        .order_by(LegRow.id)
        .limit(limit)
    )
    return read(connection, query)


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
    drill: bool
    is_told: bool


def visible_incidents(
    connection: Connection, viewer: Viewer, *, before: str | None, limit: int
) -> list[tuple[str, str]]:
    """Return (incident, newest request of it that a viewer may see), the newest first.

    Walks the requests that their partner sent and those that it was asked in along their indexes,
    and passes over a request where a newer visible one of the same incident exists.
    """
    handle = viewer.partner
    asked = select(_NEWER_LEG.id).where(
        _NEWER_LEG.request_id == _NEWER.id, _NEWER_LEG.partner == handle
    )
    superseded = select(_NEWER.id).where(
        _NEWER.incident_id == FreezeRequestRow.incident_id,
        _NEWER.id > FreezeRequestRow.id,
        (_NEWER.requester == handle) | asked.exists(),
        *seen(_NEWER.id, viewer),
    )
    base = select(FreezeRequestRow.incident_id, FreezeRequestRow.id).where(~superseded.exists())
    sent = base.where(FreezeRequestRow.requester == handle).order_by(FreezeRequestRow.id.desc())
    received = (
        base.join(LegRow, LegRow.request_id == FreezeRequestRow.id)
        .where(LegRow.partner == handle, *seen(LegRow.request_id, viewer))
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


_INCIDENTS = Prebuilt(
    select(IncidentRow.__table__, words_are_told_to_reader().label("is_told")),
    IncidentRead,
    among=IncidentRow.id,
)


def incidents(
    connection: Connection, ids: Sequence[str], viewer: Viewer
) -> Mapping[str, IncidentRead]:
    """Return many incidents as a viewer reads them."""
    found: dict[str, IncidentRead] = {}
    for some in batches(ids):
        rows = _INCIDENTS.rows(
            connection, among=some, reader=viewer.partner, person=person_of(viewer)
        )
        found |= {row.id: row for row in rows}
    return found


def request_counts(connection: Connection, ids: Sequence[str], viewer: Viewer) -> dict[str, int]:
    """Return how many requests of each incident a viewer may see."""
    handle = viewer.partner
    asked = select(LegRow.id).where(
        LegRow.request_id == FreezeRequestRow.id, LegRow.partner == handle
    )
    found: dict[str, int] = {}
    for some in batches(ids):
        query = (
            select(FreezeRequestRow.incident_id, func.count())
            .where(
                FreezeRequestRow.incident_id.in_(some),
                (FreezeRequestRow.requester == handle) | asked.exists(),
                *seen(FreezeRequestRow.id, viewer),
            )
            .group_by(FreezeRequestRow.incident_id)
        )
        found |= dict(connection.execute(query).all())
    return found

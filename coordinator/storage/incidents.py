"""What an incident's timeline and trace are drawn from, as far as one partner may see it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select
from sqlalchemy.orm import aliased

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

_CHUNK = 400
_MOVED_ON = DeclineCode.MOVED_ON.value
# Made once: an alias of a wide table is a thousand objects, in cycles that the collector must find.
_OPENERS, _OPENERS_LEG = aliased(FreezeRequestRow), aliased(LegRow)


def words_are_told_to(partner: str) -> ColumnElement[bool]:
    """Return whether `partner` may read the words of an `IncidentRow`.

    They are the opener's, from the signed document that opened it: its TLP holds for them, so they
    are read by the opener and by whoever it asked in this incident, and not by those whom another
    member asks in the same incident.
    """
    asked = (
        select(_OPENERS_LEG.id)
        .join(_OPENERS, _OPENERS.id == _OPENERS_LEG.request_id)
        .where(
            _OPENERS.incident_id == IncidentRow.id,
            _OPENERS.requester == IncidentRow.opened_by,
            _OPENERS_LEG.partner == partner,
        )
    )
    return (IncidentRow.opened_by == partner) | asked.exists()


def request_words_are_told_to(partner: str) -> ColumnElement[bool]:
    """Return the same of the incident that a `FreezeRequestRow` belongs to."""
    incident = select(IncidentRow.id).where(
        IncidentRow.id == FreezeRequestRow.incident_id, words_are_told_to(partner)
    )
    return incident.exists()


def timeline(
    connection: Connection, incident_id: str, partner: str, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return what happened in an incident and was told to `partner`, in the order of `seq`."""
    # From the incident's requests to their events: the other way, along all that `partner` was ever
    # told, is what SQLite takes for a plain join, and grows with everything that is stored.
    requests = select(FreezeRequestRow.id).where(FreezeRequestRow.incident_id == incident_id)
    told = exists().where(EventAudienceRow.seq == EventRow.seq, EventAudienceRow.partner == partner)
    query = (
        select(EventRow.__table__, LegRow.partner)
        .outerjoin(LegRow, LegRow.id == EventRow.leg_id)
        .where(EventRow.request_id.in_(requests), EventRow.seq > after, told)
        .order_by(EventRow.seq)
        .limit(limit)
    )
    return connection.execute(query).all()


def visible_requests(
    connection: Connection, incident_id: str, partner: str, *, start: str, limit: int
) -> Sequence[Row[Any]]:
    """Return an incident's requests that `partner` may see, from the id `start` on."""
    leg = select(LegRow.id).where(
        LegRow.request_id == FreezeRequestRow.id, LegRow.partner == partner
    )
    query = (
        select(FreezeRequestRow.__table__)
        .where(
            FreezeRequestRow.incident_id == incident_id,
            FreezeRequestRow.id >= start,
            (FreezeRequestRow.requester == partner) | leg.exists(),
        )
        .order_by(FreezeRequestRow.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def submit_acts(connection: Connection, request_ids: Sequence[str]) -> dict[str, str]:
    """Return the act that submitted each request."""
    found: dict[str, str] = {}
    for start in range(0, len(request_ids), _CHUNK):
        query = select(ActRow.request_id, ActRow.id).where(
            ActRow.request_id.in_(request_ids[start : start + _CHUNK]), ActRow.kind == "submit"
        )
        found |= {row.request_id: row.id for row in connection.execute(query)}
    return found


def legs_visible(
    connection: Connection, request_ids: Sequence[str], partner: str
) -> Sequence[Row[Any]]:
    """Return the legs of these requests that `partner` may see: its own, or all of its requests."""
    found: list[Row[Any]] = []
    for start in range(0, len(request_ids), _CHUNK):
        query = (
            select(LegRow.__table__)
            .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
            .where(
                LegRow.request_id.in_(request_ids[start : start + _CHUNK]),
                (FreezeRequestRow.requester == partner) | (LegRow.partner == partner),
            )
            .order_by(LegRow.id)
        )
        found.extend(connection.execute(query))
    return found


def withdrawn_places(
    connection: Connection, spans: Sequence[tuple[str, int, int]]
) -> set[tuple[str, int]]:
    """Return (request_id, address_no) of what was withdrawn in spans of (request, first, last)."""
    found: set[tuple[str, int]] = set()
    for start in range(0, len(spans), _CHUNK):
        named = [
            (WithdrawnAddressRow.request_id == request_id)
            & WithdrawnAddressRow.address_no.between(first, last)
            for request_id, first, last in spans[start : start + _CHUNK]
        ]
        query = select(WithdrawnAddressRow.request_id, WithdrawnAddressRow.address_no)
        found |= {(row[0], row[1]) for row in connection.execute(query.where(or_(*named)))}
    return found


def moved_on(
    connection: Connection, leg_ids: Sequence[str], *, first: int = 0, last: int | None = None
) -> Sequence[Row[Any]]:
    """Return (leg_id, address_no) of the addresses that legs answer with `moved_on` at present."""
    found: list[Row[Any]] = []
    for start in range(0, len(leg_ids), _CHUNK):
        query = select(NothingRow.leg_id, NothingRow.address_no).where(
            NothingRow.leg_id.in_(leg_ids[start : start + _CHUNK]),
            NothingRow.code == _MOVED_ON,
            NothingRow.address_no >= first,
        )
        if last is not None:
            query = query.where(NothingRow.address_no <= last)
        found.extend(connection.execute(query.order_by(NothingRow.leg_id, NothingRow.address_no)))
    return found


def moved_on_lines(connection: Connection, leg_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return the report lines in which legs said `moved_on`, oldest first."""
    found: list[Row[Any]] = []
    for start in range(0, len(leg_ids), _CHUNK):
        query = (
            select(
                LedgerLineRow.id,
                LedgerLineRow.leg_id,
                LedgerLineRow.report_id,
                LedgerLineRow.line_no,
            )
            .where(
                LedgerLineRow.leg_id.in_(leg_ids[start : start + _CHUNK]),
                LedgerLineRow.kind == LineKind.NOTHING.value,
                LedgerLineRow.code == _MOVED_ON,
            )
            .order_by(LedgerLineRow.id)
        )
        found.extend(connection.execute(query))
    return found


def legs_moved_on(
    connection: Connection, request_id: str, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Return the legs of a request that answered `moved_on`, by a decline or for some address."""
    answered = select(NothingRow.leg_id).where(
        NothingRow.leg_id == LegRow.id, NothingRow.code == _MOVED_ON
    )
    declined = LegRow.decline_code == _MOVED_ON
    query = (
        select(LegRow.__table__)
        .where(LegRow.request_id == request_id, LegRow.id > after, declined | answered.exists())
        .order_by(LegRow.id)
        .limit(limit)
    )
    return connection.execute(query).all()

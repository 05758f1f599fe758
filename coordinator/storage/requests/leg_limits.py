"""Legs limited to named people: to everybody else of the partner they are not there.

Everything that a partner reads as one that was asked is narrowed by `seen` here, in the statement
that reads it, so that neither a page's length nor its time tells of what was left out. A request
has one leg of a partner at most, so its id says which leg is meant.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import SQLColumnExpression

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.freeze_ledger import HoldRow
from coordinator.storage.tables.freeze_requests import LegPersonRow, LegRow
from coordinator.storage.tables.partners import SubjectRow

#: What a prepared statement is given in place of a person where a machine reads.
EVERYTHING = ""
#: Who reads, in a prepared statement.
READER, PERSON = bindparam("reader", type_=String), bindparam("person", type_=String)
_LIMITED = aliased(LegRow)

_RequestId = SQLColumnExpression[str] | SQLColumnExpression[str | None]


class LegLimit(NamedTuple):
    """To whom a leg is limited, since when, and by whom."""

    leg_id: str
    people: Sequence[str]
    at: datetime
    by: str | None


class LostLimit(NamedTuple):
    """A limited leg that nobody could answer for any more."""

    id: str
    request_id: str


def hidden_requests(
    partner: str | BindParameter[str], person: str | BindParameter[str]
) -> Select[Any]:
    """Return the requests whose leg at `partner` is limited to others than `person`."""
    named = exists().where(LegPersonRow.leg_id == _LIMITED.id, LegPersonRow.person == person)
    is_person = (literal(person, String) if isinstance(person, str) else person) != EVERYTHING
    return select(_LIMITED.request_id).where(
        _LIMITED.partner == partner, _LIMITED.limited_at.is_not(None), is_person, ~named
    )


def seen(request_id: _RequestId, viewer: Viewer) -> list[ColumnElement[bool]]:
    """Return what holds of rows of those requests that are not hidden from a viewer.

    Nothing where a machine reads: no limit concerns it.
    """
    if viewer.person is None:
        return []
    return [is_seen(request_id, viewer.partner, viewer.person)]


def is_seen(
    request_id: _RequestId, partner: str | BindParameter[str], person: str | BindParameter[str]
) -> ColumnElement[bool]:
    """Return the same of a prepared statement, which a machine gives `EVERYTHING`."""
    return or_(request_id.is_(None), request_id.not_in(hidden_requests(partner, person)))


def person_of(viewer: Viewer) -> str:
    """Return what a prepared statement takes as its person."""
    return viewer.person or EVERYTHING


def hidden_among(
    connection: Connection, viewer: Viewer, request_ids: Collection[str]
) -> frozenset[str]:
    """Return which of these requests are hidden from a viewer; asks nothing for a machine."""
    if viewer.person is None or not request_ids:
        return frozenset()
    found: set[str] = set()
    for some in batches(sorted(request_ids)):
        query = hidden_requests(viewer.partner, viewer.person)
        query = query.where(_LIMITED.request_id.in_(some))
        found |= set(connection.execute(query).scalars())
    return frozenset(found)


def hidden_holds(
    connection: Connection, viewer: Viewer, hold_ids: Collection[str]
) -> frozenset[str]:
    """Return which of these holds were opened on legs that are hidden from a viewer."""
    if viewer.person is None or not hold_ids:
        return frozenset()
    found: set[str] = set()
    for some in batches(sorted(hold_ids)):
        query = select(HoldRow.id).where(
            HoldRow.id.in_(some),
            HoldRow.request_id.in_(hidden_requests(viewer.partner, viewer.person)),
        )
        found |= set(connection.execute(query).scalars())
    return frozenset(found)


def limits_of(connection: Connection, legs: Sequence[LegRow]) -> dict[str, LegLimit]:
    """Return to whom each of these legs is limited; asks nothing where none is."""
    limited = {leg.id: leg for leg in legs if leg.limited_at is not None}
    if not limited:
        return {}
    people: dict[str, list[str]] = {leg_id: [] for leg_id in limited}
    query = (
        select(LegPersonRow.leg_id, LegPersonRow.person)
        .where(LegPersonRow.leg_id.in_(sorted(limited)))
        .order_by(LegPersonRow.person)
    )
    for leg_id, person in connection.execute(query):
        people[leg_id].append(person)
    return {
        leg_id: LegLimit(leg_id, people[leg_id], leg.limited_at, leg.limited_by)
        for leg_id, leg in limited.items()
        if leg.limited_at is not None
    }


def named(connection: Connection, leg: LegRow) -> frozenset[str] | None:
    """Return to whom a leg is limited; None: it is not."""
    found = limits_of(connection, [leg]).get(leg.id)
    return None if found is None else frozenset(found.people)


def limit(
    connection: Connection, leg_id: str, people: Sequence[str], *, at: datetime, by: str
) -> None:
    """Limit a leg to these people alone; its request is locked."""
    _forget(connection, leg_id)
    insert_rows(connection, LegPersonRow, ("leg_id", "person"), [(leg_id, p) for p in people])
    connection.execute(
        update(LegRow).where(LegRow.id == leg_id).values(limited_at=at, limited_by=by)
    )


def lift(connection: Connection, leg_id: str) -> None:
    """Let everybody of the partner see a leg again; its request is locked."""
    _forget(connection, leg_id)
    connection.execute(
        update(LegRow).where(LegRow.id == leg_id).values(limited_at=None, limited_by=None)
    )


def left_to_nobody(connection: Connection, partner: str, leads: Collection[str]) -> list[LostLimit]:
    """Return the limited legs of a partner to which none of these leads is named."""
    can_act = exists().where(
        LegPersonRow.leg_id == LegRow.id,
        LegPersonRow.person == SubjectRow.id,
        SubjectRow.revoked_at.is_(None),
        SubjectRow.id.in_(sorted(leads)),
    )
    query = select(LegRow.id, LegRow.request_id).where(
        LegRow.partner == partner, LegRow.limited_at.is_not(None), ~can_act
    )
    return read_as(connection, LostLimit, query.order_by(LegRow.request_id))


def _forget(connection: Connection, leg_id: str) -> None:
    connection.execute(delete(LegPersonRow).where(LegPersonRow.leg_id == leg_id))

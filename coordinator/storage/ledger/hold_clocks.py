"""Deadlines and obligations of holds: what is due, and what is owed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, bindparam, exists, select, update

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import WithdrawnAddressRow
from holdfast.protocol.vocabulary import Irregular


class Obligation(NamedTuple):
    """What is owed about a hold, and when its clocks ring next; columns of its row."""

    withdrawn_at: datetime | None = None
    owed_since: datetime | None = None
    next_reminder_at: datetime | None = None
    next_clock_at: datetime | None = None


def obligations(connection: Connection, hold_ids: Sequence[str]) -> dict[str, Obligation]:
    """Return what is known of the named holds' obligations and clocks."""
    found: dict[str, Obligation] = {}
    for some in batches(hold_ids):
        query = select(
            HoldRow.id,
            HoldRow.withdrawn_at,
            HoldRow.owed_since,
            HoldRow.next_reminder_at,
            HoldRow.next_clock_at,
        ).where(HoldRow.id.in_(some))
        for hold_id, withdrawn_at, owed_since, reminder_at, clock_at in connection.execute(query):
            found[hold_id] = Obligation(withdrawn_at, owed_since, reminder_at, clock_at)
    return found


def set_obligations(connection: Connection, changes: Mapping[str, Obligation]) -> None:
    """Write obligations and clocks of holds."""
    if changes:
        rows = [{"hold_id": hold_id, **owed._asdict()} for hold_id, owed in changes.items()]
        connection.execute(_SET_OBLIGATION, rows)


# Built once and run for many rows: a report may end thousands of holds.
_SET_OBLIGATION = (
    update(HoldRow)
    .where(HoldRow.id == bindparam("hold_id"))
    .values({name: bindparam(name) for name in Obligation._fields})
)


def due_clocks(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return holds whose warning or end is due: one indexed read, whatever the number of holds."""
    query = (
        select(HoldRow.id)
        .where(HoldRow.next_clock_at <= now)
        .order_by(HoldRow.next_clock_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def due_reminders(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return holds about which an answer is owed and has to be recalled."""
    query = (
        select(HoldRow.id)
        .where(HoldRow.next_reminder_at <= now)
        .order_by(HoldRow.next_reminder_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def hold(connection: Connection, hold_id: str) -> HoldRow | None:
    """Return one hold's row."""
    return read_one(connection, select(HoldRow).where(HoldRow.id == hold_id))


def assets_of(connection: Connection, hold_ids: Sequence[str]) -> dict[str, str]:
    """Return the asset of each of some holds."""
    found: dict[str, str] = {}
    for some in batches(hold_ids):
        query = select(HoldRow.id, HoldRow.asset).where(HoldRow.id.in_(some))
        found |= dict(connection.execute(query).all())
    return found


def ask_for_later_end(connection: Connection, row: HoldRow, request_id: str, now: datetime) -> None:
    """Note that a request asks for a later end of a hold than the one that it has now."""
    connection.execute(
        update(HoldRow)
        .where(HoldRow.id == row.id)
        .values(
            extension_asked_at=now,
            extension_asked_on=request_id,
            extension_asked_end=row.hold_expires_at,
        )
    )


def linked_legs(connection: Connection, hold_id: str) -> list[LegRow]:
    """Return the rows of every leg that a hold counts for."""
    query = (
        select(LegRow)
        .join(HoldLinkRow, HoldLinkRow.leg_id == LegRow.id)
        .where(HoldLinkRow.hold_id == hold_id)
        .order_by(LegRow.id)
    )
    return read(connection, query)


def numbers_on_leg(
    connection: Connection, leg_id: str, hold_ids: Sequence[str]
) -> Mapping[str, int]:
    """Return which address of its request each of a few holds counts for on a leg."""
    query = select(HoldLinkRow.hold_id, HoldLinkRow.address_no).where(
        HoldLinkRow.leg_id == leg_id, HoldLinkRow.hold_id.in_(hold_ids)
    )
    return dict(connection.execute(query).all())


def owed_by_leg(connection: Connection, leg_id: str) -> int:
    """Count a leg's holds about which an answer is owed: lapsed, or taken back by its request.

    A shared hold that another request took back is owed there, and not here.
    """
    query = _counting().where(
        HoldLinkRow.leg_id == leg_id, HoldRow.owed_since.is_not(None), OBLIGES
    )
    return len(connection.execute(query).all())


def withdrawn_legs(connection: Connection, hold_id: str) -> frozenset[str]:
    """Return the legs whose request, or whose address of it, was taken back from under a hold."""
    query = _counting().where(HoldLinkRow.hold_id == hold_id, _TAKEN_BACK)
    return frozenset(leg_id for _, leg_id in connection.execute(query))


def withdrawn_holds(connection: Connection, hold_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the holds from under which any request, or its address, was taken back."""
    found: set[str] = set()
    for some in batches(hold_ids):
        named = HoldRow.id.in_(some)
        taken = _counting().where(named, _TAKEN_BACK)
        found |= {hold_id for hold_id, _ in connection.execute(taken)}
    return frozenset(found)


def release_from(connection: Connection, request_id: str) -> None:
    """Note that a request, erased by now, takes nothing back any more.

    Its holds are empty. One that is shared may be opened again by a correction on another request:
    then an answer is owed if that one, or a third, takes it back.
    """
    linked = select(HoldLinkRow.hold_id).where(HoldLinkRow.request_id == request_id)
    taken = select(HoldRow.id).where(HoldRow.id.in_(linked), HoldRow.withdrawn_at.is_not(None))
    holds = list(connection.execute(taken.order_by(HoldRow.id)).scalars())
    for some in batches(sorted(set(holds) - withdrawn_holds(connection, holds))):
        connection.execute(update(HoldRow).where(HoldRow.id.in_(some)).values(withdrawn_at=None))


def _counting() -> Select[str, str]:
    return (
        select(HoldRow.id, HoldLinkRow.leg_id)
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
    )


_WITHDRAWN = FreezeRequestRow.ended_at.is_not(None) | exists().where(
    WithdrawnAddressRow.request_id == HoldLinkRow.request_id,
    WithdrawnAddressRow.address_no == HoldLinkRow.address_no,
)
_FROZEN_UNRATIFIED = FreezeRequestRow.unratified_at.is_not(None) & (
    (HoldRow.frozen_at >= FreezeRequestRow.unratified_at)
    | (~HoldLinkRow.is_shared & (HoldRow.irregular == Irregular.AFTER_END.value))
)
# On a request that is erased nobody can answer any more.
_IS_ANSWERABLE = FreezeRequestRow.erased_at.is_(None)
_TAKEN_BACK = _IS_ANSWERABLE & (_WITHDRAWN | _FROZEN_UNRATIFIED)
#: Of a hold about which an answer is owed, and its link to a request: it is owed on that one.
OBLIGES = _IS_ANSWERABLE & (HoldRow.lapsed | _TAKEN_BACK)

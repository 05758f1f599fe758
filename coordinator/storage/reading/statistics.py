"""What statistics are added up from: legs of a span of time, and what hangs on them.

Every query begins at the index over `leg.queued_at`, so that a month costs what happened in it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Select, case, cast, func, select

from coordinator.storage.engine.base import BaseUnits
from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.tables.freeze_ledger import (
    FindingRow,
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
    NothingRow,
)
from coordinator.storage.tables.freeze_requests import (
    FlaggedAddressRow,
    FreezeRequestRow,
    LegRow,
)
from coordinator.storage.tables.life_cycle import ClearanceRow
from holdfast.protocol.vocabulary import DeclineCode, LineKind


@dataclass(frozen=True, slots=True)
class Scope:
    """Legs queued from `start` until before `end`.

    Attributes:
        visible_to: Only those that this partner may see; None: all of the network.
    """

    start: datetime
    end: datetime
    visible_to: str | None

    def legs(self, column: Any = LegRow.id) -> Select[Any]:
        """Return a query for one column of the legs in scope."""
        query = select(column).where(LegRow.queued_at >= self.start, LegRow.queued_at < self.end)
        if self.visible_to is None:
            return query
        own = select(FreezeRequestRow.id).where(
            FreezeRequestRow.id == LegRow.request_id,
            FreezeRequestRow.requester == self.visible_to,
        )
        return query.where((LegRow.partner == self.visible_to) | own.exists())


class CountedLeg(NamedTuple):
    """A leg with its request's urgency and requester."""

    id: str
    request_id: str
    partner: str
    status: str
    queued_at: datetime
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    overdue_at: datetime | None
    answer_by: datetime | None
    answered_at: datetime | None
    unanswered_at: datetime | None
    decline_code: str | None
    urgency: str
    requester: str


class FirstFreeze(NamedTuple):
    """When a leg first froze something."""

    leg_id: str
    first: datetime


class AskedSum(NamedTuple):
    """What a request names of one asset; `usd` is in cents, None where nothing is stated."""

    request_id: str
    asset: str | None
    amount: int | None
    usd: int | None


class FoundSum(NamedTuple):
    """What a leg found of one asset; `usd` is in cents."""

    leg_id: str
    asset: str
    found: int
    usd: int | None
    withheld: int


class HeldSum(NamedTuple):
    """What a leg's holds froze and returned of one asset; dollars are in cents."""

    leg_id: str
    asset: str
    frozen: int
    returned: int
    frozen_usd: int | None
    returned_usd: int | None
    withheld: int


class FrozenRequest(NamedTuple):
    """How many addresses of a request were frozen, and how many of these were wrong targets."""

    requester: str
    request_id: str
    frozen: int
    wrong: int


class NothingCount(NamedTuple):
    """How many addresses a leg answered with nothing, by code."""

    leg_id: str
    code: str
    addresses: int


def _sum(connection: Connection, column: Any) -> Any:
    function = func.sum_units if connection.dialect.name == "sqlite" else func.sum
    return function(column, type_=BaseUnits())


def legs(connection: Connection, scope: Scope) -> list[CountedLeg]:
    """Return the legs in scope with their request's urgency and requester."""
    query = (
        select(
            *fields_from(CountedLeg, LegRow),
            FreezeRequestRow.urgency,
            FreezeRequestRow.requester,
        )
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(LegRow.id.in_(scope.legs()))
    )
    return read_as(connection, CountedLeg, query)


def first_freezes(connection: Connection, scope: Scope) -> list[FirstFreeze]:
    """Return when legs first froze; a hold that a correction voided never was."""
    query = (
        select(LedgerLineRow.leg_id, func.min(LedgerLineRow.reported_at).label("first"))
        .join(HoldRow, HoldRow.id == LedgerLineRow.hold_id)
        .where(
            LedgerLineRow.leg_id.in_(scope.legs()),
            LedgerLineRow.kind == LineKind.FROZEN.value,
            HoldRow.withheld | (HoldRow.frozen != 0),
        )
        .group_by(LedgerLineRow.leg_id)
    )
    return read_as(connection, FirstFreeze, query)


def asked(connection: Connection, scope: Scope) -> list[AskedSum]:
    """Return what the requests in scope name."""
    query = (
        select(
            FlaggedAddressRow.request_id,
            FlaggedAddressRow.asset,
            _sum(connection, FlaggedAddressRow.amount).label("amount"),
            _sum(connection, FlaggedAddressRow.usd_cents).label("usd"),
        )
        .where(FlaggedAddressRow.request_id.in_(scope.legs(LegRow.request_id)))
        .group_by(FlaggedAddressRow.request_id, FlaggedAddressRow.asset)
    )
    return read_as(connection, AskedSum, query)


def found(connection: Connection, scope: Scope) -> list[FoundSum]:
    """Return what the legs in scope found."""
    query = (
        select(
            FindingRow.leg_id,
            FindingRow.asset,
            _sum(connection, FindingRow.found).label("found"),
            _sum(connection, FindingRow.found_usd).label("usd"),
            func.sum(cast(FindingRow.withheld, Integer)).label("withheld"),
        )
        .where(FindingRow.leg_id.in_(scope.legs()))
        .group_by(FindingRow.leg_id, FindingRow.asset)
    )
    return read_as(connection, FoundSum, query)


def held(connection: Connection, scope: Scope) -> list[HeldSum]:
    """Return what the holds in scope froze and returned.

    Over distinct holds: one that several legs in scope share counts for the first of them.
    """
    first = (
        select(HoldLinkRow.hold_id, func.min(HoldLinkRow.leg_id).label("leg_id"))
        .where(HoldLinkRow.leg_id.in_(scope.legs()))
        .group_by(HoldLinkRow.hold_id)
        .subquery()
    )
    query = (
        select(
            first.c.leg_id,
            HoldRow.asset,
            _sum(connection, HoldRow.frozen).label("frozen"),
            _sum(connection, HoldRow.returned).label("returned"),
            _sum(connection, HoldRow.frozen_usd).label("frozen_usd"),
            _sum(connection, HoldRow.returned_usd).label("returned_usd"),
            func.sum(cast(HoldRow.withheld, Integer)).label("withheld"),
        )
        .join(HoldRow, HoldRow.id == first.c.hold_id)
        .group_by(first.c.leg_id, HoldRow.asset)
    )
    return read_as(connection, HeldSum, query)


def nothing(connection: Connection, scope: Scope) -> list[NothingCount]:
    """Return how many addresses the legs in scope answered with nothing.

    Who may not speak has answered neither way, and is outside statistics.
    """
    query = (
        select(NothingRow.leg_id, NothingRow.code, func.count().label("addresses"))
        .where(NothingRow.leg_id.in_(scope.legs()), NothingRow.code != DeclineCode.CANNOT_SAY.value)
        .group_by(NothingRow.leg_id, NothingRow.code)
    )
    return read_as(connection, NothingCount, query)


def frozen_requests(connection: Connection, scope: Scope) -> list[FrozenRequest]:
    """Return the requests on which legs in scope froze something.

    An address is a wrong target where it was withdrawn as one, and the clearance that it got since
    was not revoked.
    """
    wrong = func.max(case((ClearanceRow.id.is_(None), 0), else_=1)).label("wrong")
    places = (
        select(HoldLinkRow.request_id, HoldLinkRow.address_no, wrong)
        .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
        .outerjoin(
            ClearanceRow,
            (ClearanceRow.request_id == HoldLinkRow.request_id)
            & (ClearanceRow.address_no == HoldLinkRow.address_no)
            & ClearanceRow.revoked_at.is_(None),
        )
        .where(
            HoldLinkRow.leg_id.in_(scope.legs()),
            HoldRow.withheld | (HoldRow.frozen != 0),
        )
        .group_by(HoldLinkRow.request_id, HoldLinkRow.address_no)
        .subquery()
    )
    query = (
        select(
            FreezeRequestRow.requester,
            places.c.request_id,
            func.count().label("frozen"),
            func.sum(places.c.wrong).label("wrong"),
        )
        .join(FreezeRequestRow, FreezeRequestRow.id == places.c.request_id)
        .group_by(FreezeRequestRow.requester, places.c.request_id)
    )
    return read_as(connection, FrozenRequest, query)


def request_count(connection: Connection, scope: Scope) -> int:
    """Count the requests that the legs in scope belong to."""
    query = select(func.count(func.distinct(LegRow.request_id))).where(LegRow.id.in_(scope.legs()))
    return int(connection.execute(query).scalar_one())

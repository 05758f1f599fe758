"""What statistics are added up from: legs of a span of time, and what hangs on them.

Drills are not among them, whoever reads.

Every query begins at the index over `leg.queued_at`, so that a month costs what happened in it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Select, Subquery, case, cast, func, select
from sqlalchemy.orm import aliased

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.engine.sums import sum_units
from coordinator.storage.requests.leg_limits import seen
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
from coordinator.storage.tables.restoring import ReturnLineRow, ReturnRequestRow
from holdfast.protocol.vocabulary import DeclineCode, LineKind, ReturnStatus


@dataclass(frozen=True, slots=True)
class Scope:
    """Legs queued from `start` until before `end`.

    Attributes:
        visible_to: Only those that this viewer may see; None: all of the network.
    """

    start: datetime
    end: datetime
    visible_to: Viewer | None

    def legs(self, column: Any = LegRow.id) -> Select[Any]:
        """Return a query for one column of the legs in scope."""
        drills = select(FreezeRequestRow.id).where(
            FreezeRequestRow.id == LegRow.request_id, FreezeRequestRow.drill
        )
        query = select(column).where(
            LegRow.queued_at >= self.start, LegRow.queued_at < self.end, ~drills.exists()
        )
        if self.visible_to is None:
            return query
        own = select(FreezeRequestRow.id).where(
            FreezeRequestRow.id == LegRow.request_id,
            FreezeRequestRow.requester == self.visible_to.partner,
        )
        return query.where(
            (LegRow.partner == self.visible_to.partner) | own.exists(),
            *seen(LegRow.request_id, self.visible_to),
        )


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


class FirstReturn(NamedTuple):
    """When a leg first returned something."""

    leg_id: str
    first: datetime


class RestoredRequest(NamedTuple):
    """What a requester confirmed to have got upon a return request; dollars are in cents."""

    leg_id: str
    asset: str
    ended_at: datetime
    amount: int | None
    usd: int | None


class AskedSum(NamedTuple):
    """What a request names of one asset; `usd` is in cents, None where nothing is stated.

    `unvalued`: how many addresses state an amount and no value.
    """

    request_id: str
    asset: str | None
    amount: int | None
    usd: int | None
    unvalued: int


class FoundSum(NamedTuple):
    """What a leg found of one asset; `usd` is in cents.

    `unvalued`: for how many addresses it states an amount and no value.
    """

    leg_id: str
    asset: str
    found: int
    usd: int | None
    withheld: int
    unvalued: int


class HeldSum(NamedTuple):
    """What a leg's holds froze, released and returned of one asset; dollars are in cents."""

    leg_id: str
    asset: str
    frozen: int
    released: int
    returned: int
    frozen_usd: int | None
    released_usd: int | None
    returned_usd: int | None
    withheld: int
    unvalued: int


class SameFundsSum(NamedTuple):
    """What a leg's holds have that another partner's hold counts for; dollars are in cents.

    `released` and `returned` are what both say to have let go, so that it is taken off once.
    """

    leg_id: str
    asset: str
    frozen: int
    released: int | None
    returned: int | None
    frozen_usd: int | None
    released_usd: int | None
    returned_usd: int | None
    withheld: int
    unvalued: int


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


def first_returns(connection: Connection, scope: Scope) -> list[FirstReturn]:
    """Return when legs first returned something of a hold that still has something returned."""
    query = (
        select(LedgerLineRow.leg_id, func.min(LedgerLineRow.reported_at).label("first"))
        .join(HoldRow, HoldRow.id == LedgerLineRow.hold_id)
        .where(
            LedgerLineRow.leg_id.in_(scope.legs()),
            LedgerLineRow.kind == LineKind.RETURNED.value,
            HoldRow.withheld | (HoldRow.returned != 0),
        )
        .group_by(LedgerLineRow.leg_id)
    )
    return read_as(connection, FirstReturn, query)


def restored(connection: Connection, scope: Scope) -> list[RestoredRequest]:
    """Return what was returned and confirmed on legs in scope, by return request.

    Lines count as their last correction says.
    """
    correction, said = aliased(LedgerLineRow), aliased(LedgerLineRow)
    last = (
        select(func.max(correction.id))
        .where(correction.corrects == ReturnLineRow.line_id)
        .scalar_subquery()
    )
    asked_back = ReturnRequestRow
    query = (
        select(
            asked_back.leg_id,
            asked_back.asset,
            asked_back.ended_at,
            sum_units(connection, said.amount).label("amount"),
            sum_units(connection, said.usd_cents).label("usd"),
        )
        .join(ReturnLineRow, ReturnLineRow.return_id == asked_back.id)
        .join(said, said.id == func.coalesce(last, ReturnLineRow.line_id))
        .where(asked_back.leg_id.in_(scope.legs()), asked_back.status == ReturnStatus.SETTLED.value)
        .group_by(asked_back.id, asked_back.leg_id, asked_back.asset, asked_back.ended_at)
    )
    return read_as(connection, RestoredRequest, query)


def asked(connection: Connection, scope: Scope) -> list[AskedSum]:
    """Return what the requests in scope name."""
    query = (
        select(
            FlaggedAddressRow.request_id,
            FlaggedAddressRow.asset,
            sum_units(connection, FlaggedAddressRow.amount).label("amount"),
            sum_units(connection, FlaggedAddressRow.usd_cents).label("usd"),
            _unvalued(FlaggedAddressRow.amount, FlaggedAddressRow.usd_cents),
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
            sum_units(connection, FindingRow.found).label("found"),
            sum_units(connection, FindingRow.found_usd).label("usd"),
            func.sum(cast(FindingRow.withheld, Integer)).label("withheld"),
            _unvalued(FindingRow.found, FindingRow.found_usd),
        )
        .where(FindingRow.leg_id.in_(scope.legs()))
        .group_by(FindingRow.leg_id, FindingRow.asset)
    )
    return read_as(connection, FoundSum, query)


def held(connection: Connection, scope: Scope) -> list[HeldSum]:
    """Return what the holds in scope froze and returned.

    Over distinct holds: one that several legs in scope share counts for the first of them.
    """
    first = _first_legs(scope)
    query = (
        select(first.c.leg_id, HoldRow.asset, *_of_holds(connection))
        .join(HoldRow, HoldRow.id == first.c.hold_id)
        .group_by(first.c.leg_id, HoldRow.asset)
    )
    return read_as(connection, HeldSum, query)


def same_funds(connection: Connection, scope: Scope) -> list[SameFundsSum]:
    """Return what holds in scope have that count by another partner's hold in scope.

    A requester's mark is for its own eyes and for the network's sums: whoever else reads its own
    holds reads all of them. Other than a total of what is held, a mark outlives the counted hold:
    what was frozen then was still frozen once. Only a hold that a correction voided never was: it
    is linked to no leg any more.
    """
    first, counted_first = _first_legs(scope), _first_legs(scope)
    counted = aliased(HoldRow)
    marked = select(FreezeRequestRow.id)
    if scope.visible_to is not None:
        marked = marked.where(FreezeRequestRow.requester == scope.visible_to.partner)
    both_released, both_returned = counted.released != 0, counted.returned != 0
    let_go = LetGo(
        *(case((both_released, column), else_=None) for column in _LET_GO[:2]),
        *(case((both_returned, column), else_=None) for column in _LET_GO[2:]),
    )
    query = (
        select(first.c.leg_id, HoldRow.asset, *_of_holds(connection, let_go))
        .join(HoldRow, HoldRow.id == first.c.hold_id)
        .join(counted, counted.id == HoldRow.same_funds_as)
        .join(counted_first, counted_first.c.hold_id == counted.id)
        .where(HoldRow.request_id.in_(marked))
        .group_by(first.c.leg_id, HoldRow.asset)
    )
    return read_as(connection, SameFundsSum, query)


def _first_legs(scope: Scope) -> Subquery:
    """Return every hold that counts in scope, once, with the first leg that it counts for."""
    return (
        select(HoldLinkRow.hold_id, func.min(HoldLinkRow.leg_id).label("leg_id"))
        .where(HoldLinkRow.leg_id.in_(scope.legs()))
        .group_by(HoldLinkRow.hold_id)
        .subquery()
    )


class LetGo(NamedTuple):
    """The columns of a hold that say what left it."""

    released: Any
    released_usd: Any
    returned: Any
    returned_usd: Any


_LET_GO = LetGo(HoldRow.released, HoldRow.released_usd, HoldRow.returned, HoldRow.returned_usd)


def _of_holds(connection: Connection, let_go: LetGo = _LET_GO) -> list[Any]:
    """Return the sums of holds, in the order of `HeldSum`."""
    return [
        sum_units(connection, HoldRow.frozen).label("frozen"),
        sum_units(connection, let_go.released).label("released"),
        sum_units(connection, let_go.returned).label("returned"),
        sum_units(connection, HoldRow.frozen_usd).label("frozen_usd"),
        sum_units(connection, let_go.released_usd).label("released_usd"),
        sum_units(connection, let_go.returned_usd).label("returned_usd"),
        func.sum(cast(HoldRow.withheld, Integer)).label("withheld"),
        _unvalued(HoldRow.frozen, HoldRow.frozen_usd),
    ]


def _unvalued(amount: Any, cents: Any) -> Any:
    """Count those that state an amount and no value."""
    without = (amount != 0) & cents.is_(None)
    return func.coalesce(func.sum(case((without, 1), else_=0)), 0).label("unvalued")


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

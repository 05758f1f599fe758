"""What statistics are added up from: legs of a span of time, and what hangs on them.

Every query begins at the index over `leg.queued_at`, so that a month costs what happened in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, cast, func, select

from coordinator.storage.base import BaseUnits
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
from holdfast.protocol.vocabulary import LineKind


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


def _sum(connection: Connection, column: Any) -> Any:
    function = func.sum_units if connection.dialect.name == "sqlite" else func.sum
    return function(column, type_=BaseUnits())


def legs(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return the legs in scope with their request's urgency and requester."""
    query = (
        select(LegRow.__table__, FreezeRequestRow.urgency, FreezeRequestRow.requester)
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(LegRow.id.in_(scope.legs()))
    )
    return connection.execute(query).all()


def first_freezes(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return (leg_id, first) of the legs that froze; a hold that a correction voided never was."""
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
    return list(connection.execute(query))


def asked(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return (request_id, asset, amount, usd) of what the requests in scope name."""
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
    return list(connection.execute(query))


def found(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return (leg_id, asset, found, usd, withheld); `usd` is in cents."""
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
    return list(connection.execute(query))


def held(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return (leg_id, asset, frozen, returned, frozen_usd, returned_usd, withheld).

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
    return list(connection.execute(query))


def nothing(connection: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """Return (leg_id, code, addresses) of addresses answered with nothing."""
    query = (
        select(NothingRow.leg_id, NothingRow.code, func.count().label("addresses"))
        .where(NothingRow.leg_id.in_(scope.legs()))
        .group_by(NothingRow.leg_id, NothingRow.code)
    )
    return list(connection.execute(query))


def request_count(connection: Connection, scope: Scope) -> int:
    """Count the requests that the legs in scope belong to."""
    query = select(func.count(func.distinct(LegRow.request_id))).where(LegRow.id.in_(scope.legs()))
    return int(connection.execute(query).scalar_one())

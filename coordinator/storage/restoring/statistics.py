"""How many restitutions were opened, where claims on them stand, and what was given and paid."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from coordinator.storage.engine.reads import read_as
from coordinator.storage.engine.sums import sum_units
from coordinator.storage.tables.restitutions import (
    AllocationRow,
    ClaimRow,
    PayoutRow,
    RestitutionRow,
)
from holdfast.protocol.vocabulary import AllocationStatus, PayoutStatus


class Opened(NamedTuple):
    """How many restitutions a member opened."""

    opener: str
    number: int


class ClaimCount(NamedTuple):
    """How many claims on the restitutions of a member stand so."""

    opener: str
    status: str
    number: int


class AssetSum(NamedTuple):
    """A sum of an asset, in base units."""

    asset: str
    amount: int


class Span(NamedTuple):
    """Restitutions that were opened from `start` until before `end`."""

    start: datetime
    end: datetime

    def of(self, *columns: Any) -> Select[Any]:
        """Return a query over them."""
        return select(*columns).where(
            RestitutionRow.opened_at >= self.start, RestitutionRow.opened_at < self.end
        )


def opened(connection: Connection, span: Span) -> list[Opened]:
    """Return how many restitutions each member opened."""
    query = span.of(RestitutionRow.opener, func.count().label("number"))
    return read_as(connection, Opened, query.group_by(RestitutionRow.opener))


def claims(connection: Connection, span: Span) -> list[ClaimCount]:
    """Return where claims stand, by opener."""
    query = (
        span.of(RestitutionRow.opener, ClaimRow.status, func.count().label("number"))
        .join(ClaimRow, ClaimRow.restitution_id == RestitutionRow.id)
        .group_by(RestitutionRow.opener, ClaimRow.status)
    )
    return read_as(connection, ClaimCount, query)


def allocated(connection: Connection, span: Span, opener: str) -> list[AssetSum]:
    """Return what approved allocations of a member give, by asset."""
    amount = sum_units(connection, AllocationRow.given).label("amount")
    query = (
        span.of(RestitutionRow.asset, amount)
        .join(AllocationRow, AllocationRow.restitution_id == RestitutionRow.id)
        .where(
            RestitutionRow.opener == opener,
            AllocationRow.status == AllocationStatus.APPROVED.value,
        )
        .group_by(RestitutionRow.asset)
    )
    return read_as(connection, AssetSum, query)


def paid(connection: Connection, span: Span, opener: str) -> list[AssetSum]:
    """Return what of it was paid."""
    amount = sum_units(connection, PayoutRow.amount).label("amount")
    query = (
        span.of(RestitutionRow.asset, amount)
        .join(PayoutRow, PayoutRow.restitution_id == RestitutionRow.id)
        .where(RestitutionRow.opener == opener, PayoutRow.status == PayoutStatus.PAID.value)
        .group_by(RestitutionRow.asset)
    )
    return read_as(connection, AssetSum, query)

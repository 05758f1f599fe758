"""The sums of a pool: what came back, what it was sold for, what left it, and what remains."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from coordinator.domain.amount import AMOUNT_LIMIT
from coordinator.domain.errors import LedgerBreachError
from holdfast.protocol.restitution_views import PoolLineKind


class Entry(NamedTuple):
    """A line of a pool, in base units.

    Attributes:
        to_asset: What it was sold for; "" where it is no conversion.
        to_amount: How much of that came in.
        fee: How much of that was kept by whoever sold it.
    """

    kind: PoolLineKind
    asset: str
    amount: int
    to_asset: str = ""
    to_amount: int = 0
    fee: int = 0


@dataclass(slots=True)
class Sums:
    """One asset of a pool; `available` is never negative after a line."""

    returned: int = 0
    converted_in: int = 0
    converted_out: int = 0
    fees: int = 0
    costs: int = 0
    reserved: int = 0
    allocated: int = 0

    @property
    def available(self) -> int:
        """What of it is for nobody yet."""
        left = self.converted_out + self.fees + self.costs + self.reserved + self.allocated
        return self.returned + self.converted_in - left


class Pool:
    """The sums of a pool by asset, line after line.

    Args:
        entries: Lines that were accepted before, in order.
        allocated: What approved allocations give away, by asset.
    """

    def __init__(self, entries: Iterable[Entry], allocated: dict[str, int] | None = None) -> None:
        self.sums: dict[str, Sums] = {}
        for entry in entries:
            self._book(entry)
        for asset, amount in (allocated or {}).items():
            self._of(asset).allocated += amount

    def add(self, entry: Entry) -> None:
        """Book one more line.

        Raises:
            LedgerBreachError: If it takes more out than is there.
        """
        self._book(entry)
        sums = self._of(entry.asset)
        if sums.reserved < 0:
            raise LedgerBreachError(
                f"only {sums.reserved + entry.amount} base units of {entry.asset} are reserved",
                code="not_reserved",
            )
        if sums.available < 0:
            raise LedgerBreachError(
                f"only {sums.available + entry.amount} base units of {entry.asset} are available in"
                " the pool: add first what came back",
                code="pool_exceeded",
            )
        if any(each.returned + each.converted_in >= AMOUNT_LIMIT for each in self.sums.values()):
            raise LedgerBreachError("a pool is below 2^256 base units", code="amount_too_large")

    def _of(self, asset: str) -> Sums:
        return self.sums.setdefault(asset, Sums())

    def _book(self, entry: Entry) -> None:
        sums = self._of(entry.asset)
        if entry.kind == "returned":
            sums.returned += entry.amount
        elif entry.kind == "cost":
            sums.costs += entry.amount
        elif entry.kind == "reserve":
            sums.reserved += entry.amount
        elif entry.kind == "reserve_released":
            sums.reserved -= entry.amount
        else:
            sums.converted_out += entry.amount
            into = self._of(entry.to_asset)
            into.converted_in += entry.to_amount
            into.fees += entry.fee

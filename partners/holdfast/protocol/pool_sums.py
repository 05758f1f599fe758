"""The sums of a pool: what came back, what it was sold for, what left it, and what remains.

The coordinator keeps pools by these sums, and whoever is given the lines comes to the same ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import NamedTuple

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

    def document(self) -> dict[str, str]:
        """Return them as they stand on the wire (`restitution_views.PoolSumsView`)."""
        sums = {name: str(value) for name, value in asdict(self).items()}
        return {**sums, "available": str(self.available)}


class PoolSums:
    """The sums of a pool by asset, line after line.

    Args:
        entries: Its lines, in order.
        allocated: What approved allocations give away, by asset.
    """

    def __init__(
        self, entries: Iterable[Entry], allocated: Mapping[str, int] | None = None
    ) -> None:
        self.sums: dict[str, Sums] = {}
        for entry in entries:
            self.book(entry)
        for asset, amount in (allocated or {}).items():
            self.of(asset).allocated += amount

    def of(self, asset: str) -> Sums:
        """Return the sums of an asset."""
        return self.sums.setdefault(asset, Sums())

    def book(self, entry: Entry) -> None:
        """Add one line, whatever it comes to."""
        sums = self.of(entry.asset)
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
            into = self.of(entry.to_asset)
            into.converted_in += entry.to_amount
            into.fees += entry.fee


def value_of(amount: int, rate: Fraction) -> int:
    """Return what a claim is worth in base units of the asset that is paid, rounded down.

    Args:
        amount: Base units of what was lost.
        rate: How many base units that are paid one of those is worth, exactly.
    """
    return amount * rate.numerator // rate.denominator

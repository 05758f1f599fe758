"""Where every unit of a theft is in the end: one table that adds up, and what does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.protocol.restitution_views import PoolSumsView
from holdfast.protocol.views import AssetTotals

_ETHER, _DOLLARS = 18, 6
_LABEL, _ETHER_WIDTH, _DOLLAR_WIDTH = 33, 27, 17


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of a theft of ether, part of which was swapped into USDT; base units.

    Attributes:
        taken: Ether, at the beginning.
        swapped: What of it the thief swapped into USDT.
        ether: The totals of the freeze request; likewise `dollars`.
        dollars: The same of USDT.
        ether_pool: The sums of the pool; likewise `dollar_pool`.
        dollar_pool: The same of USDT.
        paid: Payouts that have a transaction.
    """

    taken: int
    swapped: int
    ether: AssetTotals
    dollars: AssetTotals
    ether_pool: PoolSumsView
    dollar_pool: PoolSumsView
    paid: int

    @property
    def never_found(self) -> int:
        """Ether that came to none of the exchanges."""
        return self.taken - self.swapped - int(self.ether.frozen)

    def faults(self) -> list[str]:
        """Return every sum that is not that of its parts, in words."""
        ether, dollars = self.ether, self.dollars
        pool, sold = self.ether_pool, self.dollar_pool
        shares = {
            "more was frozen than taken": self.never_found >= 0,
            "what was frozen did not all come back": (
                int(ether.frozen) == int(ether.returned) + int(ether.held) + int(ether.released)
                and int(dollars.frozen)
                == int(dollars.returned) + int(dollars.held) + int(dollars.released)
            ),
            "the pool is not what came back": (
                (pool.returned, sold.returned) == (ether.returned, dollars.returned)
            ),
            "USDT are left that nobody sold": (
                int(sold.returned) == int(sold.converted_out) + int(sold.available)
            ),
            "the pool does not add up": (
                int(pool.returned) + int(pool.converted_in)
                == int(pool.fees)
                + int(pool.costs)
                + int(pool.reserved)
                + int(pool.allocated)
                + int(pool.available)
            ),
            "what was allocated is not what was paid": int(pool.allocated) == self.paid,
        }
        return [words for words, holds in shares.items() if not holds]


def lines_of(flow: Flow, usd_per_ether: int) -> Sequence[str]:
    """Return the table, at most 80 columns wide."""
    ether, dollars = flow.ether, flow.dollars
    pool, sold = flow.ether_pool, flow.dollar_pool
    into_pool = int(pool.returned) + int(pool.converted_in)
    return [
        f"  {'':<{_LABEL}}{'ETH':>{_ETHER_WIDTH}}{'USDT':>{_DOLLAR_WIDTH}}",
        _line("taken", flow.taken),
        _line("  swapped by the thief", flow.swapped),
        _line("  came to none of the exchanges", flow.never_found),
        _line("  frozen", int(ether.frozen)),
        "",
        _line("frozen, by three exchanges", int(ether.frozen), int(dollars.frozen)),
        _line("  returned", int(ether.returned), int(dollars.returned)),
        _line("  still held", int(ether.held), int(dollars.held)),
        _line("  let go", int(ether.released), int(dollars.released)),
        "",
        _line("into the pool", into_pool, int(sold.returned)),
        _line("  returned", int(pool.returned), int(sold.returned)),
        _line("  USDT sold for ether", int(pool.converted_in), -int(sold.converted_out)),
        "",
        _line("out of the pool", into_pool),
        _line("  fee of the sale", int(pool.fees)),
        _line("  costs", int(pool.costs)),
        _line("  kept in reserve", int(pool.reserved)),
        _line("  allocated to victims", int(pool.allocated)),
        _line("  left over", int(pool.available), int(sold.available)),
        "",
        _line("paid to victims", flow.paid),
        _worth(flow, usd_per_ether),
    ]


def _line(label: str, ether: int, dollars: int | None = None) -> str:
    said = "" if dollars is None else _number(dollars, _DOLLARS)
    columns = f"{_number(ether, _ETHER):>{_ETHER_WIDTH}}{said:>{_DOLLAR_WIDTH}}"
    return f"  {label:<{_LABEL}}{columns}".rstrip()


def _number(base_units: int, decimals: int) -> str:
    """Return an amount with all its decimals, so that columns can be added by hand."""
    whole, part = divmod(abs(base_units), 10**decimals)
    return f"{'-' if base_units < 0 else ''}{whole:,}.{part:0{decimals}}"


def _worth(flow: Flow, usd_per_ether: int) -> str:
    paid, taken = (_usd(wei, usd_per_ether) for wei in (flow.paid, flow.taken))
    return f"  That is {paid} of {taken} US dollars, at {usd_per_ether:,} for 1 ETH."


def _usd(wei: int, usd_per_ether: int) -> str:
    return f"{wei * usd_per_ether // 10**_ETHER:,}"

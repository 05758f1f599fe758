"""How sums and values are shown: in units, and below them US dollars where lines state them."""

from collections.abc import Mapping

from holdfast.cli.session import Session
from holdfast.protocol.views import AssetTotals, LineView, UsdTotals

SUMS = ("found", "frozen", "held", "released", "returned", "seized")
#: Stands where nothing is valued: that is not the same as worth nothing.
UNVALUED = "\N{EN DASH}"


def sum_rows(session: Session, totals: Mapping[str, AssetTotals]) -> list[tuple[str, ...]]:
    """Return a row (asset, then `SUMS`) per asset, and one below it if anything is valued."""
    rows: list[tuple[str, ...]] = []
    for asset, sums in sorted(totals.items()):
        found, frozen, *others = (session.number(getattr(sums, name), asset) for name in SUMS)
        withheld = f" + {sums.withheld} withheld" if sums.withheld else ""
        unvalued = unvalued_words(sums.unvalued)
        is_valued = sums.usd is not None and sums.usd != UsdTotals()
        name = f"{session.asset_name(asset)}{'' if is_valued else unvalued}"
        rows.append((name, found, frozen + withheld, *others))
        if is_valued:
            values = (dollars(getattr(sums.usd, name)) for name in SUMS)
            rows.append((f"in USD, as stated{unvalued}", *values))
    return rows


def unvalued_words(count: int) -> str:
    """Return how many amounts state no value, to stand behind what is summed; empty for none."""
    return f" ({count:,} unvalued)" if count else ""


def dollars(value: str | None) -> str:
    """Return dollars with their thousands parted, or the dash where no value is stated."""
    if value is None:
        return UNVALUED
    whole, _, cents = value.partition(".")
    return f"{int(whole):,}.{cents.ljust(2, '0')}"


def line_words(line: LineView) -> str:
    """Return what a line says beside its amount: its kind and code, what it corrects, if shared."""
    words = [line.kind.value]
    if line.corrects:
        words.append(f"of {line.corrects}")
    if line.code:
        words.append(f"({line.code})")
    if line.irregular:
        words.append(f"[{line.irregular}]")
    if line.shared:
        words.append("(shared)")
    return " ".join(words)


def line_cells(session: Session, line: LineView, address: str | None) -> tuple[object, ...]:
    """Return what a line says, its address, amount, value and hold, as a table shows them.

    Args:
        session: Knows the assets.
        line: The line.
        address: Number and account.
    """
    amount = "withheld" if line.withheld else session.amount(line.amount, line.asset)
    # Not all lines have an amount; of those that do, a dash says that no value is stated.
    worth = dollars(line.usd.value if line.usd else None) if line.amount is not None else None
    name = session.asset_name(line.asset)
    return (line_words(line), address, name, amount, worth, line.hold)

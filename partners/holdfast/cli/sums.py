"""How sums and values are shown: in units, and below them US dollars where lines state them."""

from collections.abc import Mapping

from holdfast.cli.session import Session
from holdfast.protocol.views import AssetTotals, LineView, UsdTotals

SUMS = ("found", "frozen", "held", "released", "returned", "seized")
#: Stands where nothing is valued: that is not the same as worth nothing.
UNVALUED = "\N{EN DASH}"


def sum_rows(session: Session, totals: Mapping[str, AssetTotals]) -> list[tuple[str, ...]]:
    """Return a row (asset, then `SUMS`) per asset, and one below it for its stated values."""
    rows: list[tuple[str, ...]] = []
    for asset, sums in sorted(totals.items()):
        found, frozen, *others = (session.number(getattr(sums, name), asset) for name in SUMS)
        withheld = f" + {sums.withheld} withheld" if sums.withheld else ""
        rows.append((str(session.asset_name(asset)), found, frozen + withheld, *others))
        if sums.usd is not None or sums.unvalued:
            usd = sums.usd or UsdTotals()
            values = (dollars(getattr(usd, name)) for name in SUMS)
            rows.append((f"in USD, as stated{unvalued_words(sums.unvalued)}", *values))
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


def line_cells(session: Session, line: LineView) -> tuple[object, ...]:
    """Return what a line says, its address, amount, value and hold, as a table shows them."""
    amount = "withheld" if line.withheld else session.amount(line.amount, line.asset)
    # Not all lines have an amount; of those that do, a dash says that no value is stated.
    worth = dollars(line.usd.value if line.usd else None) if line.amount is not None else None
    name = session.asset_name(line.asset)
    return (line_words(line), line.address_no, name, amount, worth, line.hold)

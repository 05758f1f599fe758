"""How sums and values are shown: base units, and below them US dollars where lines state them."""

from collections.abc import Mapping

from holdfast.protocol.views import AssetTotals, LineView

SUMS = ("found", "frozen", "held", "released", "returned", "seized")
_DOLLARS = "in USD, as stated"


def sum_rows(totals: Mapping[str, AssetTotals]) -> list[tuple[str, ...]]:
    """Return a row (asset, then `SUMS`) per asset, and one below it for its stated values."""
    rows: list[tuple[str, ...]] = []
    for asset, sums in sorted(totals.items()):
        found, frozen, *others = (str(getattr(sums, name)) for name in SUMS)
        withheld = f" + {sums.withheld} withheld" if sums.withheld else ""
        rows.append((asset, found, frozen + withheld, *others))
        if sums.usd is not None:
            rows.append((_DOLLARS, *(str(getattr(sums.usd, name)) for name in SUMS)))
    return rows


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


def usd_of(line: LineView) -> str | None:
    """Return what a line states its amount to be worth."""
    return line.usd.value if line.usd else None

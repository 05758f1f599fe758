"""The end of a scenario: what it came to, on one screen, as one would show it to one's boss."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from holdfast import format_amount
from holdfast.protocol.views import Units
from holdfast.wording import counted
from reference_exchange.scenarios.accounts import Summary

#: Which sums, and what each is called.
_ROWS = (
    ("found", "found"),
    ("frozen", "frozen"),
    ("returned", "back to the victim"),
    ("released", "released"),
    ("held", "still held"),
)
_LABEL, _AMOUNT, _USD, _BAR = 20, 14, 14, 28


def tell(console: Console, summary: Summary, units: Units, prices: Mapping[str, int]) -> None:
    """Print what a scenario came to; no line has more than 80 columns.

    Args:
        console: Where to.
        summary: What it came to.
        units: How to show amounts, by asset in lower case.
        prices: Whole US dollars for one unit, by symbol, as the script has them.
    """
    console.print()
    console.print(Text("WHAT IT CAME TO", style="bold reverse"))
    for name, value in _facts(summary):
        console.print(Text(f"  {name:<{_LABEL}}{value}"))
    for asset in sorted(summary.found | summary.frozen):
        unit = units.get(asset)
        console.print()
        symbol = unit.symbol if unit else asset
        price = prices.get(unit.symbol) if unit else None
        console.print(
            Text(f"  {symbol:<{_LABEL}}{'amount':>{_AMOUNT}}{'US dollars':>{_USD}}", "bold")
        )
        most = max(int(getattr(summary, name).get(asset, "0")) for name, _ in _ROWS)
        for name, words in _ROWS:
            amount = getattr(summary, name).get(asset, "0")
            number = _in_column(format_amount(amount, unit, asset=asset).removesuffix(f" {symbol}"))
            bar = "\N{FULL BLOCK}" * round(_BAR * int(amount) / max(most, 1))
            usd = _usd(amount, unit.decimals, price) if unit and price else "\N{EN DASH}"
            line = f"  {words:<{_LABEL}}{number:>{_AMOUNT}}{usd:>{_USD}}  {bar}"
            console.print(Text(line.rstrip()))
        if price:
            console.print(
                Text(
                    f"  1 {symbol} at {price:,} US dollars throughout, as the script has it.", "dim"
                )
            )
    console.print()
    said = "The coordinator and the exchanges' own deposit books say the same. It adds up."
    console.print(Text(said, style="bold green"))


def _in_column(number: str) -> str:
    """Return a number that fits its column: where it does not, rounded down to hundredths."""
    whole, _, part = number.partition(".")
    return number if len(number) < _AMOUNT else f"{whole}.{part[:2]}"


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield what is no sum."""
    asked = f"{counted(summary.requests, 'request')}, {counted(summary.addresses, 'address')}"
    yield "asked", f"{asked}, {counted(summary.legs, 'answer')} due"
    yield "acknowledged", f"{summary.acknowledged} of {summary.legs}"
    if summary.seconds_approval_to_first_freeze is not None:
        first = f"{summary.seconds_approval_to_first_freeze:.1f} s after the lead's approval"
        yield "first freeze", first
    if summary.screened:
        stopped = counted(summary.screened, "deposit")
        yield "stopped on arrival", f"{stopped}: a person decided, and froze it"
    if summary.claims_paid:
        yield "given to victims", f"{counted(summary.claims_paid, 'claim')} paid; every wei is told"
    if summary.refused:
        yield "noticed, refused", f"{summary.refused}: a forgery, a changed answer, a stray reply"
    yield "proven", f"{counted(summary.verified_evidence, 'act')}, each from the bytes signed"
    yield "delivered", f"{counted(summary.deliveries, 'message')}, {summary.undelivered} missing"
    if summary.log_verified:
        yield "the log", "followed by each exchange; all that it was told is in it"
    if summary.bundles_verified:
        files = counted(summary.bundles_verified, "evidence file")
        yield "for a court", f"{files}, each verified without the coordinator"
    if summary.restored:
        yield "a backup", "restored into an empty folder, and found in order"
    yield "answers still owed", str(summary.owed or "none")


def _usd(base_units: str, decimals: int, price: int) -> str:
    """Return whole dollars, rounded down."""
    return f"{int(Decimal(base_units) * price / 10**decimals):,}"

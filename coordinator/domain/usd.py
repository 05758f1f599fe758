"""US dollars in whole cents; no floats."""

from holdfast.protocol.payloads import Usd


def usd_cents(usd: Usd | None) -> int | None:
    """Return a stated value in whole cents; None where none is stated."""
    if usd is None:
        return None
    whole, _, fraction = usd.value.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0") or "0")


def usd_text(cents: int) -> str:
    """Return cents as dollars with two decimals."""
    return f"{cents // 100}.{cents % 100:02}"


def usd_text_if_any(cents: int) -> str | None:
    """Return a sum as dollars; None where nothing states a value, which is not the same as 0."""
    return usd_text(cents) if cents else None


def in_proportion(cents: int, *, of: int, to: int) -> int:
    """Return what `to` base units are worth where `of` of them are worth `cents`."""
    return cents * to // of if of else 0


def worth_after(worth: tuple[int, int] | None, *, amount: int | None, stated: int | None) -> int:
    """Return what a line is worth after a correction, in cents.

    Args:
        worth: What the line first stated, (base units, cents); None: it stated no value.
        amount: What it is corrected to; None: withheld, which has no value.
        stated: The value that the correction states itself, and which then stands.
    """
    if stated is not None:
        return stated
    if worth is None or amount is None:
        return 0
    units, cents = worth
    return in_proportion(cents, of=units, to=amount)

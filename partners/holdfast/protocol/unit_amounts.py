"""Amounts as a desk types them: always with their unit, never base units by accident."""

import re

from holdfast.protocol.amounts import AmountTextError, KnownAssets, parse_amount

_NUMBER_ALONE = re.compile(r"[0-9][0-9., _\u00a0\u202f]*")
#: Blanks between groups of digits, as people and pages write them.
_GAPS = re.compile(r"(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3}(?:[^0-9]|$))")


def read_amount(
    text: str, assets: KnownAssets, *, asset: str | None = None, chain: str | None = None
) -> tuple[str, str]:
    """Return the asset (CAIP-19) and the base units of an amount that somebody typed.

    A number alone is not taken: whoever means 2 500 USDT must not report 2 500 millionths of one.
    Where an asset's decimals are unknown there is no unit, and the number is of base units.

    Args:
        text: "1.5 ETH", "2 500 USDT".
        assets: What is known of them.
        asset: What is held, or asked for.
        chain: CAIP-2, where the account is.

    Raises:
        AmountTextError: Saying what to write instead.
    """
    written = _GAPS.sub("", text.strip())
    unit = assets.unit(asset)
    if _NUMBER_ALONE.fullmatch(written) and (unit is not None or asset is None):
        symbol = unit.symbol if unit is not None else "ETH"
        raise AmountTextError(f"{text.strip()!r} has no unit: write it, as {text.strip()} {symbol}")
    meant = asset
    if unit is not None and not _names(written, unit.symbol):
        meant = None  # another asset was found at the same address
    found, base_units = parse_amount(written, assets, asset=meant, chain=chain)
    if found is None:
        raise AmountTextError(f"{text.strip()!r} has no unit: write it, as {text.strip()} ETH")
    return found, base_units


def _names(written: str, symbol: str) -> bool:
    named = re.sub(r"^[0-9.,_ ]+", "", written).partition("@")[0].strip()
    return named.casefold() == symbol.casefold()


def chain_of(account: str) -> str:
    """Return the chain of a CAIP-10 account."""
    return ":".join(account.split(":")[:2])

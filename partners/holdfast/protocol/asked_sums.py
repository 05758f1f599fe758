"""What a request asks for, by asset: what a lead reads before deciding, wherever they decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import FormatError
from holdfast.protocol.errors import MissingLibraryError
from holdfast.protocol.views import AssetUnit

#: From how much on a sentence says it shorter, in what; a table beside it has every digit.
_SHORT = ((10**9, 10**9, "B"), (10**6, 10**6, "M"), (10**4, 10**3, "k"))


class Asking(Protocol):
    """What a flagged address asks for: an asset and an amount of it, where it states them."""

    @property
    def asset(self) -> str | None:
        """The asset, CAIP-19; None for whatever there is."""

    @property
    def amount(self) -> str | None:
        """Base units; None for whatever there is."""


@dataclass(slots=True)
class AskedSum:
    """What is asked of one asset.

    Attributes:
        asset: CAIP-19 as first written; None for whatever there is.
        addresses: How many addresses name it.
        base_units: The sum of the stated amounts.
        unstated: How many of the addresses state no amount.
    """

    asset: str | None
    addresses: int = 0
    base_units: int = 0
    unstated: int = 0


def asked_sums(addresses: Iterable[Asking], chains: Chains) -> list[AskedSum]:
    """Return what addresses ask for, by asset in the order in which they name them."""
    sums: dict[str | None, AskedSum] = {}
    spelled: dict[str, str] = {}
    for address in addresses:
        asset = address.asset
        if asset is not None and asset not in spelled:
            spelled[asset] = _canonical(asset, chains)
        key = None if asset is None else spelled[asset]
        one = sums.setdefault(key, AskedSum(asset))
        one.addresses += 1
        one.base_units += int(address.amount or 0)
        one.unstated += address.amount is None
    return list(sums.values())


def _canonical(asset: str, chains: Chains) -> str:
    """Return an asset in its one spelling: ERC-20 contracts have no case, Solana mints do."""
    try:
        return parse_asset(chains, asset)
    except (FormatError, MissingLibraryError):
        return asset  # of a chain that this table lacks: as it is written


def short_number(base_units: int, unit: AssetUnit) -> str | None:
    """Return an amount as people say it, "about" where digits are left out: "about 2.1M USDT".

    None where it is no shorter than all its digits.
    """
    one = 10**unit.decimals
    for least, size, letter in _SHORT:
        if base_units >= least * one:
            # In whole numbers: a sum may have more digits than a Decimal keeps.
            tenths, left_out = divmod(base_units * 10, size * one)
            about = "about " if left_out else ""
            number = f"{tenths // 10}.{tenths % 10}".removesuffix(".0")
            return f"{about}{number}{letter} {unit.symbol}"
    return None

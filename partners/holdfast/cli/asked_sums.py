"""What a request asks for, in one sentence and by asset: what a lead reads before deciding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.cli.session import Session
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import FormatError
from holdfast.protocol.errors import MissingLibraryError
from holdfast.protocol.payloads import FlaggedAddress
from holdfast.protocol.views import AssetUnit
from holdfast.wording import counted

#: From how much on a sentence says it shorter; the table below it has every digit.
_SHORT = ((10**9, "B"), (10**6, "M"), (10**4, "k"))
#: How many assets a sentence names.
_NAMED = 3


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


def asked_sums(addresses: Iterable[FlaggedAddress], chains: Chains) -> list[AskedSum]:
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


def asking_sentence(
    session: Session, partners: int, addresses: Mapping[int, FlaggedAddress], hours: int | None
) -> str:
    """Return e.g. "asks 14 partners to freeze 3 addresses, 2.1M USDT, for 72 h"."""
    sums = asked_sums(addresses.values(), session.assets.chains)
    stated = [short_amount(session, one) for one in sums if one.base_units]
    if len(stated) > _NAMED:
        stated[_NAMED:] = [counted(len(stated) - _NAMED, "more asset")]
    words = [f"asks {counted(partners, 'partner')} to freeze {counted(len(addresses), 'address')}"]
    words += stated
    unstated = sum(one.unstated for one in sums)
    if unstated:
        all_of_it = "whatever is there" if unstated == len(addresses) else "whatever else is there"
        of_some = "" if unstated == len(addresses) else f" (no amount for {unstated} of them)"
        words.append(all_of_it + of_some)
    words.append(f"for {hours} h" if hours else "with no end named")
    return ", ".join(words)


def sums_rows(session: Session, addresses: Iterable[FlaggedAddress]) -> list[tuple[object, ...]]:
    """Return a row (asset, addresses, stated sum, addresses without amount) for each asset."""
    return [
        (
            session.asset_name(one.asset) or "any",
            one.addresses,
            session.number(str(one.base_units), one.asset)
            if one.base_units and one.asset
            else None,
            one.unstated or None,
        )
        for one in asked_sums(addresses, session.assets.chains)
    ]


def short_amount(session: Session, one: AskedSum) -> str:
    """Return an amount as people say it, marked where digits are left out."""
    unit = session.assets.unit(one.asset)
    if unit is None or session.in_base_units:
        return str(session.amount(str(one.base_units), one.asset))
    return _short(one.base_units, unit) or str(session.amount(str(one.base_units), one.asset))


def _short(base_units: int, unit: AssetUnit) -> str | None:
    one = 10**unit.decimals
    for size, letter in _SHORT:
        if base_units >= size * one:
            # In whole numbers: a sum may have more digits than a Decimal keeps.
            tenths, left_out = divmod(base_units * 10, size * one)
            about = "about " if left_out else ""
            number = f"{tenths // 10}.{tenths % 10}".removesuffix(".0")
            return f"{about}{number}{letter} {unit.symbol}"
    return None

"""Amounts as people write and read them: "1.5 ETH" in, "1,234.5 ETH" out, base units on the wire.

Nothing is a float and nothing is rounded. What an asset's base units are worth in whole ones stands
in a table (`KnownAssets`); where it does not, base units are shown as such, never guessed.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property

from holdfast.protocol.chains.asset import display_units
from holdfast.protocol.chains.chain import NATIVE_NAMESPACE, Chains, shipped_chains
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.errors import MissingLibraryError, ProtocolError
from holdfast.protocol.views import AssetUnit

#: Amounts are below 2^256, which has 78 digits.
_LIMIT = 2**256
_MOST_CHARACTERS = 400
#: Of the chains that a symbol is known on, in a message.
_MOST_NAMED = 6
#: A point, and nothing else, is before the fraction; blanks, commas and underscores only part
#: digits in threes.
_NUMBER = re.compile(
    r"(?P<whole>[0-9]+|[0-9]{1,3}(?:_[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.(?P<fraction>[0-9]+))?",
    re.ASCII,
)
_SYMBOL = re.compile(r"[A-Za-z$₮][A-Za-z0-9.$₮+-]{0,31}")
#: A comma in a number is ambiguous where it could be a fraction's: 1,500 or 1.5 (as 1,5)?
_COMMA_FRACTION = re.compile(r"[0-9]+,[0-9]{1,2}|[0-9]+,[0-9]{4,}", re.ASCII)


class AmountTextError(ProtocolError, ValueError):
    """An amount cannot be read; the message says what to write instead."""


class KnownAssets:
    """Which assets have which symbol and decimals, by a table of chains.

    Args:
        chains: The table: the one that ships, or what `GET /v1/chains` serves.
    """

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self._units: dict[str, AssetUnit | None] = {}

    def unit(self, asset: str | None) -> AssetUnit | None:
        """Return symbol and decimals of an asset (CAIP-19); None where they are not known."""
        if asset is None:
            return None
        if asset not in self._units:
            found = display_units(self.chains, [asset]).get(asset)
            self._units[asset] = AssetUnit.model_validate(found) if found else None
        return self._units[asset]

    def of_symbol(self, symbol: str, chain: str | None = None) -> list[str]:
        """Return the assets of a symbol, written in any case; only those on `chain`, if given."""
        found = self._by_symbol.get(symbol.casefold(), [])
        return [asset for asset in found if chain in {None, asset.partition("/")[0]}]

    def chain(self, text: str) -> str:
        """Return the CAIP-2 id of a chain that is written as id, name or symbol.

        Raises:
            AmountTextError: No chain, or more than one, is called so.
        """
        try:
            return self.chains.named(text).caip2
        except AccountError as error:
            raise AmountTextError(f"{text!r} after @: {error.message}") from None

    def canonical_chain(self, caip2: str) -> str | None:
        """Return the id that stands in assets for a chain's id or alias; None: no such chain."""
        chain = self.chains.get(caip2)
        return chain.caip2 if chain else None

    def chain_name(self, caip2: str) -> str:
        """Return what people call a chain; its id where no name is known."""
        chain = self.chains.get(caip2)
        return chain.name if chain else caip2

    @cached_property
    def _by_symbol(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for chain in self.chains:
            native = f"{chain.caip2}/{NATIVE_NAMESPACE}:{chain.native.slip44}"
            found.setdefault(chain.native.symbol.casefold(), []).append(native)
        for asset, token in self.chains.tokens.items():
            found.setdefault(token.symbol.casefold(), []).append(asset)
        return found


@cache
def shipped_assets() -> KnownAssets:
    """Return the assets of the table that ships.

    Without the kit's extra `addresses`, which the table's tokens need, none is known, and amounts
    stay base units.
    """
    try:
        return KnownAssets(shipped_chains())
    except MissingLibraryError:
        return KnownAssets(Chains({}))


def parse_amount(
    text: str,
    known: KnownAssets,
    *,
    asset: str | None = None,
    chain: str | None = None,
) -> tuple[str | None, str]:
    """Return the asset (CAIP-19) and the whole base units that a person's text names.

    Args:
        text: "1.5 ETH", "2_500 USDT@eip155:56", "2,500 USDT@BSC", or base units, digits only.
        known: Which symbols there are.
        asset: What the line at hand names already; the symbol must be its own.
        chain: The chain of the line's account (CAIP-2): a bare symbol is looked for there.

    Returns:
        The asset is `asset` where only digits are written: base units say nothing of it.

    Raises:
        AmountTextError: Saying what to write instead.
    """
    written = text.strip()
    if len(written) > _MOST_CHARACTERS:
        raise AmountTextError("is too long for an amount")
    number, symbol, place = _parts(written)
    if symbol is None:
        if "." in number:
            raise AmountTextError(
                f"{written!r} has a fraction and no symbol: write it with its unit, e.g. "
                f"{number} ETH, or whole base units"
            )
        if set("_,") & set(number):
            raise AmountTextError(
                f"{written!r} is written as for people, and has no symbol: write e.g. "
                f"{number} ETH, or base units in digits only"
            )
        return asset, _base_units(number, 0, written, "base units")
    meant = _asset_of(known, symbol, place, asset, chain)
    unit = known.unit(meant)
    if unit is None:  # pragma: no cover - `_asset_of` returns assets of the table
        raise AmountTextError(f"the decimals of {meant} are not known: write base units")
    return meant, _base_units(number, unit.decimals, written, unit.symbol)


def require_some(base_units: str) -> str:
    """Return the amount that a request asks for, which must not be 0.

    Raises:
        AmountTextError: It is; nothing would be asked for.
    """
    if base_units.strip("0") == "":
        raise AmountTextError("an amount of 0 asks for nothing: leave it out for the whole balance")
    return base_units


def _parts(written: str) -> tuple[str, str | None, str | None]:
    """Return number, symbol and chain as they are written."""
    match = re.match(r"[0-9_,.]+", written, re.ASCII)
    if match is None:
        hint = ": an amount has no sign" if written[:1] in {"-", "+", "\N{MINUS SIGN}"} else ""
        raise AmountTextError(
            f"{written!r} is no amount{hint}: write e.g. 1.5 ETH, 2_500 USDT@eip155:56, or base "
            "units in digits only"
        )
    number, rest = match.group(), written[match.end() :].strip()
    if re.match(r"[eE][+-]?[0-9]", rest):
        raise AmountTextError(f"{written!r} has an exponent: write all digits")
    if not _NUMBER.fullmatch(number):
        _refuse_number(number)
    if re.match(r"0[0-9]", number):
        raise AmountTextError(f"{number!r} begins with a zero: leave it out")
    if not rest:
        return number, None, None
    symbol, mark, place = rest.partition("@")
    symbol, place = symbol.strip(), place.strip()
    if not _SYMBOL.fullmatch(symbol) or (mark and not place):
        raise AmountTextError(
            f"{rest!r} is no unit: write a symbol, and its chain after @ where there are several, "
            "e.g. USDT@eip155:56"
        )
    return number, symbol, place or None


def _refuse_number(number: str) -> None:
    if _COMMA_FRACTION.fullmatch(number):
        raise AmountTextError(
            f"{number!r}: a fraction begins with a point: write {number.replace(',', '.')}"
        )
    raise AmountTextError(
        f"{number!r} is no number: write digits, a point before the fraction, and _ or , between "
        "groups of three digits"
    )


def _asset_of(
    known: KnownAssets, symbol: str, place: str | None, asset: str | None, chain: str | None
) -> str:
    """Return the one asset that a symbol means here."""
    there = known.chain(place) if place else None
    chain = chain and known.canonical_chain(chain)
    if asset is not None:
        return _asset_at_hand(known, symbol, there, asset)
    if there is not None and chain is not None and there != chain:
        raise AmountTextError(
            f"{symbol} is said to be on {known.chain_name(there)}, the account is on "
            f"{known.chain_name(chain)}: they must agree"
        )
    where = there or chain
    found = known.of_symbol(symbol, where)
    if len(found) == 1:
        return found[0]
    anywhere = known.of_symbol(symbol)
    if not anywhere:
        raise AmountTextError(
            f"{symbol} is no symbol that is known: write base units in digits only, with the asset "
            "as CAIP-19"
        )
    if not found:
        raise AmountTextError(
            f"no {symbol} is known on {known.chain_name(str(where))}: write one of "
            f"{_choices(symbol, anywhere)}, or base units with the asset as CAIP-19"
        )
    if where is not None:
        raise AmountTextError(
            f"several assets on {known.chain_name(where)} are called {symbol}: write base units "
            f"with the asset as CAIP-19, one of {', '.join(found)}"
        )
    raise AmountTextError(f"{symbol} is on several chains: write one of {_choices(symbol, found)}")


def _asset_at_hand(known: KnownAssets, symbol: str, there: str | None, asset: str) -> str:
    unit = known.unit(asset)
    if unit is None and "/" not in asset:
        raise AmountTextError(
            f"{asset} is no asset's id: write it as CAIP-19, e.g. eip155:1/slip44:60"
        )
    if unit is None:
        raise AmountTextError(
            f"the decimals of {asset} are not known: write base units in digits only"
        )
    if unit.symbol.casefold() != symbol.casefold():
        raise AmountTextError(f"{symbol} is not the asset's symbol: {asset} is {unit.symbol}")
    at = known.canonical_chain(asset.partition("/")[0])
    if there not in {None, at}:
        raise AmountTextError(
            f"{symbol} is said to be on {known.chain_name(str(there))}, the asset is on "
            f"{known.chain_name(str(at))}: they must agree"
        )
    return asset


def _choices(symbol: str, assets: Sequence[str]) -> str:
    chains = list(dict.fromkeys(asset.partition("/")[0] for asset in assets))
    named = ", ".join(f"{symbol}@{chain}" for chain in chains[:_MOST_NAMED])
    more = len(chains) - _MOST_NAMED
    return f"{named} or {more} more" if more > 0 else named


def _base_units(number: str, decimals: int, written: str, symbol: str) -> str:
    """Return whole base units; the fraction must not be finer than the asset is."""
    whole, _, fraction = number.replace("_", "").replace(",", "").partition(".")
    if len(fraction.rstrip("0")) > decimals:
        raise AmountTextError(
            f"{written!r} has {len(fraction.rstrip('0'))} digits behind the point: {symbol} has "
            f"{decimals}"
        )
    digits = (whole + fraction[:decimals].ljust(decimals, "0")).lstrip("0") or "0"
    if len(digits) > len(str(_LIMIT)) or int(digits) >= _LIMIT:
        raise AmountTextError(f"{written!r} is more than any ledger holds (2^256 base units)")
    return digits


def format_number(base_units: str | int, unit: AssetUnit) -> str:
    """Return base units as a number of whole ones, e.g. "1,234.5"; nothing is rounded."""
    whole, rest = divmod(int(base_units), 10**unit.decimals)
    fraction = f".{rest:0{unit.decimals}d}".rstrip("0") if rest else ""
    return f"{whole:,}{fraction}"


def format_amount(base_units: str | int, unit: AssetUnit | None, *, asset: str) -> str:
    """Return an amount for people: "1,234.5 ETH", or base units and that no decimals are known."""
    if unit is None:
        return f"{int(base_units)} base units of {asset}, decimals unknown"
    return f"{format_number(base_units, unit)} {unit.symbol}"

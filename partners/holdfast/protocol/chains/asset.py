"""Assets: CAIP-19 in, one canonical spelling out, and how amounts of them are shown."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from holdfast.protocol.chains.chain import (
    CAIP2,
    MAX_ADDRESS_CHARACTERS,
    NATIVE_NAMESPACE,
    Chain,
    Chains,
    suggest,
)
from holdfast.protocol.chains.format_errors import AccountError, AssetError

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NAMESPACE = re.compile(r"[-a-z0-9]{3,8}")
#: Room for the longest address and a token id.
_MAX_CHARACTERS = MAX_ADDRESS_CHARACTERS + 128


def parse_asset(chains: Chains, text: str, *, chain: Chain | str | None = None) -> str:
    """Return the canonical CAIP-19 id of an asset; it is compared as text.

    Args:
        chains: The known chains.
        text: E.g. "eip155:1/slip44:60", "tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t".
        chain: The chain it must be on (itself or its id): an account's own.

    Raises:
        AssetError: With one of its codes and what to change.
    """
    caip2, _, rest = text.partition("/")
    namespace, _, reference = rest.partition(":")
    if not (
        len(text) <= _MAX_CHARACTERS
        and CAIP2.fullmatch(caip2)
        and _NAMESPACE.fullmatch(namespace)
        and reference
    ):
        raise AssetError(
            "not_caip19",
            "is no CAIP-19 asset: write chain id, slash, namespace, colon, reference, "
            "e.g. eip155:1/slip44:60",
        )
    found = chains.get(caip2)
    if found is None:
        raise AssetError("unknown_chain", f"the asset's chain {caip2} is not known here")
    if chain is not None:
        _require_chain(chains, found, chain)
    return f"{found.caip2}/{_canonical(found, namespace, _unescaped(reference), chains)}"


def _unescaped(reference: str) -> str:
    """Return a reference without the escapes of CAIP-19, which has no $, :: or / in it."""
    if not _ESCAPE.search(reference):
        return reference
    plain = unquote(reference)
    return reference if _ESCAPE.search(plain) else plain


def _require_chain(chains: Chains, found: Chain, wanted: Chain | str) -> None:
    caip2 = wanted if isinstance(wanted, str) else wanted.caip2
    expected = chains.get(caip2)
    if expected is not found:
        name = expected.name if expected else caip2
        raise AssetError(
            "wrong_chain", f"the asset is on {found.name}, the account on {name}: they must agree"
        )


def _canonical(chain: Chain, namespace: str, reference: str, chains: Chains) -> str:
    try:
        return chain.canonical_asset(namespace, reference)
    except AccountError as error:
        elsewhere = [caip2 for caip2 in suggest(chains, reference) if caip2 != chain.caip2]
        hint = f" (it is an address of {chains.by_id[elsewhere[0]].name})" if elsewhere else ""
        raise AssetError(
            "bad_reference", f"the token's address is none of {chain.name}{hint}: {error.message}"
        ) from None


def display_units(chains: Chains, assets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return symbol and decimals of those assets of which they are known (`views.AssetUnit`)."""
    known = {asset: _display_unit(chains, asset) for asset in assets}
    return {asset: unit for asset, unit in known.items() if unit is not None}


def _display_unit(chains: Chains, asset: str) -> dict[str, Any] | None:
    try:
        canonical = parse_asset(chains, asset)
    except AssetError:
        return None
    caip2, _, rest = canonical.partition("/")
    if rest.startswith(NATIVE_NAMESPACE + ":"):
        native = chains.by_id[caip2].native
        return {"symbol": native.symbol, "decimals": native.decimals}
    token = chains.tokens.get(canonical)
    return {"symbol": token.symbol, "decimals": token.decimals} if token else None

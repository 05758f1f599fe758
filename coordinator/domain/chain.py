"""The known chains: read from a table (`config/chains.toml`), so a chain is added as data.

Chain ids are CAIP-2. Nothing here reads a file; the caller hands over the text.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from coordinator.domain.address_rules import RULES, AddressRule
from coordinator.domain.asset_reference import REFERENCE_FORMS
from coordinator.domain.format_errors import AccountError, AssetError, ChainsError, FormatError
from coordinator.domain.toml_table import TomlTable

#: CAIP-2: namespace and reference.
CAIP2 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
NATIVE_NAMESPACE = "slip44"
_MAX_DECIMALS = 36
#: No address of any kind is longer; a longer text is not even looked at.
MAX_ADDRESS_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Native:
    """A chain's own asset.

    Attributes:
        symbol: For people, e.g. "BTC".
        slip44: SLIP-44 coin type, which CAIP-19 ids use.
        slip44_aliases: Other coin types in use for the same asset, accepted and made canonical.
        decimals: Base units per whole one, as a power of ten.
    """

    symbol: str
    slip44: int
    decimals: int
    slip44_aliases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose decimals are known, for display only; any other token is legal, too."""

    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One chain; there is one object per chain, so accounts compare and hash by it.

    Attributes:
        caip2: Canonical CAIP-2 id.
        name: For people.
        rule: How its addresses are written.
        native: Its own asset.
        asset_namespaces: CAIP-19 namespaces of its tokens, each with the form of the reference
            (see `asset`).
        aliases: Other CAIP-2 ids in use for the same chain.
    """

    caip2: str
    name: str
    rule: AddressRule
    native: Native
    asset_namespaces: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    def canonical_reference(self, namespace: str, reference: str) -> str:
        """Return the one spelling of a CAIP-19 reference on this chain.

        Raises:
            AssetError: If the chain has no such namespace, or the reference is not of its form.
            AccountError: If the reference should be an address of this chain and is none.
        """
        if namespace == NATIVE_NAMESPACE:
            return self._native_reference(reference)
        form = self.asset_namespaces.get(namespace)
        if form is None:
            known = ", ".join((NATIVE_NAMESPACE, *self.asset_namespaces))
            raise AssetError(
                "unknown_namespace",
                f"{self.name} has no assets of that namespace: use one of {known}",
            )
        return REFERENCE_FORMS[form](self.rule, reference)

    def _native_reference(self, reference: str) -> str:
        native = self.native
        if reference not in map(str, (native.slip44, *native.slip44_aliases)):
            raise AssetError(
                "wrong_native",
                f"the native asset of {self.name} is {self.caip2}/slip44:{native.slip44} "
                f"({native.symbol})",
            )
        return str(native.slip44)


@dataclass(frozen=True)
class Chains:
    """All known chains, found by id or alias; `tokens` by canonical CAIP-19 id."""

    by_id: Mapping[str, Chain]
    tokens: Mapping[str, Token] = field(default_factory=dict)

    @cached_property
    def by_rule(self) -> tuple[tuple[AddressRule, tuple[str, ...]], ...]:
        """Every rule once, with the ids of the chains that follow it."""
        found: dict[AddressRule, list[str]] = {}
        for chain in self:
            found.setdefault(chain.rule, []).append(chain.caip2)
        return tuple((rule, tuple(ids)) for rule, ids in found.items())

    def get(self, caip2: str) -> Chain | None:
        """Return the chain with this id or alias, or None."""
        return self.by_id.get(caip2)

    def __iter__(self) -> Iterator[Chain]:
        """Yield every chain once, in the order of the table."""
        return (chain for caip2, chain in self.by_id.items() if caip2 == chain.caip2)


def suggest(chains: Chains, text: str) -> list[str]:
    """Return the ids of all known chains on which this bare address is valid, maybe none.

    Several chains share forms (all EVM chains; Bitcoin, Bitcoin SV and old Bitcoin Cash), so this
    is for messages and for people to choose from: a chain is stated, never guessed.
    """
    if len(text) > MAX_ADDRESS_CHARACTERS:
        return []
    fitting = {caip2 for rule, ids in chains.by_rule if _fits(rule, text) for caip2 in ids}
    return [chain.caip2 for chain in chains if chain.caip2 in fitting]


def _fits(rule: AddressRule, text: str) -> bool:
    try:
        rule.parse(text)
    except AccountError:
        return False
    return True


def load_chains(text: str) -> Chains:
    """Return the chains of a TOML text; see `config/chains.toml` for its members.

    Raises:
        ChainsError: If anything in it is wrong, naming the chain.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ChainsError("bad_toml", f"the table of chains is no TOML: {error}") from None
    families, tokens = _tables(document)
    by_id: dict[str, Chain] = {}
    for family, entry in families:
        chain = _chain(family, entry)
        for caip2 in (chain.caip2, *chain.aliases):
            if by_id.setdefault(caip2, chain) is not chain or not CAIP2.fullmatch(caip2):
                raise ChainsError("bad_table", f"{caip2} is no CAIP-2 id, or stands there twice")
    loaded = Chains(by_id, {})
    return Chains(by_id, dict(_token(loaded, entry) for entry in tokens))


def _tables(document: dict[str, Any]) -> tuple[list[tuple[str, dict[str, Any]]], list[Any]]:
    """Return every chain's members, its family's in front, and the tokens' members."""
    families, tokens = document.pop("family", {}), document.pop("tokens", [])
    if document or not isinstance(families, dict) or not isinstance(tokens, list):
        raise ChainsError(
            "bad_table", "the table of chains holds `family` tables and `tokens` only"
        )
    found = []
    for name, shared in families.items():
        entries = shared.get("chains") if isinstance(shared, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ChainsError("bad_table", f"family {name} needs a list of tables `chains`")
        common = {key: value for key, value in shared.items() if key != "chains"}
        found += [(name, {**common, **entry}) for entry in entries]
    return found, tokens


def _chain(family: str, entry: dict[str, Any]) -> Chain:
    table = TomlTable(f"chain {entry.get('id', 'without id')} of family {family}", entry)
    name = table.text("rule")
    if name not in RULES:
        raise table.error(f"rule must be one of {', '.join(sorted(RULES))}")
    chain = Chain(
        caip2=table.text("id"),
        name=table.text("name"),
        rule=RULES[name](table),
        native=Native(
            symbol=table.text("symbol"),
            slip44=table.number("slip44", at_most=2**31 - 1),
            decimals=table.number("decimals", at_most=_MAX_DECIMALS),
            slip44_aliases=table.numbers("slip44_aliases"),
        ),
        asset_namespaces=table.words("assets"),
        aliases=table.texts("aliases"),
    )
    table.finish()
    for form in chain.asset_namespaces.values():
        if form not in REFERENCE_FORMS:
            raise table.error(f"a form of assets must be one of {', '.join(REFERENCE_FORMS)}")
    return chain


def _token(chains: Chains, entry: Any) -> tuple[str, Token]:
    if not isinstance(entry, dict):
        raise ChainsError("bad_table", "every token is a table")
    table = TomlTable(f"token {entry.get('asset', 'without asset')}", entry)
    try:
        asset = _token_asset(chains, table.text("asset"))
    except FormatError as error:
        raise table.error(error.message) from None
    token = Token(table.text("symbol"), table.number("decimals", at_most=_MAX_DECIMALS))
    table.finish()
    return asset, token


def _token_asset(chains: Chains, text: str) -> str:
    caip2, _, rest = text.partition("/")
    namespace, _, reference = rest.partition(":")
    chain = chains.get(caip2)
    if chain is None:
        raise ChainsError("bad_table", f"{caip2} is none of the chains above")
    return f"{chain.caip2}/{namespace}:{chain.canonical_reference(namespace, reference)}"

"""The known chains: read from a table, so a chain is added as data.

The table that ships is `chains.toml` beside this module; an operator adds to it, and what then
holds is served at `GET /v1/chains`, so that both sides compare accounts alike. Chain ids are
CAIP-2.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypedDict

from holdfast.protocol import canonical_json
from holdfast.protocol.chains.asset_reference import REFERENCE_FORMS
from holdfast.protocol.chains.format_errors import (
    AccountError,
    AssetError,
    ChainsError,
    FormatError,
)
from holdfast.protocol.chains.rules import RULES, AddressRule
from holdfast.protocol.chains.toml_table import TomlTable
from holdfast.protocol.chains.transaction_form import TRANSACTION_FORMS

#: CAIP-2: namespace and reference.
CAIP2 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
NATIVE_NAMESPACE = "slip44"
_MAX_DECIMALS = 36
_MAX_NAMES = 4
#: Forms of references that begin with the token's contract.
_OF_CONTRACTS = frozenset({"address", "address_and_id"})
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
        names: What else people call it, e.g. ("bsc", "binance smart chain").
        keyless: Addresses whose key nobody holds (zero, burn, system), as `comparable` gives them.
        testnets: CAIP-2 ids of its test networks, each with its name.
        transactions: How its transactions are written (see `transaction_form`); none: not known.
        asset_aliases: Other namespaces in use for one of its own, e.g. spl for token.
        explorers: Hosts of explorers that show this chain and no other.
        native_as: How the chain's own asset is written in a namespace of tokens, canonical.
    """

    caip2: str
    name: str
    rule: AddressRule
    native: Native
    asset_namespaces: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    keyless: frozenset[str] = frozenset()
    testnets: Mapping[str, str] = field(default_factory=dict)
    transactions: tuple[str, ...] = ()
    asset_aliases: Mapping[str, str] = field(default_factory=dict)
    native_as: Mapping[str, str] = field(default_factory=dict)
    explorers: tuple[str, ...] = ()

    @property
    def native_asset(self) -> str:
        """Its own asset's canonical CAIP-19 id."""
        return f"{self.caip2}/{NATIVE_NAMESPACE}:{self.native.slip44}"

    def canonical_asset(self, namespace: str, reference: str) -> str:
        """Return the one spelling of an asset on this chain, from its namespace on.

        Raises:
            AssetError: If the chain has no such namespace, or the reference is not of its form.
            AccountError: If the reference should be an address of this chain and is none.
        """
        if namespace == NATIVE_NAMESPACE:
            return f"{NATIVE_NAMESPACE}:{self._native_reference(reference)}"
        namespace = self.asset_aliases.get(namespace, namespace)
        form = self.asset_namespaces.get(namespace)
        if form is None:
            known = ", ".join((NATIVE_NAMESPACE, *self.asset_namespaces))
            raise AssetError(
                "unknown_namespace",
                f"{self.name} has no assets of that namespace: use one of {known}",
            )
        canonical = REFERENCE_FORMS[form](self.rule, reference)
        if canonical == self.native_as.get(namespace):
            return f"{NATIVE_NAMESPACE}:{self.native.slip44}"
        return f"{namespace}:{canonical}"

    def _native_reference(self, reference: str) -> str:
        native = self.native
        if reference not in map(str, (native.slip44, *native.slip44_aliases)):
            raise AssetError(
                "wrong_native",
                f"the native asset of {self.name} is {self.caip2}/slip44:{native.slip44} "
                f"({native.symbol})",
            )
        return str(native.slip44)


class ChainTable(TypedDict):
    """The table as it is served and pinned: every chain and token with its members, as data."""

    chains: list[dict[str, Any]]
    tokens: list[dict[str, Any]]


@dataclass(frozen=True)
class Chains:
    """All known chains, found by id or alias.

    Attributes:
        table: What they were read from.
        skip_unknown_rules: Whether chains were left out whose rule is not known here.
    """

    by_id: Mapping[str, Chain]
    table: ChainTable = field(default_factory=lambda: ChainTable(chains=[], tokens=[]))
    skip_unknown_rules: bool = False

    @cached_property
    def tokens(self) -> Mapping[str, Token]:
        """Known tokens by canonical CAIP-19 id.

        Read when first needed: their ids have checksums, and to compare accounts takes no library.

        Raises:
            ChainsError: If one is wrong, stands there twice or is on no chain of the table.
            MissingLibraryError: Where the kit is without its extra `addresses`.
        """
        tokens: dict[str, Token] = {}
        for listed in self.table["tokens"]:
            on = str(listed.get("asset", "")).partition("/")[0]
            if self.skip_unknown_rules and on not in self.by_id:
                continue
            asset, token = _token(self, listed)
            if tokens.setdefault(asset, token) is not token:
                raise ChainsError("bad_table", f"the token {asset} stands there twice")
        return tokens

    @cached_property
    def version(self) -> str:
        """SHA-256 of the table's canonical JSON (RFC 8785), in hex: equal tables, equal rules."""
        return sha256(canonical_json.dumps(self.table)).hexdigest()

    @cached_property
    def by_rule(self) -> tuple[tuple[AddressRule, tuple[str, ...]], ...]:
        """Every rule once, with the ids of the chains that follow it."""
        found: dict[AddressRule, list[str]] = {}
        for chain in self:
            found.setdefault(chain.rule, []).append(chain.caip2)
        return tuple((rule, tuple(ids)) for rule, ids in found.items())

    @cached_property
    def by_explorer(self) -> Mapping[str, Chain]:
        """Chains by the hosts of explorers that show one chain only."""
        return {host: chain for chain in self for host in chain.explorers}

    @cached_property
    def by_form(self) -> tuple[Chain, ...]:
        """One chain for each way of writing transactions."""
        return tuple({chain.transactions: chain for chain in self}.values())

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Chain, ...]]:
        """Chains by what people call them, folded by `fold_name`: name, other names, symbol.

        A chain's own name goes before another's symbol, so that "ethereum classic" and "etc" find
        one chain; of a symbol that several chains share (ETH), the chain that states it among its
        names is meant.
        """
        stated: dict[str, list[Chain]] = {}
        shared: dict[str, list[Chain]] = {}
        for chain in self:
            for name in {fold_name(each) for each in (chain.name, *chain.names)}:
                stated.setdefault(name, []).append(chain)
            shared.setdefault(fold_name(chain.native.symbol), []).append(chain)
        return {name: tuple(found) for name, found in (shared | stated).items()}

    @cached_property
    def token_contracts(self) -> Mapping[str, str]:
        """Symbols of known tokens by their contract: chain id, colon, canonical address."""
        found = {}
        for asset, token in self.tokens.items():
            caip2, _, rest = asset.partition("/")
            namespace, _, reference = rest.partition(":")
            if self.by_id[caip2].asset_namespaces.get(namespace) in _OF_CONTRACTS:
                found[f"{caip2}:{reference.partition('/')[0]}"] = token.symbol
        return found

    @cached_property
    def testnets(self) -> Mapping[str, tuple[str, Chain]]:
        """Test networks by id and by folded name: what each is called, and whose it is."""
        found: dict[str, tuple[str, Chain]] = {}
        for chain in self:
            for caip2, name in chain.testnets.items():
                found[caip2] = found[fold_name(name)] = (name, chain)
        return found

    def get(self, caip2: str) -> Chain | None:
        """Return the chain with this id or alias, or None."""
        return self.by_id.get(caip2)

    def named(self, text: str) -> Chain:
        """Return the chain that a person means by an id, name or symbol, e.g. "BNB Smart Chain".

        Raises:
            AccountError: `unknown_chain` if none is called so, or several are: which; `testnet`
                for a test network.
        """
        chain = self.by_id.get(text)
        found = (chain,) if chain else self.by_name.get(fold_name(text), ())
        if len(found) == 1:
            return found[0]
        if found:
            which = " or ".join(f"{each.name} ({each.caip2})" for each in found[:_MAX_NAMES])
            raise AccountError("unknown_chain", f"several chains are called so: write {which}")
        testnet = self.testnets.get(text) or self.testnets.get(fold_name(text))
        if testnet:
            raise no_testnet(*testnet)
        raise AccountError(
            "unknown_chain",
            "no known chain has this id, name or symbol: `holdfast chains` lists them",
        )

    def __iter__(self) -> Iterator[Chain]:
        """Yield every chain once, in the order of the table."""
        return (chain for caip2, chain in self.by_id.items() if caip2 == chain.caip2)


def no_testnet(name: str, chain: Chain) -> AccountError:
    """Return the refusal of a test network, to be raised."""
    return AccountError(
        "testnet",
        f"{name} is a test network of {chain.name}: name the main network, {chain.caip2}",
    )


def fold_name(text: str) -> str:
    """Return a chain's name as it is looked up: case, spaces and marks do not count."""
    return "".join(character for character in text.casefold() if character.isalnum())


def suggest(chains: Chains, text: str) -> list[str]:
    """Return the ids of all known chains on which this bare address is valid, maybe none.

    Several chains share forms (all EVM chains; Bitcoin, Bitcoin SV and old Bitcoin Cash), so this
    is for messages and for people to choose from: a chain is stated, never guessed. Chains on which
    nearly any text of the kind is an address (64 hex digits, a word) are not among them.
    """
    if len(text) > MAX_ADDRESS_CHARACTERS:
        return []
    fitting = {caip2 for rule, ids in chains.by_rule if _fits(rule, text) for caip2 in ids}
    return [chain.caip2 for chain in chains if chain.caip2 in fitting]


def _fits(rule: AddressRule, text: str) -> bool:
    try:
        return not rule.parse(text).common
    except AccountError:
        return False


@cache
def shipped_chains() -> Chains:
    """Return the chains of the table that ships, without an operator's additions."""
    return load_chains()


def load_chains(*additions: str) -> Chains:
    """Return the chains of the table that ships and of TOML texts that add to it.

    Raises:
        ChainsError: If anything is wrong, naming the chain; also if an addition names what is
            there already.
    """
    shipped = files("holdfast.protocol.chains").joinpath("chains.toml").read_text("utf-8")
    table = ChainTable(chains=[], tokens=[])
    for text in (shipped, *additions):
        read = read_table(text)
        table["chains"] += read["chains"]
        table["tokens"] += read["tokens"]
    # What is wrong with an operator's token is said at the start.
    return chains_of(table) if additions else _read_chains(table, skip_unknown_rules=False)


def chains_of(table: ChainTable, *, skip_unknown_rules: bool = False) -> Chains:
    """Return the chains of a table.

    Args:
        table: As `read_table` or `GET /v1/chains` gives it.
        skip_unknown_rules: Leave out chains whose rule this version does not have, instead of
            refusing the table: a coordinator may be newer than the kit.

    Raises:
        ChainsError: If anything in it is wrong, naming the chain. With `skip_unknown_rules` the
            tokens are looked at when first needed.
    """
    chains = _read_chains(table, skip_unknown_rules=skip_unknown_rules)
    if not skip_unknown_rules:
        _ = chains.tokens
    return chains


def _read_chains(table: ChainTable, *, skip_unknown_rules: bool) -> Chains:
    by_id: dict[str, Chain] = {}
    for entry in table["chains"]:
        if skip_unknown_rules and entry.get("rule") not in RULES:
            continue
        chain = _chain(entry)
        for caip2 in (chain.caip2, *chain.aliases):
            if by_id.setdefault(caip2, chain) is not chain or not CAIP2.fullmatch(caip2):
                raise ChainsError("bad_table", f"{caip2} is no CAIP-2 id, or stands there twice")
    return Chains(by_id, table, skip_unknown_rules)


def chains_of_served(served: Mapping[str, Any]) -> Chains:
    """Return the chains of what `GET /v1/chains` answered; those of unknown rules are left out.

    Raises:
        ChainsError: If it is not the table that its `version` names, or cannot be read.
    """
    table = ChainTable(chains=served["chains"], tokens=served["tokens"])
    chains = chains_of(table, skip_unknown_rules=True)
    if chains.version != served["version"]:
        raise ChainsError("bad_table", "the chain table is not the one that its version names")
    return chains


def read_table(text: str) -> ChainTable:
    """Return the table of a TOML text: what a family says stands in each of its chains.

    Raises:
        ChainsError: If it is no TOML, or holds anything but families and tokens.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ChainsError("bad_toml", f"the table of chains is no TOML: {error}") from None
    families, tokens = document.pop("family", {}), document.pop("tokens", [])
    if document or not isinstance(families, dict) or not _are_tables(tokens):
        raise ChainsError(
            "bad_table", "the table of chains holds `family` tables and `tokens` only"
        )
    chains: list[dict[str, Any]] = []
    for name, shared in families.items():
        entries = shared.get("chains") if isinstance(shared, dict) else None
        if not isinstance(entries, list) or not _are_tables(entries):
            raise ChainsError("bad_table", f"family {name} needs a list of tables `chains`")
        common = {key: value for key, value in shared.items() if key != "chains"}
        chains += [{**common, **entry} for entry in entries]
    return ChainTable(chains=chains, tokens=tokens)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _chain(entry: dict[str, Any]) -> Chain:
    table = TomlTable(f"chain {entry.get('id', 'without id')}", entry)
    name = table.text("rule")
    if name not in RULES:
        raise table.error(f"rule must be one of {', '.join(sorted(RULES))}")
    rule = RULES[name](table)
    try:
        keyless = frozenset(rule.comparable(each)[0] for each in table.texts("keyless"))
    except (ValueError, IndexError, OverflowError):
        raise table.error("keyless must hold addresses of this chain") from None
    chain = Chain(
        caip2=table.text("id"),
        name=table.text("name"),
        rule=rule,
        keyless=keyless,
        native=Native(
            symbol=table.text("symbol"),
            slip44=table.number("slip44", at_most=2**31 - 1),
            decimals=table.number("decimals", at_most=_MAX_DECIMALS),
            slip44_aliases=table.numbers("slip44_aliases"),
        ),
        asset_namespaces=table.words("assets"),
        aliases=table.texts("aliases"),
        names=table.texts("names"),
        testnets=table.words("testnets"),
        transactions=table.texts("transactions"),
        asset_aliases=table.words("asset_aliases"),
        native_as=table.words("native_as"),
        explorers=table.texts("explorers"),
    )
    table.finish()
    if not TRANSACTION_FORMS.keys() >= set(chain.transactions):
        raise table.error(f"transactions must be forms of {', '.join(TRANSACTION_FORMS)}")
    for form in chain.asset_namespaces.values():
        if form not in REFERENCE_FORMS:
            raise table.error(f"a form of assets must be one of {', '.join(REFERENCE_FORMS)}")
    if not chain.asset_namespaces.keys() >= {*chain.asset_aliases.values(), *chain.native_as}:
        raise table.error("asset_aliases and native_as must name namespaces of its assets")
    return chain


def _token(chains: Chains, entry: dict[str, Any]) -> tuple[str, Token]:
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
    return f"{chain.caip2}/{chain.canonical_asset(namespace, reference)}"

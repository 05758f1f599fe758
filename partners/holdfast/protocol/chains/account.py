"""Accounts: CAIP-10 in, one canonical spelling per target out."""

from dataclasses import dataclass

from holdfast.protocol.chains.chain import (
    CAIP2,
    MAX_ADDRESS_CHARACTERS,
    Chain,
    Chains,
    fold_name,
    no_testnet,
    suggest,
)
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import ParsedAddress
from holdfast.protocol.odd_characters import odd_character

NO_WARNINGS: frozenset[str] = frozenset()
NO_CHECKSUM = "no_checksum"
MISSING_TAG = "missing_tag"
TOKEN_CONTRACT = "token_contract"  # noqa: S105 - a warning
NO_KEY = "no_key"
_MAX_NAMES = 4


@dataclass(frozen=True, slots=True)
class Account:
    """One target of a freeze.

    Attributes:
        chain: Its chain; `chain.caip2` is the canonical id.
        address: The spelling that is compared.
        tag: Destination tag or payment id, where the chain has such.
        display: CAIP-10 for people (EIP-55 and the like), without the tag.
        warnings: `no_checksum`, `missing_tag`, `token_contract` and `no_key`, where they apply.
        token: The symbol of the token whose own contract this is, else None.
    """

    chain: Chain
    address: str
    tag: str | None
    display: str
    warnings: frozenset[str] = NO_WARNINGS
    token: str | None = None

    @property
    def key(self) -> str:
        """The canonical text of this target, tag included: equal keys are the same target.

        No address holds a question mark, so the tag cannot be mistaken for part of it.
        """
        tag = "" if self.tag is None else f"?tag={self.tag}"
        return f"{self.chain.caip2}:{self.address}{tag}"


def parse_account(chains: Chains, text: str, tag: str | None = None) -> Account:
    """Return the account that a CAIP-10 text, and a tag given beside it, name.

    Args:
        chains: The known chains.
        text: CAIP-10, e.g. "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D".
        tag: XRP destination tag or Monero payment id, where not part of the address.

    Raises:
        AccountError: With one of its codes and what to change.
    """
    namespace, _, rest = text.partition(":")
    reference, colon, address = rest.partition(":")
    chain = chains.by_id.get(f"{namespace}:{reference}")
    if chain is None or not address:
        raise _no_chain(chains, text, f"{namespace}:{reference}" if colon else "")
    if len(address) > MAX_ADDRESS_CHARACTERS:
        raise AccountError("bad_address", f"{chain.name}: is longer than any address")
    odd = odd_character(address)
    if odd is not None:
        raise AccountError("bad_address", f"{chain.name}: {odd}")
    try:
        parsed = chain.rule.parse(address)
    except AccountError as error:
        raise _explained(chains, chain, address, error) from None
    found_tag = parsed.tag if tag is None else _joined_tag(chain, parsed, tag)
    token = chains.token_contracts.get(f"{chain.caip2}:{parsed.canonical}")
    warnings = _warnings(chain, parsed, found_tag)
    if token is not None:
        warnings |= {TOKEN_CONTRACT}
    display = f"{chain.caip2}:{parsed.shown}"
    return Account(chain, parsed.canonical, found_tag, display, warnings, token)


def _warnings(chain: Chain, parsed: ParsedAddress, tag: str | None) -> frozenset[str]:
    found = NO_WARNINGS
    if parsed.no_checksum:
        found |= {NO_CHECKSUM}
    if tag is None and chain.rule.tag_identifies:
        found |= {MISSING_TAG}
    if chain.keyless and chain.rule.comparable(parsed.canonical)[0] in chain.keyless:
        found |= {NO_KEY}
    return found


def _joined_tag(chain: Chain, parsed: ParsedAddress, tag: str) -> str:
    given = chain.rule.parse_tag(tag, parsed)
    if parsed.tag is not None and parsed.tag != given:
        raise AccountError(
            "bad_tag",
            "the address already holds another tag than the one given beside it: "
            "give one of the two, or the same",
        )
    return given


def _link_fault(chains: Chains, text: str) -> str | None:
    """Return what to copy out of a link, or out of a payment link (EIP-681, BIP-21)."""
    if "://" in text:
        return "is a link: copy the address out of it, and write its chain before it"
    scheme, _, rest = text.partition(":")
    named = chains.by_name.get(fold_name(scheme), ())
    if len(named) != 1 or not rest or ":" in rest or chains.get(text) is not None:
        return None
    return (
        f"begins with the name of a chain, as a payment link does: write {named[0].caip2}: and "
        "then the address alone"
    )


def _no_chain(chains: Chains, text: str, caip2: str) -> AccountError:
    link = _link_fault(chains, text)
    if link is not None:
        return AccountError("not_caip10", link)
    if not CAIP2.fullmatch(caip2):
        found = suggest(chains, text) or suggest(chains, text.rpartition(":")[2])
        hint = f"; by its form it could be on {_names(chains, found)}" if found else ""
        return AccountError(
            "not_caip10",
            "is no CAIP-10 account: write chain id, colon, address, "
            f"e.g. eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D{hint}",
        )
    if chains.get(caip2) is not None:
        return AccountError("not_caip10", f"names the chain {caip2} but no address on it")
    if caip2 in chains.testnets:
        return no_testnet(*chains.testnets[caip2])
    known = chains.get(caip2.lower())
    hint = f"write {known.caip2}" if known else "name a chain that the coordinator knows"
    return AccountError("unknown_chain", f"the chain {caip2} is not known here: {hint}")


def _explained(chains: Chains, chain: Chain, address: str, error: AccountError) -> AccountError:
    elsewhere = [caip2 for caip2 in suggest(chains, address) if caip2 != chain.caip2]
    if elsewhere:
        return AccountError(
            "wrong_chain",
            f"is no address of {chain.name} but a valid one of {_names(chains, elsewhere)}: "
            "correct the chain or the address",
        )
    return AccountError(error.code, f"{chain.name}: {error.message}")


def _names(chains: Chains, ids: list[str]) -> str:
    shown = [f"{chains.by_id[caip2].name} ({caip2})" for caip2 in ids[:_MAX_NAMES]]
    more = len(ids) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " or ".join(shown)

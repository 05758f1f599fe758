"""Tells whether two accounts are one target, to match flagged ones to own deposit addresses."""

import re
from contextlib import suppress

from holdfast.protocol.chains.chain import MAX_ADDRESS_CHARACTERS, Chains, shipped_chains

#: Payment ids (Monero) and hashes as memos (Stellar); in other memos the letter case counts.
_HEX = re.compile(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{64}")


def comparison_key(account: str, tag: str | None = None, chains: Chains | None = None) -> str:
    """Return a text that is equal for two accounts if and only if they are the same target.

    Keys are for comparing and indexing only; show people the account itself. Spellings are reduced,
    checksums not verified (the coordinator did), so no address library is needed. What is no
    account gives a key of its own and no error, so that one odd row does not stop a matching run.

    Args:
        account: CAIP-10, in any spelling that the coordinator accepts.
        tag: What the chain calls tag, memo or payment id, where not part of the address.
        chains: The coordinator's table (`Client.chains`); without it, the one that ships.
    """
    namespace, _, rest = account.partition(":")
    reference, _, address = rest.partition(":")
    caip2 = f"{namespace}:{reference}"
    chain = (chains or shipped_chains()).get(caip2)
    target, own_tag = address, None
    if chain is not None and len(address) <= MAX_ADDRESS_CHARACTERS:
        caip2 = chain.caip2
        # What is not an address matches nothing but itself.
        with suppress(ValueError, IndexError, OverflowError):
            target, own_tag = chain.rule.comparable(address)
    joined = own_tag if tag is None else tag
    if joined is None:
        return f"{caip2}:{target}"
    return f"{caip2}:{target}?tag={joined.lower() if _HEX.fullmatch(joined) else joined}"

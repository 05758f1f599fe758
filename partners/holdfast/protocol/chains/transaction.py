"""Transactions: any spelling in, one canonical id out, by the chain's own form.

Chains whose form nobody stated take any text that can be a transaction id
(`holdfast.protocol.texts`), and compare hex in either case.
"""

import re

from holdfast.protocol.chains.chain import Chain, Chains
from holdfast.protocol.chains.format_errors import TransactionError
from holdfast.protocol.chains.transaction_form import TRANSACTION_FORMS
from holdfast.protocol.odd_characters import odd_character

_LINK = re.compile(r"://|\.[A-Za-z]{2,24}/")
_CUT = re.compile("\u2026|\\.{2,}")
_ANY_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+", re.ASCII)


def copying_fault(text: str) -> str | None:
    """Return what went wrong when a transaction id was copied, if that shows in it."""
    if _LINK.search(text):
        return "is a link: copy the transaction id out of it"
    if _CUT.search(text):
        return "is cut in the middle (\u2026): copy it whole"
    return odd_character(text, "transaction id")


def parse_transaction(chain: Chain, text: str) -> str:
    """Return the canonical id of a transaction on a chain; it is compared as text.

    Args:
        chain: The chain it is on.
        text: As an explorer shows it, with or without 0x, in either case where it is hex.

    Raises:
        TransactionError: Saying what is wrong with this one.
    """
    wrong = copying_fault(text)
    if wrong is not None:
        raise TransactionError(wrong)
    if not chain.transactions:
        return fold_transaction(text)
    faults = []
    for form in chain.transactions:
        try:
            return TRANSACTION_FORMS[form](text)
        except TransactionError as error:
            faults.append(error.message)
    raise TransactionError(f"is no transaction of {chain.name}: {' Or: '.join(faults)}")


def fold_transaction(text: str) -> str:
    """Return the one spelling of a transaction whose chain or form is not known: hex has no case.

    Base58 and base64 ids have one.
    """
    return text.lower() if _ANY_HEX.fullmatch(text) else text


def fits(chain: Chain, text: str) -> bool:
    """Tell whether a text is a transaction by a chain's stated form."""
    try:
        parse_transaction(chain, text)
    except TransactionError:
        return False
    return bool(chain.transactions)


def require_whole(chains: Chains, text: str) -> None:
    """Refuse what can be no transaction where its chain is not stated.

    Funds leave on another chain than they came by, and not every chain is in the table: so only
    hex is judged, which is written the same way nearly everywhere.

    Raises:
        TransactionError: For links, cut copies, and 0x with another length than any chain has.
    """
    wrong = copying_fault(text)
    if wrong is not None:
        raise TransactionError(wrong)
    if text[:2].lower() != "0x" or any(fits(chain, text) for chain in chains.by_form):
        return
    if all(chain.transactions for chain in chains):
        raise TransactionError(
            "is no chain's transaction: behind 0x come 64 hexadecimal digits; copy it whole"
        )


def spelled_transaction(chains: Chains, asset: str, text: str) -> str:
    """Return the one spelling of a transaction by the form of an asset's chain, where it has it."""
    chain = chains.get(asset.partition("/")[0])
    if chain is not None and fits(chain, text):
        return parse_transaction(chain, text)
    return fold_transaction(text)

"""Who signed a text: by chain, from the address alone and without asking anybody."""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from holdfast.protocol.address_proofs.bitcoin import verify_bitcoin
from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.address_proofs.evm_and_tron import verify_evm, verify_tron
from holdfast.protocol.address_proofs.solana import verify_solana
from holdfast.protocol.address_proofs.statement import AddressStatement
from holdfast.protocol.chains.account import Account
from holdfast.protocol.chains.chain import Chain

#: A statement has some 600; no wallet shows so much.
MOST_TEXT_BYTES = 4_096
#: The longest is BIP-322's of two items.
MOST_SIGNATURE_CHARACTERS = 1_024
_Verify = Callable[[Account, bytes, str], None]
_BY_CHAIN: Mapping[str, _Verify] = MappingProxyType(
    {
        "bip122:000000000019d6689c085ae165831e93": verify_bitcoin,
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": verify_solana,
        "tron:0x2b6653dc": verify_tron,
    }
)


def may_prove(chain: Chain) -> bool:
    """Tell whether a signature by a key of this chain can be verified here."""
    return _verifier(chain) is not None


def verify_statement(
    statement: AddressStatement, signature: str, *, earliest: date, today: date
) -> None:
    """Accept a signature over a statement's text, by the key of the address that it names.

    Args:
        statement: Made from what is known, and from the date that came with the signature.
        signature: As the wallet gives it.
        earliest: The first day that counts.
        today: In UTC.

    Raises:
        AddressProofError: With one of its faults and what to change.
        MissingLibraryError: The kit is without its extra `proofs`.
    """
    statement.require_date(earliest, today)
    verify_signed_text(statement.account, statement.text(), signature)


def verify_signed_text(account: Account, text: str, signature: str) -> None:
    """Accept a signature over a text, by the key of an account.

    EVM chains (EIP-191), Bitcoin (legacy with BIP-137, BIP-322 simple), Solana, Tron (TIP-191).
    Two spellings of one signature are never both accepted on the curve secp256k1.

    Raises:
        AddressProofError: With one of its faults and what to change.
        MissingLibraryError: The kit is without its extra `proofs`.
    """
    verify = _verifier(account.chain)
    if verify is None:
        raise AddressProofError(
            ProofFault.UNSUPPORTED_CHAIN,
            f"signatures of {account.chain.name} are not verified here: those of EVM chains, "
            "Bitcoin, Solana and Tron are; send documents instead",
        )
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise AddressProofError(
            ProofFault.BAD_TEXT, "the text holds half a character: take it as it is shown"
        ) from None
    if not raw:
        raise AddressProofError(ProofFault.BAD_TEXT, "the text is empty: sign what is shown")
    if len(raw) > MOST_TEXT_BYTES or len(signature) > MOST_SIGNATURE_CHARACTERS:
        raise AddressProofError(
            ProofFault.TOO_LONG, "the text or the signature is longer than any that is needed"
        )
    if not signature.isascii():
        raise AddressProofError(
            ProofFault.BAD_FORM, "the signature holds characters that none has: copy it anew"
        )
    verify(account, raw, signature)


def _verifier(chain: Chain) -> _Verify | None:
    return verify_evm if chain.caip2.startswith("eip155:") else _BY_CHAIN.get(chain.caip2)

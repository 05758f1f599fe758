"""Messages signed by keys of EVM chains (EIP-191, version 0x45) and of Tron (TIP-191).

Only keys: the signature of a contract wallet (EIP-1271, EIP-6492) says nothing unless the chain is
asked, and this asks nobody.
"""

import re

from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.address_proofs.secp256k1 import not_signed, recovered_key
from holdfast.protocol.chains.account import Account
from holdfast.protocol.chains.rules import primitives

_HEX = re.compile(r"(?:0x)?([0-9A-Fa-f]+)")
_BYTES = 65
#: What stands last: 0 and 1, or these (Ethereum's yellow paper, appendix F).
_RECOVERY_IDS = {0: 0, 1: 1, 27: 0, 28: 1}
_TRON_VERSION = b"\x41"


def verify_evm(account: Account, text: bytes, signature: str) -> None:
    """Accept what `personal_sign` of a wallet gives for a text, 65 bytes in hex.

    Raises:
        AddressProofError: `contract_wallet`, `bad_form`, `not_canonical` or `not_signed`.
    """
    signer = _signer(b"\x19Ethereum Signed Message:\n", text, signature)
    if signer != bytes.fromhex(account.address.removeprefix("0x")):
        raise not_signed()


def verify_tron(account: Account, text: bytes, signature: str) -> None:
    """Accept what TronWeb's `signMessageV2` gives for a text, 65 bytes in hex.

    Raises:
        AddressProofError: As `verify_evm`.
    """
    signer = _signer(b"\x19TRON Signed Message:\n", text, signature)
    if _TRON_VERSION + signer != primitives.base58check_decode(account.address):
        raise not_signed()


def _signer(prefix: bytes, text: bytes, signature: str) -> bytes:
    """Return the 20 bytes of whoever signed."""
    digits = _HEX.fullmatch(signature)
    if digits is None or len(digits[1]) % 2:
        raise AddressProofError(
            ProofFault.BAD_FORM, "a signature is 65 bytes in hexadecimal, 0x and 130 digits"
        )
    raw = bytes.fromhex(digits[1])
    if len(raw) > _BYTES:
        raise AddressProofError(
            ProofFault.CONTRACT_WALLET,
            "the signature is longer than a key's: that of a contract wallet (EIP-1271) cannot be "
            "checked without its chain; send documents instead",
        )
    if len(raw) < _BYTES or raw[-1] not in _RECOVERY_IDS:
        raise AddressProofError(
            ProofFault.BAD_FORM,
            "a signature is 65 bytes in hexadecimal, 0x and 130 digits, and ends with 1b or 1c: "
            "copy it whole",
        )
    digest = primitives.keccak256(prefix + str(len(text)).encode() + text)
    key = recovered_key(digest, raw[:64], _RECOVERY_IDS[raw[-1]])
    return primitives.keccak256(key.format(compressed=False)[1:])[-20:]

"""Messages signed by keys of Solana: the text as it is, or within an off-chain message.

Most wallets sign the bytes of the text. Solana's command line and hardware wallets put a header
before it, of which there are three: what the command line writes, version 0 with domain and
signers, and version 1.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.address_proofs.secp256k1 import not_signed
from holdfast.protocol.chains.account import Account
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from holdfast.protocol.ed25519_points import check_public_point
from holdfast.protocol.errors import KeyFormatError

_SIGNATURE_BYTES = 64
_DOMAIN = b"\xffsolana offchain"
_NO_APPLICATION = bytes(32)
#: Formats of an off-chain message: printable ASCII on one line, UTF-8 within a hardware wallet's
#: limit, any UTF-8.
_FORMATS = (0, 1, 2)
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{128}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{86}==")


def verify_solana(account: Account, text: bytes, signature: str) -> None:
    """Accept 64 bytes in base58, base64 or hex, over the text or an off-chain message of it.

    Raises:
        AddressProofError: `no_single_key`, `bad_form` or `not_signed`.
    """
    raw = _decoded(signature)
    key = primitives.base58_decode(account.address)
    try:
        check_public_point(key)
    except KeyFormatError:
        raise AddressProofError(
            ProofFault.NO_SINGLE_KEY,
            "the address is a program's, such as a token account, and has no key: prove the "
            "address of the wallet that owns it, or send documents",
        ) from None
    public = Ed25519PublicKey.from_public_bytes(key)
    for message in _messages(key, text):
        try:
            public.verify(raw, message)
        except InvalidSignature:
            continue
        return
    raise not_signed()


def _decoded(signature: str) -> bytes:
    """Return the 64 bytes; texts of the three encodings differ in length."""
    if _HEX.fullmatch(signature):
        return bytes.fromhex(signature.removeprefix("0x"))
    try:
        if _BASE64.fullmatch(signature):
            raw = base64.b64decode(signature, validate=True)
            is_only_spelling = base64.b64encode(raw).decode() == signature
        else:
            raw, is_only_spelling = primitives.base58_decode(signature), True
    except (AccountError, binascii.Error):
        raise _bad_form() from None
    if len(raw) != _SIGNATURE_BYTES or not is_only_spelling:
        raise _bad_form()
    return raw


def _bad_form() -> AddressProofError:
    return AddressProofError(
        ProofFault.BAD_FORM, "a signature is 64 bytes in base58, base64 or hexadecimal"
    )


def _messages(key: bytes, text: bytes) -> Iterator[bytes]:
    """Yield what may have been signed."""
    yield text
    length = len(text).to_bytes(2, "little")
    for number in _FORMATS:
        form = bytes([number])
        yield _DOMAIN + b"\0" + form + length + text
        yield _DOMAIN + b"\0" + _NO_APPLICATION + form + b"\x01" + key + length + text
    yield _DOMAIN + b"\x01\x01" + key + text

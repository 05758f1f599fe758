"""Messages signed by keys of Bitcoin: the legacy form of `signmessage`, and BIP-322.

The legacy form is 65 bytes. Its first byte says which of the possible keys it is, and by BIP-137
also the kind of address; Electrum writes that of a P2PKH address for segwit ones, too. BIP-322
signs a transaction that cannot be sent; its simple form holds the witness alone.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from hashlib import sha256

from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.address_proofs.secp256k1 import not_signed, proof_library, recovered_key
from holdfast.protocol.chains.account import Account
from holdfast.protocol.chains.rules import primitives

_MAGIC = b"\x18Bitcoin Signed Message:\n"
_LEGACY_BYTES = 65
#: What BIP-322 of 2025 writes before the simple form.
_SIMPLE = "smp"
_SEGWIT = "bc"
_KEY_HASH_BYTES = 20
#: What is before the hash in an address or, of segwit, in its script.
_P2PKH, _P2SH, _P2WPKH_SCRIPT = b"\x00", b"\x05", b"\x00\x14"
#: Of a taproot key, of a key with its signature.
_WITNESS_ITEMS = (1, 2)
#: From this length on it takes two bytes more.
_LONG = 0xFD
#: First bytes by BIP-137: P2PKH with the long form of the key, with the short one, P2WPKH in P2SH,
#: P2WPKH; four each.
_LONG_KEY, _SHORT_KEY, _IN_P2SH, _P2WPKH, _END = 27, 31, 35, 39, 43
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def verify_bitcoin(account: Account, text: bytes, signature: str) -> None:
    """Accept a signature in base64, of whichever of both forms.

    Raises:
        AddressProofError: `no_single_key`, `bad_form`, `not_canonical` or `not_signed`.
    """
    simple = signature.removeprefix(_SIMPLE)
    raw = _decoded(simple)
    if len(raw) == _LEGACY_BYTES and simple == signature:
        _verify_legacy(account.address, text, raw)
    else:
        _require_witness(raw)
        _verify_simple(account.address, text, simple)


def _decoded(text: str) -> bytes:
    try:
        if _BASE64.fullmatch(text):
            raw = base64.b64decode(text, validate=True)
            if base64.b64encode(raw).decode() == text:
                return raw
    except binascii.Error:
        pass
    raise AddressProofError(ProofFault.BAD_FORM, "a signature is base64: copy it whole")


def _verify_legacy(address: str, text: bytes, raw: bytes) -> None:
    first = raw[0]
    if not _LONG_KEY <= first < _END:
        raise AddressProofError(
            ProofFault.BAD_FORM, "the first byte of the signature is none of BIP-137: copy it whole"
        )
    script = _script(address)
    digest = _sha256(_sha256(_MAGIC + _compact_size(len(text)) + text))
    key = recovered_key(digest, raw[1:], (first - _LONG_KEY) % 4)
    found = primitives.hash160(key.format(compressed=first >= _SHORT_KEY))
    if script not in _scripts(first, found):
        raise not_signed()


def _script(address: str) -> bytes:
    """Return kind and hash of an address whose key can sign the legacy form."""
    if not address.startswith(_SEGWIT + "1"):
        return primitives.base58check_decode(address)
    version, program = primitives.segwit_decode(_SEGWIT, address)
    if version == 0 and len(program) != _KEY_HASH_BYTES:
        raise _no_single_key()
    if version:
        raise AddressProofError(
            ProofFault.BAD_FORM,
            "an address of this kind signs by BIP-322: sign with a wallet of today",
        )
    return _P2WPKH_SCRIPT + program


def _scripts(first: int, key_hash: bytes) -> Iterator[bytes]:
    """Yield kind and hash of the addresses that a first byte allows for a key."""
    if first < _IN_P2SH:
        yield _P2PKH + key_hash
    # Bytes of a short key stand for segwit addresses, too, as Electrum writes them.
    if _SHORT_KEY <= first < _P2WPKH:
        yield _P2SH + primitives.hash160(_P2WPKH_SCRIPT + key_hash)
    if _SHORT_KEY <= first < _IN_P2SH or first >= _P2WPKH:
        yield _P2WPKH_SCRIPT + key_hash


def _require_witness(raw: bytes) -> None:
    """Refuse what is no witness of one or two items, or goes on after them."""
    place = 1
    for _ in range(raw[0]):
        # No item is as long as would take more than one byte for its length.
        place += 1 + (raw[place] if place < len(raw) else len(raw))
    if raw[0] not in _WITNESS_ITEMS or place != len(raw):
        raise AddressProofError(
            ProofFault.BAD_FORM,
            "a signature is 65 bytes in base64, or by BIP-322 in its simple form: copy it whole",
        )


def _verify_simple(address: str, text: bytes, signature: str) -> None:
    if address.startswith("1"):
        raise AddressProofError(
            ProofFault.BAD_FORM,
            "an address that begins with 1 signs in the legacy form, which is 65 bytes in base64",
        )
    if address.startswith(_SEGWIT + "1"):
        version, program = primitives.segwit_decode(_SEGWIT, address)
        if version == 0 and len(program) != _KEY_HASH_BYTES:
            raise _no_single_key()
    library = proof_library("bip322")
    try:
        library.verify_simple_encoded(address, text.decode(), signature)
    except library.VerificationError:
        raise not_signed() from None


def _no_single_key() -> AddressProofError:
    return AddressProofError(
        ProofFault.NO_SINGLE_KEY,
        "the address stands for a script, such as one of several signers, and no single key can "
        "prove it here; send documents instead",
    )


def _compact_size(length: int) -> bytes:
    """Return a length as Bitcoin writes it; texts are below 64 KiB."""
    return bytes([length]) if length < _LONG else bytes([_LONG]) + length.to_bytes(2, "little")


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()

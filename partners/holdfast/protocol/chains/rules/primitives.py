"""Checksums and encodings of addresses: the one place that touches the libraries for them.

Every function takes text or bytes and either returns or raises `AccountError` (`bad_address` or
`bad_checksum`): the libraries' own exceptions end here. Inputs are bounded and ASCII before they
reach the libraries, whose decoding takes quadratic time and whose `lower()` maps some foreign
letters onto ASCII ones.
"""

import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.errors import MissingLibraryError

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_TEXT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{1,120}")
_BECH32_TEXT = re.compile(r"[!-~]{8,120}")
_CHECKSUM_DIGITS = 6


@cache
def _bip_utils() -> Any:  # it carries no type marker
    """Return the library, loaded when first needed: it takes 0.2 s, and the kit may be without."""
    if not verifies_checksums():
        raise MissingLibraryError(
            "checksums of addresses need the kit's extra `addresses`: "
            "pip install 'holdfast-kit[addresses]'"
        )
    return import_module("bip_utils")


@cache
def verifies_checksums() -> bool:
    """Tell whether the library is there, as with the extra `addresses` and at the coordinator."""
    return find_spec("bip_utils") is not None


@cache
def _keccak() -> Any:
    _bip_utils()  # the extra brings both
    return import_module("Crypto.Hash.keccak")


def keccak256(data: bytes) -> bytes:
    """Return the 32 bytes of Keccak-256 (the original padding, as Ethereum and Monero use it)."""
    return bytes(_keccak().new(digest_bits=256, data=data).digest())


def hash160(data: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160 over SHA-256, as Bitcoin's addresses hash keys."""
    return bytes(_bip_utils().Hash160.QuickDigest(data))


def not_base58() -> AccountError:
    """Return the refusal of a text with foreign characters, to be raised."""
    return AccountError(
        "bad_address", "holds characters that base58 does not have (0, O, I, l, or none of its own)"
    )


def base58_decode(text: str) -> bytes:
    """Return the bytes of a base58 text without a checksum.

    Raises:
        AccountError: `bad_address` if it holds other characters, or more than 120.
    """
    if not _BASE58_TEXT.fullmatch(text):
        raise not_base58()
    return bytes(_bip_utils().Base58Decoder.Decode(text))


def base58_encode(data: bytes) -> str:
    """Return bytes as base58 text without a checksum."""
    return str(_bip_utils().Base58Encoder.Encode(data))


def base58check_decode(text: str, *, ripple: bool = False) -> bytes:
    """Return version and payload of a base58check text; the four checksum bytes are verified.

    Raises:
        AccountError: `bad_address` for other characters, `bad_checksum` if the checksum differs.
    """
    if not _BASE58_TEXT.fullmatch(text):
        raise not_base58()
    alphabet = (
        _bip_utils().Base58Alphabets.RIPPLE if ripple else _bip_utils().Base58Alphabets.BITCOIN
    )
    try:
        return bytes(_bip_utils().Base58Decoder.CheckDecode(text, alphabet))
    except _bip_utils().Base58ChecksumError:
        raise AccountError(
            "bad_checksum", "the checksum does not fit: a character is wrong, missing or in excess"
        ) from None


def base58check_encode(data: bytes, *, ripple: bool = False) -> str:
    """Return version and payload as base58check text."""
    alphabet = (
        _bip_utils().Base58Alphabets.RIPPLE if ripple else _bip_utils().Base58Alphabets.BITCOIN
    )
    return str(_bip_utils().Base58Encoder.CheckEncode(data, alphabet))


def monero_base58_decode(text: str) -> bytes:
    """Return the bytes of a text in Monero's base58, which works in blocks of 8 bytes.

    Raises:
        AccountError: `bad_address` if it is none, or not the one spelling of its bytes.
    """
    if not _BASE58_TEXT.fullmatch(text):
        raise not_base58()
    try:
        data = bytes(_bip_utils().Base58XmrDecoder.Decode(text))
    except ValueError:
        raise AccountError("bad_address", "has a length that no Monero address has") from None
    if monero_base58_encode(data) != text:  # the library drops what overflows a block
        raise AccountError("bad_address", "is not valid in Monero's base58")
    return data


def monero_base58_encode(data: bytes) -> str:
    """Return bytes as text in Monero's base58."""
    return str(_bip_utils().Base58XmrEncoder.Encode(data))


def one_case(text: str) -> str:
    """Return a bech32 or CashAddr text in lower case.

    Raises:
        AccountError: `bad_address` if it mixes cases (BIP-173) or holds other than printable ASCII.
    """
    if not _BECH32_TEXT.fullmatch(text):
        raise AccountError("bad_address", "has a length or characters that no such address has")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise AccountError(
            "bad_address",
            "mixes upper and lower case, which bech32 forbids: write it in lower case",
        )
    return lower


def segwit_decode(hrp: str, lower: str) -> tuple[int, bytes]:
    """Return witness version and program (BIP-173 for version 0, BIP-350 for all others).

    Raises:
        AccountError: `bad_checksum`, also for bech32 instead of bech32m; `bad_address` for
            a wrong length, version or character.
    """
    try:
        version, program = _bip_utils().SegwitBech32Decoder.Decode(hrp, lower)
    except _bip_utils().Bech32ChecksumError:
        raise _bad_bech32() from None
    except ValueError:
        raise AccountError(
            "bad_address", f"is no segwit address: check its length and that it begins with {hrp}1"
        ) from None
    return int(version), bytes(program)


def bech32_decode(hrp: str, lower: str, *, modified: bool) -> bytes:
    """Return the payload of a plain bech32 (or, `modified`, bech32m) text.

    Raises:
        AccountError: `bad_checksum` if the checksum differs, `bad_address` for other faults.
    """
    bech32 = import_module("bip_utils.bech32.bech32")
    base = import_module("bip_utils.bech32.bech32_base")
    digits = [base.Bech32BaseConst.CHARSET.find(character) for character in lower[len(hrp) + 1 :]]
    encodings = bech32.Bech32Encodings
    encoding = encodings.BECH32M if modified else encodings.BECH32
    if len(digits) <= _CHECKSUM_DIGITS or min(digits) < 0:
        raise AccountError("bad_address", "holds characters that bech32 does not have (1, b, i, o)")
    if not bech32.Bech32Utils.VerifyChecksum(hrp, digits, encoding):
        raise _bad_bech32()
    try:
        return bytes(base.Bech32BaseUtils.ConvertFromBase32(digits[:-_CHECKSUM_DIGITS]))
    except ValueError:
        raise AccountError("bad_address", "does not hold whole bytes") from None


def _bad_bech32() -> AccountError:
    return AccountError(
        "bad_checksum",
        "the bech32 checksum does not fit: a character is wrong, missing or in excess",
    )


def cashaddr_decode(prefix: str, lower: str) -> tuple[int, bytes]:
    """Return version byte and hash of a CashAddr text without its prefix.

    Raises:
        AccountError: `bad_checksum` if the checksum differs, `bad_address` for other faults.
    """
    try:
        version, payload = _bip_utils().BchBech32Decoder.Decode(prefix, f"{prefix}:{lower}")
    except _bip_utils().Bech32ChecksumError:
        raise AccountError(
            "bad_checksum",
            "the CashAddr checksum does not fit: a character is wrong, missing or in excess",
        ) from None
    except (ValueError, IndexError):
        raise AccountError(
            "bad_address", "is no CashAddr: check its length and characters"
        ) from None
    return int.from_bytes(version), bytes(payload)


def cashaddr_encode(prefix: str, version: int, payload: bytes) -> str:
    """Return version byte and hash as CashAddr text without the prefix."""
    encoded = str(_bip_utils().BchBech32Encoder.Encode(prefix, bytes([version]), payload))
    return encoded.removeprefix(prefix + ":")

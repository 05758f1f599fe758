"""Texts to bytes and back, in pure Python: what the rules share that need no library of addresses.

Sources: BIP-173 and BIP-350 (bech32, bech32m), RFC 4648 (base32), the base58 draft of the IETF.
Checksums that the standard library has (CRC-16, CRC-32, SHA-2, BLAKE2b) are taken from there by
the rules themselves; bech32's stands here, for it also writes the canonical spelling of a key that
came in hex. Texts are bounded before they are read: base58 takes quadratic time.
"""

import base64
import re
from hashlib import sha256

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_DIGIT = {character: value for value, character in enumerate(BECH32)}
_MAX_BASE58, _MAX_BECH32 = 160, 160
_DIGIT_BITS, _CHECKSUM_DIGITS, _CHECKSUM_BYTES = 5, 6, 4
#: BIP-173's generator, and the constants that the checksum of each encoding leaves.
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PLAIN, _MODIFIED = 1, 0x2BC830A3
_ASCII = re.compile(r"[!-~]+")
_BASE32_TEXT = re.compile(r"[A-Z2-7]+")


def wrong_checksum(kind: str = "checksum") -> AccountError:
    """Return the refusal of an address with a typing error, to be raised."""
    return AccountError(
        "bad_checksum", f"the {kind} does not fit: a character is wrong, missing or in excess"
    )


def base58_bytes(text: str) -> bytes:
    """Return the bytes of a base58 text; leading ones are zero bytes.

    Raises:
        AccountError: `bad_address` for other characters, no text, or more than 160 characters.
    """
    if not 0 < len(text) <= _MAX_BASE58:
        raise AccountError("bad_address", "has a length that no address in base58 has")
    try:
        return decoding.base58(text)
    except ValueError:
        raise AccountError(
            "bad_address", "holds characters that base58 does not have (0, O, I, l, or others)"
        ) from None


def base58_text(data: bytes) -> str:
    """Return bytes as base58 text."""
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return BASE58[0] * (len(data) - len(data.lstrip(b"\x00"))) + text


def base58check_bytes(text: str, *, verify: bool) -> bytes:
    """Return version and payload of a base58check text, without its four checksum bytes.

    Raises:
        AccountError: `bad_address` for what is no base58; `bad_checksum` where asked to `verify`.
    """
    data = base58_bytes(text)
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if verify and sha256(sha256(body).digest()).digest()[:_CHECKSUM_BYTES] != checksum:
        raise wrong_checksum()
    return body


def bech32_case(text: str) -> str:
    """Return a bech32 text in lower case.

    Raises:
        AccountError: `bad_address` if it mixes cases, is too long, or holds other than ASCII.
    """
    if len(text) > _MAX_BECH32 or not _ASCII.fullmatch(text):
        raise AccountError("bad_address", "has a length or characters that no such address has")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise AccountError(
            "bad_address",
            "mixes upper and lower case, which bech32 forbids: write it in lower case",
        )
    return lower


def bech32_bytes(hrp: str, lower: str, *, verify: bool) -> bytes:
    """Return the bytes of a bech32 text that begins with `hrp` and a 1.

    Raises:
        AccountError: `bad_address` for foreign characters or a length that is no whole number of
            bytes; `bad_checksum` where asked to `verify`, also for bech32m.
    """
    digits = [_BECH32_DIGIT.get(character, -1) for character in lower[len(hrp) + 1 :]]
    if len(digits) <= _CHECKSUM_DIGITS or min(digits) < 0:
        raise AccountError(
            "bad_address",
            f"behind {hrp}1 come small letters and digits of bech32 only (none of 1, b, i, o)",
        )
    if verify and _polymod(hrp, digits) != _PLAIN:
        raise wrong_checksum("bech32 checksum")
    number = 0
    for digit in digits[:-_CHECKSUM_DIGITS]:
        number = number << 5 | digit
    size, spare = divmod((len(digits) - _CHECKSUM_DIGITS) * _DIGIT_BITS, 8)
    if spare >= _DIGIT_BITS or number & (1 << spare) - 1:  # BIP-173: less than a digit, all zero
        raise AccountError("bad_address", "does not hold whole bytes: a character is missing")
    return (number >> spare).to_bytes(size)


def bech32_text(hrp: str, data: bytes) -> str:
    """Return bytes as a bech32 text (not bech32m)."""
    count = (len(data) * 8 + 4) // 5
    number = int.from_bytes(data) << count * 5 - len(data) * 8
    digits = [number >> 5 * place & 31 for place in reversed(range(count))]
    check = _polymod(hrp, [*digits, *[0] * _CHECKSUM_DIGITS]) ^ _PLAIN
    digits += [check >> 5 * place & 31 for place in reversed(range(_CHECKSUM_DIGITS))]
    return f"{hrp}1{''.join(BECH32[digit] for digit in digits)}"


def _polymod(hrp: str, digits: list[int]) -> int:
    """Return what BIP-173's checksum leaves of all digits, the prefix's in front."""
    codes = hrp.encode("ascii")
    remainder = 1
    for value in (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *digits):
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                remainder ^= generator
    return remainder


def base32_bytes(upper: str) -> bytes:
    """Return the bytes of an unpadded base32 text (RFC 4648) in upper case.

    Raises:
        AccountError: `bad_address` for other characters, or spare bits that are not zero: then it
            is not the one spelling of its bytes.
    """
    if not _BASE32_TEXT.fullmatch(upper):
        raise AccountError("bad_address", "holds characters that base32 does not have (0, 1, 8, 9)")
    try:
        data = base64.b32decode(upper + "=" * (-len(upper) % 8))
    except ValueError:
        raise AccountError("bad_address", "has a length that no base32 text has") from None
    if base32_text(data) != upper:
        raise AccountError("bad_address", "ends in a character that no such address ends in")
    return data


def base32_text(data: bytes) -> str:
    """Return bytes as unpadded base32 text in upper case."""
    return base64.b32encode(data).decode("ascii").rstrip("=")

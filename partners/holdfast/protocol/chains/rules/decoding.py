"""Encodings of addresses without their checksums: pure, quick, and without any library.

For comparing spellings of targets only; what a person or a partner states is read by `primitives`,
which verifies. A text that is not in the encoding raises ValueError, IndexError or OverflowError.
"""

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_MONERO_BLOCK = 11
_MONERO_BLOCK_SIZES = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}


def base58(text: str, alphabet: str = _BASE58) -> bytes:
    """Return the bytes of a base58 text, its checksum among them."""
    number = _number(text, alphabet)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def base58_text(data: bytes) -> str:
    """Return bytes in base58, without a checksum."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return _BASE58[0] * (len(data) - len(data.lstrip(b"\0"))) + digits


def monero_base58(text: str) -> bytes:
    """Return the bytes of a text in Monero's base58, which works in blocks of 8 bytes."""
    blocks = [text[i : i + _MONERO_BLOCK] for i in range(0, len(text), _MONERO_BLOCK)]
    sizes = [_MONERO_BLOCK_SIZES.get(len(block), 0) for block in blocks]
    return b"".join(
        _number(block, _BASE58).to_bytes(size) for block, size in zip(blocks, sizes, strict=True)
    )


def bech32(digits: str) -> bytes:
    """Return the whole bytes of 5-bit digits (BIP-173), in lower case and without checksum."""
    number = 0
    for character in digits:
        number = number << 5 | _BECH32.index(character)
    spare = len(digits) * 5 % 8
    return (number >> spare).to_bytes(len(digits) * 5 // 8)


def _number(text: str, alphabet: str) -> int:
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
    return number

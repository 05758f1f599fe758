"""Cardano: addresses since Shelley in bech32, Byron's in base58 around CBOR with a CRC-32.

Source: CIP-19 (headers, lengths, Byron's CBOR) and CIP-5 (prefixes). A payment address and the
reward account of the same wallet (stake1…) are two targets.
"""

import zlib
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import (
    ComparedAsParsed,
    Parameterless,
    ParsedAddress,
    Untagged,
)
from holdfast.protocol.chains.rules.base58check import testnet

_TESTNET_HRPS = ("addr_test1", "stake_test1")
_HASH_BYTES = 28
#: Header types with two hashes; with a hash and a pointer; with a hash; reward accounts.
_BASE, _POINTER, _ENTERPRISE, _REWARD = (0, 1, 2, 3), (4, 5), (6, 7), (14, 15)
_MAINNET = 1
_LONGEST_POINTER = 30
#: Behind the root's hash in Byron's CBOR: the attribute that names another network.
_NETWORK_ATTRIBUTE = 2
_MAX_BYRON = 130


@dataclass(frozen=True)
class CardanoRule(Untagged, ComparedAsParsed, Parameterless):
    """addr1…, stake1…, and Byron's Ae2… and Ddz…."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address; bech32 in lower case, base58 as it is.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        start = text[: len(_TESTNET_HRPS[1])].lower()
        if start.startswith(_TESTNET_HRPS):
            raise testnet()
        for hrp in ("addr", "stake"):
            if start.startswith(hrp + "1"):
                return _shelley(hrp, text, verify=verify)
        if text.startswith(("Ae2", "DdzFF", "37btjr", "2cWKMJ")):
            _check_byron(text, verify=verify)
            return ParsedAddress(text, text)
        raise AccountError(
            "bad_address",
            "a Cardano address begins with addr1 or stake1, an old one with Ae2 or DdzFF",
        )


def _shelley(hrp: str, text: str, *, verify: bool) -> ParsedAddress:
    lower = encodings.bech32_case(text)
    data = encodings.bech32_bytes(hrp, lower, verify=verify)
    if not data:
        raise AccountError("bad_address", f"holds nothing behind {hrp}1")
    kind, network, rest = data[0] >> 4, data[0] & 15, len(data) - 1
    if hrp == "stake":
        fits = kind in _REWARD and rest == _HASH_BYTES
    elif kind in _POINTER:
        fits = _HASH_BYTES < rest <= _HASH_BYTES + _LONGEST_POINTER
    else:
        fits = (kind in _BASE and rest == 2 * _HASH_BYTES) or (
            kind in _ENTERPRISE and rest == _HASH_BYTES
        )
    if not fits:
        raise AccountError(
            "bad_address", "does not hold what its first byte announces: a character is missing"
        )
    if network != _MAINNET:
        raise testnet()
    return ParsedAddress(lower, lower)


def _check_byron(text: str, *, verify: bool) -> None:
    """Refuse what is no Byron address of the main network.

    Raises:
        AccountError: `bad_address`, `bad_checksum` or `testnet`.
    """
    if len(text) > _MAX_BYRON:
        raise AccountError("bad_address", "is longer than any address of the Byron era")
    try:
        payload, checksum = _byron_parts(encodings.base58_bytes(text))
        names_network = _NETWORK_ATTRIBUTE in _byron_attributes(payload)
    except (IndexError, ValueError):
        raise AccountError(
            "bad_address", "is not built as an address of the Byron era is: copy it again"
        ) from None
    if verify and zlib.crc32(payload) != checksum:
        raise encodings.wrong_checksum()
    if names_network:
        raise testnet()


def _byron_parts(data: bytes) -> tuple[bytes, int]:
    """Return payload and checksum of `[#6.24(bytes), uint]`.

    Raises:
        ValueError, IndexError: If it is anything else.
    """
    if data[:3] != b"\x82\xd8\x18":
        raise ValueError
    size, at = _head(data, 3, major=2)
    payload, at = data[at : at + size], at + size
    checksum, end = _head(data, at, major=0)
    if len(payload) != size or end != len(data):
        raise ValueError
    return payload, checksum


def _byron_attributes(payload: bytes) -> set[int]:
    """Return the numbers of the attributes of `[bytes .size 28, {uint: bytes}, uint]`.

    Raises:
        ValueError, IndexError: If it is anything else.
    """
    size, at = _head(payload, 1, major=2)
    if payload[:1] != b"\x83" or size != _HASH_BYTES:
        raise ValueError
    count, at = _head(payload, at + size, major=5)
    found = set()
    for _ in range(count):
        key, at = _head(payload, at, major=0)
        size, at = _head(payload, at, major=2)
        at += size
        found.add(key)
    _, end = _head(payload, at, major=0)
    if end != len(payload):
        raise ValueError
    return found


def _head(data: bytes, at: int, *, major: int) -> tuple[int, int]:
    """Return the number in a CBOR head (RFC 8949) and where what follows it begins.

    Raises:
        ValueError, IndexError: If the head is of another major type, or cut.
    """
    if data[at] >> 5 != major:
        raise ValueError
    short = data[at] & 31
    if short < 24:  # noqa: PLR2004  # RFC 8949: below 24 the number itself, above its size
        return short, at + 1
    end = at + 1 + (1 << short - 24)
    if short > 27 or end > len(data):  # noqa: PLR2004
        raise ValueError
    return int.from_bytes(data[at + 1 : end]), end

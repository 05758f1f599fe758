"""Filecoin: f0 to f4, of which f410 and 0x… write the same account.

Source: the Filecoin specification (address appendix: protocols, base32 in lower case, checksum of
BLAKE2b with four bytes), FIP-48 (f4), and FEVM's rule that 0xff and eleven zero bytes in front of
a number mean the actor of that number (f0). That an f0 and an f1 belong together only the chain
knows.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import (
    ComparedAsParsed,
    Parameterless,
    ParsedAddress,
    Untagged,
)
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.evm_case import read_hex40

_ID = re.compile(r"0(0|[1-9][0-9]{0,18})", re.ASCII)
_KEYED = re.compile(r"([123])([a-z2-7]+)", re.ASCII)
_DELEGATED = re.compile(r"4(0|[1-9][0-9]{0,18})f([a-z2-7]+)", re.ASCII)
_TEXT = re.compile(r"[ft][0-4][0-9a-z]+", re.ASCII)
_MAX_ID = 2**63 - 1
#: Protocol -> bytes of its payload: hash of a key, hash of an actor, BLS key.
_PAYLOAD_BYTES = {1: 20, 2: 20, 3: 48}
_CHECKSUM_BYTES, _MOST_SUBADDRESS_BYTES = 4, 54
_EVM_MANAGER = 10
_EVM_BYTES = 20
_MASK = b"\xff" + bytes(11)


@dataclass(frozen=True)
class FilecoinRule(Untagged, ComparedAsParsed, Parameterless):
    """f0… to f4… as they are; 0x… as its f410 or, where it stands for a number, as its f0."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address that begins with f.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if text.startswith("0x"):
            data, no_checksum = read_hex40(text, verify=verify)
            address = _from_evm(data)
            return ParsedAddress(address, address, no_checksum=no_checksum, common=True)
        if not _TEXT.fullmatch(text):
            raise _not_an_address()
        if text[0] == "t":
            raise testnet()
        number = _ID.fullmatch(text, 1)
        if number:
            if int(number[1]) > _MAX_ID:
                raise _not_an_address()
            return ParsedAddress(text, text, no_checksum=True)
        return self._parse_checked(text, verify=verify)

    def _parse_checked(self, text: str, *, verify: bool) -> ParsedAddress:
        keyed, delegated = _KEYED.fullmatch(text, 1), _DELEGATED.fullmatch(text, 1)
        if keyed:
            head, body = bytes([int(keyed[1])]), keyed[2]
        elif delegated:
            head, body = b"\x04" + _leb128(int(delegated[1])), delegated[2]
        else:
            raise _not_an_address()
        data = encodings.base32_bytes(body.upper())
        payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        size = _PAYLOAD_BYTES.get(head[0], len(payload))
        if len(payload) != size or not 0 < size <= _MOST_SUBADDRESS_BYTES:
            raise AccountError(
                "bad_address", "has a length that no such address has: copy the address again"
            )
        if verify and _checksum(head + payload) != checksum:
            raise encodings.wrong_checksum()
        if head == b"\x04" + _leb128(_EVM_MANAGER) and len(payload) == _EVM_BYTES:
            text = _from_evm(payload)
        return ParsedAddress(text, text)


def _from_evm(data: bytes) -> str:
    if data.startswith(_MASK):
        return f"f0{int.from_bytes(data[len(_MASK) :])}"
    head = b"\x04" + _leb128(_EVM_MANAGER)
    body = encodings.base32_text(data + _checksum(head + data)).lower()
    return f"f4{_EVM_MANAGER}f{body}"


def _leb128(number: int) -> bytes:
    """Return a number in seven bits a byte, the lowest first, the last without its top bit."""
    data = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*data, number])


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=_CHECKSUM_BYTES).digest()


def _not_an_address() -> AccountError:
    return AccountError(
        "bad_address",
        "a Filecoin address begins with f0, f1, f2, f3 or f4, in small letters, or 0x",
    )

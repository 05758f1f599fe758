"""Substrate chains: SS58, a key of 32 bytes under a prefix of the chain.

Source: the SS58 specification (prefix of one or two bytes, checksum of BLAKE2b-512 over "SS58PRE")
and the Polkadot namespace's CAIP-10 profile, by which accounts are told apart by their keys. One
key has a spelling for every prefix, 42 being nobody's; wallets write all chains of Polkadot under
0. So every prefix is read, and the account compares as that key under the prefix of its chain.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, ParsedAddress, Untagged
from holdfast.protocol.chains.toml_table import TomlTable

_KEY_BYTES, _CHECKSUM_BYTES = 32, 2
_FIRST_OF_TWO, _RESERVED = 64, 128
_MAX_PREFIX = 2**14 - 1
_MAX_CHARACTERS = 50


@dataclass(frozen=True)
class SS58Rule(Untagged, ComparedAsParsed):
    """Any key of 32 bytes, compared under the chain's prefix.

    Attributes:
        prefix: The chain's number in the SS58 registry.
    """

    prefix: int

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `prefix`.

        Raises:
            ChainsError: If it is missing or wrong.
        """
        return cls(prefix=table.number("prefix", at_most=_MAX_PREFIX))

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the key's spelling under the chain's own prefix.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        if len(text) > _MAX_CHARACTERS:
            raise _not_an_address()
        data = encodings.base58_bytes(text)
        prefix, size = _prefix(data)
        body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        if len(body) != size + _KEY_BYTES:
            raise _not_an_address()
        if verify and _checksum(body) != checksum:
            raise encodings.wrong_checksum()
        address = text if prefix == self.prefix else ss58_text(self.prefix, body[size:])
        return ParsedAddress(address, address, common=prefix != self.prefix)


def ss58_text(prefix: int, key: bytes) -> str:
    """Return a key as SS58 under a prefix from 0 to 16383."""
    if prefix < _FIRST_OF_TWO:
        head = bytes([prefix])
    else:
        first = (prefix & 0xFC) >> 2 | _FIRST_OF_TWO
        head = bytes([first, prefix >> 8 | (prefix & 3) << 6])
    return encodings.base58_text(head + key + _checksum(head + key))


def _prefix(data: bytes) -> tuple[int, int]:
    """Return the prefix and the number of its bytes."""
    if not data or data[0] >= _RESERVED or len(data) < 1 + _KEY_BYTES:
        raise _not_an_address()
    first, second = data[0], data[1]
    if first < _FIRST_OF_TWO:
        return first, 1
    return (first & 0x3F) << 2 | second >> 6 | (second & 0x3F) << 8, 2


def _checksum(body: bytes) -> bytes:
    return blake2b(b"SS58PRE" + body).digest()[:_CHECKSUM_BYTES]


def _not_an_address() -> AccountError:
    return AccountError(
        "bad_address", "an address of this chain is SS58: a key of 32 bytes, 46 to 50 characters"
    )

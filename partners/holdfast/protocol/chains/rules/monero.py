"""Monero: base58 in blocks, Keccak checksum; integrated means standard plus payment id."""

import re
from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding, primitives
from holdfast.protocol.chains.rules.base import ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.toml_table import TomlTable

_KEYS_BYTES = 64
_CHECKSUM_BYTES = 4
_STANDARD_BYTES = 1 + _KEYS_BYTES + _CHECKSUM_BYTES
_INTEGRATED_BYTES = _STANDARD_BYTES + 8
_STANDARD_CHARACTERS, _INTEGRATED_CHARACTERS = 95, 106
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")
#: 8 bytes as in integrated addresses, or the older 32 bytes.
_PAYMENT_ID = re.compile(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class MoneroRule:
    """Standard, sub- and integrated addresses, told apart by their first byte.

    Attributes:
        standard, subaddress, integrated: That byte.
        testnet_versions: The same bytes on the test networks.
    """

    standard: int
    subaddress: int
    integrated: int
    testnet_versions: tuple[int, ...] = ()

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `standard`, `subaddress`, `integrated`, `testnet_versions`.

        Raises:
            ChainsError: If one is missing or wrong.
        """
        return cls(
            standard=table.number("standard", at_most=127),
            subaddress=table.number("subaddress", at_most=127),
            integrated=table.number("integrated", at_most=127),
            testnet_versions=table.numbers("testnet_versions"),
        )

    @property
    def tag_identifies(self) -> bool:
        """Return False: exchanges give out subaddresses, a bare address is a target."""
        return False

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return kind and public keys, and the payment id of an integrated address."""
        data = decoding.monero_base58(text)
        kind, keys = data[0], data[1 : 1 + _KEYS_BYTES]
        if kind == self.integrated and len(text) == _INTEGRATED_CHARACTERS:
            return f"{self.standard}:{keys.hex()}", data[1 + _KEYS_BYTES : -_CHECKSUM_BYTES].hex()
        return f"{kind}:{keys.hex()}", None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address; an integrated one as its standard address with the payment id as tag.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if _HEX64.fullmatch(text):
            raise AccountError(
                "bad_address", "64 hex digits are a transaction, key or payment id, not an address"
            )
        if len(text) not in (_STANDARD_CHARACTERS, _INTEGRATED_CHARACTERS):
            raise AccountError(
                "bad_address", "a Monero address has 95 characters, an integrated one 106"
            )
        data = primitives.monero_base58_decode(text)
        body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        if primitives.keccak256(body)[:_CHECKSUM_BYTES] != checksum:
            raise AccountError("bad_checksum", "the checksum does not fit: a character is wrong")
        if body[0] in self.testnet_versions:
            raise testnet()
        if len(data) == _INTEGRATED_BYTES and body[0] == self.integrated:
            return self._split(body)
        if len(data) == _STANDARD_BYTES and body[0] in (self.standard, self.subaddress):
            return ParsedAddress(text, text)
        raise AccountError("bad_address", "is no address of Monero's main network")

    def _split(self, body: bytes) -> ParsedAddress:
        bare = bytes([self.standard]) + body[1 : 1 + _KEYS_BYTES]
        checksum = primitives.keccak256(bare)[:_CHECKSUM_BYTES]
        standard = primitives.monero_base58_encode(bare + checksum)
        return ParsedAddress(standard, standard, tag=body[1 + _KEYS_BYTES :].hex())

    def parse_tag(self, tag: str, address: ParsedAddress) -> str:
        """Return a payment id in lower case.

        Raises:
            AccountError: `bad_tag` if it is none, or the address is a subaddress.
        """
        if not _PAYMENT_ID.fullmatch(tag):
            raise AccountError("bad_tag", "a Monero payment id has 16 or 64 hexadecimal digits")
        first = primitives.monero_base58_decode(address.canonical)[0]
        if first == self.subaddress:
            raise AccountError("bad_tag", "a Monero subaddress takes no payment id: leave it out")
        return tag.lower()

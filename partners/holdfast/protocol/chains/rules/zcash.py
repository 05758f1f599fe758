"""Zcash: transparent addresses as Bitcoin's with two version bytes; Sapling and TEX in bech32.

Source: Zcash protocol specification 5.6 (encodings), ZIP 320 (TEX: a transparent key hash under
another spelling, bech32m).
"""

from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding, primitives
from holdfast.protocol.chains.rules.base import ParsedAddress, Untagged
from holdfast.protocol.chains.rules.base58check import Base58CheckRule
from holdfast.protocol.chains.toml_table import TomlTable

_KEY_HASH_BYTES = 20
_SAPLING_BYTES = 43
_BECH32_CHECKSUM, _BASE58_CHECKSUM = 6, 4  # digits, bytes


@dataclass(frozen=True)
class ZcashRule(Untagged):
    """t1 and t3, tex1 (compared as t1) and Sapling's zs1; unified addresses are refused as such.

    Attributes:
        transparent: How t-addresses are read.
        sapling_hrp, tex_hrp: Human-readable parts.
    """

    transparent: Base58CheckRule
    sapling_hrp: str
    tex_hrp: str

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `sapling_hrp`, `tex_hrp` and what the transparent rule takes.

        Raises:
            ChainsError: If one is missing or wrong.
        """
        return cls(
            sapling_hrp=table.text("sapling_hrp"),
            tex_hrp=table.text("tex_hrp"),
            transparent=Base58CheckRule.from_table(table),
        )

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return version and hash of t- and TEX addresses, Sapling's in lower case."""
        lower = text.lower()
        if lower.startswith(self.sapling_hrp + "1"):
            return lower, None
        if lower.startswith(self.tex_hrp + "1"):
            digits = lower[len(self.tex_hrp) + 1 : -_BECH32_CHECKSUM]
            return (self.transparent.versions[0][0] + decoding.bech32(digits)).hex(), None
        return decoding.base58(text)[:-_BASE58_CHECKSUM].hex(), None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address.

        Raises:
            AccountError: `bad_address`, `bad_checksum`, `testnet` or `unsupported`.
        """
        start = text[:4].lower()
        if start.startswith(self.sapling_hrp + "1"):
            return self._parse_sapling(text)
        if start.startswith(self.tex_hrp + "1"):
            return self._parse_tex(text)
        return self.transparent.parse(text)

    def _parse_sapling(self, text: str) -> ParsedAddress:
        lower = primitives.one_case(text)
        payload = primitives.bech32_decode(self.sapling_hrp, lower, modified=False)
        if len(payload) != _SAPLING_BYTES:
            raise AccountError("bad_address", "a Sapling address holds 43 bytes")
        return ParsedAddress(lower, lower)

    def _parse_tex(self, text: str) -> ParsedAddress:
        lower = primitives.one_case(text)
        payload = primitives.bech32_decode(self.tex_hrp, lower, modified=True)
        if len(payload) != _KEY_HASH_BYTES:
            raise AccountError("bad_address", "a TEX address holds 20 bytes")
        version = self.transparent.versions[0][0]
        address = primitives.base58check_encode(version + payload)
        return ParsedAddress(address, address)

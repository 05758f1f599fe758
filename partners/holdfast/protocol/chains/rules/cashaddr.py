"""Bitcoin Cash: CashAddr, compared without its prefix; old base58 spellings are the same target.

Sources: the CashAddr specification of Bitcoin Cash, and its later types 2 and 3 (token-aware); CHIP
2022-05 P2SH32, whose hashes of 32 bytes some tools write in base58, too.
"""

import re
from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding, primitives
from holdfast.protocol.chains.rules.base import ParsedAddress, Untagged
from holdfast.protocol.chains.rules.base58check import Base58CheckRule, testnet
from holdfast.protocol.chains.toml_table import TomlTable

#: Bytes of the hash by the three low bits of the version byte.
_HASH_BYTES = {20: 0, 32: 3}
_KEY_HASH, _SCRIPT_HASH = 0, 1
_LAST_KIND = 3
#: 37 bytes in base58; no CashAddr without prefix has as many characters.
_P2SH32 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{48,52}")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{25,36}")
_BASE58_CHECKSUM, _CASHADDR_CHECKSUM = 4, 8  # bytes, digits


@dataclass(frozen=True)
class CashAddrRule(Untagged):
    """CashAddr with or without `prefix`, in one case; base58check as `legacy` reads it.

    Attributes:
        prefix: "bitcoincash".
        legacy: How the same chain's base58 addresses are read.
        testnet_prefixes: Known, to be named as what they are.
    """

    prefix: str
    legacy: Base58CheckRule
    testnet_prefixes: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `prefix`, `testnet_prefixes` and what the legacy rule takes.

        Raises:
            ChainsError: If one is missing or wrong.
        """
        return cls(
            prefix=table.text("prefix"),
            testnet_prefixes=table.texts("testnet_prefixes"),
            legacy=Base58CheckRule.from_table(table),
        )

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return kind and hash: CashAddr and base58 write the same two differently."""
        if text.startswith(self.legacy.beginnings) or _P2SH32.fullmatch(text):
            data = decoding.base58(text)[:-_BASE58_CHECKSUM]
            is_script = data[:1] not in self.legacy.versions[0]
            return f"{_SCRIPT_HASH if is_script else _KEY_HASH}:{data[1:].hex()}", None
        digits = text.lower().rpartition(":")[2][:-_CASHADDR_CHECKSUM]
        data = decoding.bech32(digits)
        return f"{data[0] >> 3 & 1}:{data[1:].hex()}", None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address as CashAddr without prefix, in lower case.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if text[:1] in self.legacy.beginnings:
            return self._from_legacy(text)
        if text not in (text.lower(), text.upper()):  # CashAddr has one case
            if _P2SH32.fullmatch(text):
                return self._from_p2sh32(text)
            if _BASE58.fullmatch(text):
                self.legacy.parse(text)  # refuses it: a test network's, or another chain's
        lower = primitives.one_case(text)
        prefix, colon, bare = lower.rpartition(":")
        if prefix in self.testnet_prefixes:
            raise testnet()
        if colon and prefix != self.prefix:
            raise AccountError("bad_address", f"the prefix of a CashAddr is {self.prefix}: or none")
        version, payload = primitives.cashaddr_decode(self.prefix, bare)
        kind, size = version >> 3, version & 7
        if kind > _LAST_KIND or _HASH_BYTES.get(len(payload)) != size:
            raise AccountError("bad_address", "is a CashAddr of a kind that is not in use")
        return self._shown(kind & 1, payload)

    def _from_p2sh32(self, text: str) -> ParsedAddress:
        data = primitives.base58check_decode(text)
        version, payload = data[:1], data[1:]
        if version in self.legacy.testnet_versions:
            raise testnet()
        if version not in self.legacy.versions[1] or _HASH_BYTES.get(len(payload)) is None:
            raise AccountError("bad_address", "is no address of a script of this chain")
        return self._shown(_SCRIPT_HASH, payload)

    def _from_legacy(self, text: str) -> ParsedAddress:
        canonical = primitives.base58check_decode(self.legacy.parse(text).canonical)
        is_script = canonical[:1] not in self.legacy.versions[0]
        return self._shown(_SCRIPT_HASH if is_script else _KEY_HASH, canonical[1:])

    def _shown(self, kind: int, payload: bytes) -> ParsedAddress:
        # Kinds 2 and 3 say that the wallet knows tokens; the funds are the same as under 0 and 1.
        version = kind << 3 | _HASH_BYTES[len(payload)]
        address = primitives.cashaddr_encode(self.prefix, version, payload)
        return ParsedAddress(address, address)

"""Bitcoin and its relatives: base58check with a chain's version bytes, and segwit where used."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding, primitives
from holdfast.protocol.chains.rules.base import ParsedAddress, Untagged
from holdfast.protocol.chains.toml_table import TomlTable

_HASH_BYTES = 20
_CHECKSUM_BYTES = 4
_MIN_CHARACTERS = 25
_MAX_CHARACTERS = 36
#: BIP-173: no segwit address is longer.
_MAX_SEGWIT_CHARACTERS = 90


@dataclass(frozen=True)
class Base58CheckRule(Untagged):
    """Version bytes, a 20-byte hash, a checksum; and bech32 under `hrp` where the chain has it.

    Attributes:
        versions: Per kind of address (key hash, script hash) its version bytes: the first is the
            canonical one, the others are older spellings of the same target.
        hrp: Human-readable part of segwit addresses; "" where there are none.
        testnet_versions, testnet_hrps: Known, to be named as what they are.
        unsupported: Beginnings of address kinds that exist and are refused, each with the reason.
    """

    versions: tuple[tuple[bytes, ...], ...]
    hrp: str = ""
    testnet_versions: tuple[bytes, ...] = ()
    testnet_hrps: tuple[str, ...] = ()
    unsupported: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `p2pkh`, `p2sh` (hex), `hrp`, `testnet_…` and `unsupported`.

        Raises:
            ChainsError: If `p2pkh` is missing, or version bytes differ in length or repeat.
        """
        kinds = (table.byte_strings("p2pkh"), table.byte_strings("p2sh"))
        rule = cls(
            versions=tuple(kind for kind in kinds if kind),
            hrp=table.text("hrp", ""),
            testnet_versions=table.byte_strings("testnet_versions"),
            testnet_hrps=table.texts("testnet_hrps"),
            unsupported=tuple(table.words("unsupported").items()),
        )
        known = [version for kind in kinds for version in kind] + list(rule.testnet_versions)
        if not kinds[0]:
            raise table.error("p2pkh must hold at least one version")
        if len({len(version) for version in known}) != 1 or len(set(known)) != len(known):
            raise table.error("version bytes must be of one length, each named once")
        return rule

    @cached_property
    def canonical_version(self) -> dict[bytes, bytes]:
        """Accepted version bytes, each with the one that is compared."""
        return {version: kind[0] for kind in self.versions for version in kind}

    @cached_property
    def beginnings(self) -> tuple[str, ...]:
        """What addresses of this chain begin with, e.g. ("1", "3", "bc1")."""
        found = {start for version in self.canonical_version for start in _beginnings(version)}
        return (*sorted(found), *((self.hrp + "1",) if self.hrp else ()))

    @cached_property
    def _decodable(self) -> tuple[str, ...]:
        """Beginnings worth decoding: a foreign text is refused without the cost of it."""
        return tuple(
            start
            for version in (*self.canonical_version, *self.testnet_versions)
            for start in _beginnings(version)
        )

    @cached_property
    def _has_older_spellings(self) -> bool:
        return any(len(kind) > 1 for kind in self.versions)

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return segwit in lower case, base58 as it is or, with older versions, kind and hash."""
        lower = text.lower()
        if self.hrp and lower.startswith(self.hrp + "1"):
            return lower, None
        if not self._has_older_spellings:
            return text, None
        data = decoding.base58(text)[:-_CHECKSUM_BYTES]
        version, payload = data[:-_HASH_BYTES], data[-_HASH_BYTES:]
        return f"{self.canonical_version.get(version, version).hex()}:{payload.hex()}", None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address; base58 as it is, segwit in lower case.

        Raises:
            AccountError: `bad_address`, `bad_checksum`, `testnet` or `unsupported`.
        """
        lower = text[:_MAX_SEGWIT_CHARACTERS].lower()
        if self.hrp and lower.startswith(self.hrp + "1"):
            return self._parse_segwit(text)
        if lower.startswith(tuple(hrp + "1" for hrp in self.testnet_hrps)):
            raise testnet()
        for start, reason in self.unsupported:
            if lower.startswith(start):
                raise AccountError("unsupported", reason)
        if not (
            _MIN_CHARACTERS <= len(text) <= _MAX_CHARACTERS and text.startswith(self._decodable)
        ):
            raise self._foreign()
        return self._parse_base58(text)

    def _parse_segwit(self, text: str) -> ParsedAddress:
        lower = primitives.one_case(text)
        if len(lower) > _MAX_SEGWIT_CHARACTERS:
            raise AccountError("bad_address", "is longer than any segwit address")
        primitives.segwit_decode(self.hrp, lower)
        return ParsedAddress(lower, lower)

    def _parse_base58(self, text: str) -> ParsedAddress:
        data = primitives.base58check_decode(text)
        version, payload = data[:-_HASH_BYTES], data[-_HASH_BYTES:]
        if version in self.testnet_versions:
            raise testnet()
        canonical = self.canonical_version.get(version)
        if canonical is None:
            raise self._foreign()
        if canonical != version:
            text = primitives.base58check_encode(canonical + payload)
        return ParsedAddress(text, text)

    def _foreign(self) -> AccountError:
        return AccountError(
            "bad_address", f"addresses of this chain begin with {' or '.join(self.beginnings)}"
        )


def testnet() -> AccountError:
    """Return the refusal of a test network's address, to be raised."""
    return AccountError(
        "testnet", "is an address of a test network: give the main network's address"
    )


def _beginnings(version: bytes) -> tuple[str, ...]:
    """Return what base58check texts of this version can begin with.

    The texts of one version are the numbers between all zeros and all ones behind it; where both
    ends have the same length they share their beginning or neighbour in the alphabet.
    """
    rest = _HASH_BYTES + _CHECKSUM_BYTES
    low = decoding.base58_text(version + bytes(rest))
    high = decoding.base58_text(version + b"\xff" * rest)
    if version.startswith(b"\x00"):  # a leading zero byte is written as one
        return (low[0],)
    first, last = primitives.BASE58.index(low[0]), primitives.BASE58.index(high[0])
    if len(low) != len(high):  # the longer ones start over at the digit after zero
        return (*primitives.BASE58[first:], *primitives.BASE58[1 : last + 1])
    same = next(i for i in range(len(low)) if low[i] != high[i])
    return (low[:same],) if same else tuple(primitives.BASE58[first : last + 1])

"""EVM chains: 20 bytes in hex, whose letter case may be a checksum (EIP-55)."""

import re
from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from holdfast.protocol.chains.rules.base import ParsedAddress, Untagged
from holdfast.protocol.chains.toml_table import TomlTable

_HEX40 = re.compile(r"0x[0-9a-fA-F]{40}")
#: Hex digit of the hash -> what it leaves of a letter: 8 and above clear bit 0x20 (lower case).
_CASE_MASK = bytes.maketrans(b"0123456789abcdef", b"\xff" * 8 + b"\xdf" * 8)
#: Digits have no case, so their bit 0x20 must survive.
_DIGIT_MASK = bytes.maketrans(b"0123456789abcdef", b"\xff" * 10 + b"\x00" * 6)


def eip55(lower: str) -> str:
    """Return 40 lower-case hex digits in the letter case of EIP-55.

    A list of thousands is checked while its sender waits, so the 40 cases are set by operations on
    whole integers and not one by one.
    """
    letters = lower.encode("ascii")
    digest = primitives.keccak256(letters).hex().encode("ascii")
    case = int.from_bytes(digest[:40].translate(_CASE_MASK))
    digits = int.from_bytes(letters.translate(_DIGIT_MASK))
    return (int.from_bytes(letters) & (case | digits)).to_bytes(40).decode("ascii")


@dataclass(frozen=True)
class EvmRule(Untagged):
    """`0x` and 40 hex digits; mixed case must satisfy EIP-55, one case is taken and remarked on."""

    @classmethod
    def from_table(cls, _table: TomlTable) -> Self:
        """Build the rule; it has no parameters."""
        return cls()

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return the address in lower case."""
        return text.lower(), None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address, compared in lower case and shown in EIP-55.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        if not _HEX40.fullmatch(text):
            raise AccountError(
                "bad_address", "an EVM address is 0x (small x) and 40 hexadecimal digits"
            )
        digits = text[2:]
        lower = digits.lower()
        proper = eip55(lower)
        if digits in (lower, lower.upper()):
            return ParsedAddress("0x" + lower, "0x" + proper, no_checksum=True)
        if digits != proper:
            raise AccountError(
                "bad_checksum",
                "the mix of upper and lower case does not satisfy EIP-55: a character is wrong; "
                "copy the address again",
            )
        return ParsedAddress("0x" + lower, text)

"""Aptos, Sui, Starknet: 32 bytes in hex, whose leading zeros people leave out.

Sources: Aptos' AIP-40 (long and short form, special addresses), Sui's address format, the Starknet
namespace's CAIP-10 profile (0x and 64 digits, letter case as a checksum) and Starknet's bound of
contract addresses. What is far too short is refused and not filled up: 40 digits are an EVM
address, and less is a copy that was cut.
"""

import re
from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from holdfast.protocol.chains.rules.base import ComparedAsParsed, ParsedAddress, Untagged
from holdfast.protocol.chains.rules.evm_case import cased, wrong_case
from holdfast.protocol.chains.toml_table import TomlTable

_HEX = re.compile(r"0x([0-9a-fA-F]{1,64})")
_DIGITS = 64
#: One random address in four thousand million has more than eight zeros in front.
_FEWEST_DIGITS = 56
#: Starknet's own Keccak drops the six highest bits.
_KECCAK_BITS = 250
_MOST_SHORT_DIGITS = 8


@dataclass(frozen=True)
class Hex32Rule(Untagged, ComparedAsParsed):
    """`0x` and up to 64 hex digits, compared with all 64 in lower case.

    Attributes:
        short_digits: Up to so many digits name a special account of the system (0x1, 0x2).
        bits: Every address is below two to this power, less 256 where it is not 256.
        cased: Whether mixed letter case is a checksum (Starknet).
    """

    short_digits: int = 0
    bits: int = 256
    cased: bool = False

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `short_digits`, `bits` and `cased`.

        Raises:
            ChainsError: If one is missing or wrong.
        """
        return cls(
            short_digits=table.number("short_digits", at_most=_MOST_SHORT_DIGITS),
            bits=table.number("bits", at_most=256),
            cased=table.flag("cased"),
        )

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address with all its zeros.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        match = _HEX.fullmatch(text)
        if match is None:
            raise AccountError(
                "bad_address", "an address of this chain is 0x (small x) and 64 hexadecimal digits"
            )
        digits = match[1]
        if self.short_digits < len(digits.lstrip("0")) and len(digits) < _FEWEST_DIGITS:
            raise AccountError(
                "bad_address",
                f"has {len(digits)} hexadecimal digits where an address of this chain has 64 "
                "(some fewer where zeros in front were left out): copy it again",
            )
        lower = digits.lower().zfill(_DIGITS)
        if self.bits < 256 and int(lower, 16) >= 2**self.bits - 256:  # noqa: PLR2004
            raise AccountError("bad_address", "is a larger number than any address of this chain")
        one_case = digits in (digits.lower(), digits.upper())
        if (
            verify
            and self.cased
            and not one_case
            and digits.zfill(_DIGITS) != _starknet_case(lower)
        ):
            raise wrong_case("Starknet's checksum")
        shown = _starknet_case(lower) if verify and self.cased else lower
        return ParsedAddress(
            "0x" + lower, "0x" + shown, no_checksum=self.cased and one_case, common=True
        )


def _starknet_case(lower: str) -> str:
    """Return 64 digits in the letter case that Starknet's tools write.

    The hash is over the number's bytes, without zeros in front, and is itself cut to 250 bits.
    """
    number = bytes.fromhex(lower).lstrip(b"\x00")
    digest = int.from_bytes(primitives.keccak256(number))
    return cased(lower, (digest % 2**_KECCAK_BITS).to_bytes(32))

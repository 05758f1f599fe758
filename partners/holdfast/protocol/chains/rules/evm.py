"""EVM chains: 20 bytes in hex, whose letter case may be a checksum (EIP-55, EIP-1191).

Some chains have one more spelling of the same 20 bytes: another prefix instead of 0x (XDC's xdc…,
Ronin's ronin:…), or bech32 (Harmony's one1…).
"""

from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, ParsedAddress, Untagged
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.evm_case import HEX40, eip55, wrong_case
from holdfast.protocol.chains.toml_table import TomlTable

_BYTES = 20


@dataclass(frozen=True)
class EvmRule(Untagged, ComparedAsParsed):
    """`0x` and 40 hex digits; mixed case must satisfy EIP-55, one case is taken and remarked on.

    Attributes:
        prefixes: What may stand instead of 0x.
        hrp: Human-readable part where bech32 writes the same 20 bytes; "" where it does not.
        testnet_hrps: Those of the chain's test networks.
        case_prefix: What EIP-1191 puts in front of the digits ("300x" on chain 30): mixed case may
            satisfy that rule or EIP-55, and is shown by it; "" where EIP-55 alone holds.
    """

    prefixes: tuple[str, ...] = ()
    hrp: str = ""
    testnet_hrps: tuple[str, ...] = ()
    case_prefix: str = ""

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `prefixes`, `hrp`, `testnet_hrps` and `case_prefix`, if any.

        Raises:
            ChainsError: If one is wrong.
        """
        return cls(
            prefixes=table.texts("prefixes"),
            hrp=table.text("hrp", ""),
            testnet_hrps=table.texts("testnet_hrps"),
            case_prefix=table.text("case_prefix", ""),
        )

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address, compared in lower case and shown in the chain's own letter case.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if self.hrp and text[:1].isalpha():
            return self._parse_bech32(text, verify=verify)
        for prefix in self.prefixes:
            if text.startswith(prefix):
                text = "0x" + text[len(prefix) :]
        if not HEX40.fullmatch(text):
            raise AccountError(
                "bad_address", "an EVM address is 0x (small x) and 40 hexadecimal digits"
            )
        digits = text[2:]
        one_case = digits in (digits.lower(), digits.upper())
        if not verify:
            return ParsedAddress(text.lower(), text, no_checksum=one_case)
        return self._cased(digits, one_case=one_case)

    def _cased(self, digits: str, *, one_case: bool) -> ParsedAddress:
        lower = digits.lower()
        proper = eip55(lower, self.case_prefix)
        if one_case or digits == proper:
            return ParsedAddress("0x" + lower, "0x" + proper, no_checksum=one_case)
        if not self.case_prefix:
            raise wrong_case()
        return ParsedAddress(
            "0x" + lower, "0x" + proper, no_checksum=_is_unsure(digits, lower, proper)
        )

    def _parse_bech32(self, text: str, *, verify: bool) -> ParsedAddress:
        lower = encodings.bech32_case(text)
        if lower.startswith(tuple(hrp + "1" for hrp in self.testnet_hrps)):
            raise testnet()
        if not lower.startswith(self.hrp + "1"):
            raise AccountError(
                "bad_address", f"addresses of this chain begin with 0x or {self.hrp}1"
            )
        data = encodings.bech32_bytes(self.hrp, lower, verify=verify)
        if len(data) != _BYTES:
            raise AccountError(
                "bad_address", "does not hold 20 bytes: characters are missing or in excess"
            )
        shown = eip55(data.hex(), self.case_prefix) if verify else data.hex()
        return ParsedAddress("0x" + data.hex(), "0x" + shown)


def _is_unsure(digits: str, lower: str, proper: str) -> bool:
    """Tell whether mixed case satisfies neither EIP-1191 nor EIP-55, by one letter only.

    Where two rules of case are in use, lists hold such: written by one and mended to the other. A
    wrong digit changes the case of half of all letters, so the digits themselves are not in doubt.

    Raises:
        AccountError: `bad_checksum` if it is more than one letter.
    """
    if digits == eip55(lower):
        return False
    if sum(given != right for given, right in zip(digits, proper, strict=True)) > 1:
        raise wrong_case("EIP-1191 or EIP-55")
    return True

"""Chains whose accounts are bech32 with a prefix of their own: Cosmos SDK chains and their like.

Source: BIP-173; the Cosmos SDK's own address formats (20 bytes for a key, 32 for a module or a
contract). On chains that run an EVM inside the same accounts, 0x… and bech32 write the same 20
bytes, so the two are one target (`hex`).
"""

from dataclasses import dataclass
from typing import Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.evm_case import read_hex40
from holdfast.protocol.chains.rules.memo import Memoed
from holdfast.protocol.chains.toml_table import TomlTable

_SIZES = (20, 32)
#: What follows the prefix where the text names no account that holds funds, each with its reason.
_NO_ACCOUNTS = {
    "valoper1": "names a validator, not an account",
    "valcons1": "names a validator's consensus key, not an account",
    "pub1": "is a public key, not an address",
}


@dataclass(frozen=True)
class Bech32Rule(Memoed, ComparedAsParsed):
    """`hrp`, a 1, and 20 or 32 bytes in bech32 (never bech32m); compared in lower case.

    Attributes:
        hrp: Human-readable part, e.g. "osmo".
        testnet_hrps: Those of its test networks, to be named as what they are.
        hex: Whether 0x and 40 hex digits are the same account in another spelling.
    """

    hrp: str
    testnet_hrps: tuple[str, ...] = ()
    hex: bool = False

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Build the rule from `hrp`, `testnet_hrps` and `hex`.

        Raises:
            ChainsError: If one is missing or wrong.
        """
        return cls(
            hrp=table.text("hrp"), testnet_hrps=table.texts("testnet_hrps"), hex=table.flag("hex")
        )

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address in lower case.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if self.hex and text.startswith("0x"):
            data, no_checksum = read_hex40(text, verify=verify)
            address = encodings.bech32_text(self.hrp, data)
            return ParsedAddress(address, address, no_checksum=no_checksum, common=True)
        lower = encodings.bech32_case(text)
        if lower.startswith(tuple(hrp + "1" for hrp in self.testnet_hrps)):
            raise testnet()
        for kind, reason in _NO_ACCOUNTS.items():
            if lower.startswith(self.hrp + kind):
                raise AccountError("bad_address", f"{reason}: give the address, {self.hrp}1…")
        if not lower.startswith(self.hrp + "1"):
            other = " or 0x" if self.hex else ""
            raise AccountError(
                "bad_address", f"addresses of this chain begin with {self.hrp}1{other}"
            )
        if len(encodings.bech32_bytes(self.hrp, lower, verify=verify)) not in _SIZES:
            raise AccountError(
                "bad_address", "holds neither 20 nor 32 bytes: characters are missing or in excess"
            )
        return ParsedAddress(lower, lower)

"""Hedera: numbered accounts with an optional checksum, or an EVM alias.

Sources: the Hedera namespace's CAIP-10 profile, HIP-15 (checksum), HIP-583 (aliases). 0x and twelve
zero bytes write the account's number; any other 0x… is an alias of its own, for which number it
stands only the chain knows.
"""

import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.evm_case import read_hex40
from holdfast.protocol.chains.rules.memo import Memoed

_NUMBERED = re.compile(
    r"((?:0|[1-9][0-9]{0,18})\.(?:0|[1-9][0-9]{0,18})\.(?:0|[1-9][0-9]{0,18}))(?:-([a-z]{5}))?",
    re.ASCII,
)
_MAX_NUMBER = 2**63 - 1
_MAINNET, _TEST_NETWORKS = 0, (1, 2)
_ZEROS = bytes(12)
_DOT = 10


@dataclass(frozen=True)
class HederaRule(Memoed, ComparedAsParsed, Parameterless):
    """0.0.123 with or without -vfmkw, compared without; 0x… in lower case where it is an alias."""

    max_memo_bytes = 100

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the three numbers, or the alias.

        Raises:
            AccountError: `bad_address`, `bad_checksum`, or `testnet` where the checksum is one's.
        """
        if text.startswith("0x"):
            data, no_checksum = read_hex40(text, verify=verify)
            address = "0x" + data.hex()
            if data.startswith(_ZEROS):
                address = f"0.0.{int.from_bytes(data)}"
            return ParsedAddress(address, address, no_checksum=no_checksum, common=True)
        match = _NUMBERED.fullmatch(text)
        if match is None or any(int(number) > _MAX_NUMBER for number in match[1].split(".")):
            raise AccountError(
                "bad_address",
                "a Hedera account is three numbers with dots (0.0.123), if you like with its "
                "checksum (0.0.123-vfmkw), or 0x and 40 hexadecimal digits",
            )
        address, checksum = match[1], match[2]
        if checksum and verify and checksum != hip15(address, _MAINNET):
            if checksum in {hip15(address, ledger) for ledger in _TEST_NETWORKS}:
                raise testnet()
            raise encodings.wrong_checksum()
        return ParsedAddress(address, address, no_checksum=not checksum)


def hip15(address: str, ledger: int) -> str:
    """Return the five letters of HIP-15 for an account on a ledger (0: main network)."""
    digits = [_DOT if character == "." else int(character) for character in address]
    weighted = ledger_sum = 0
    for digit in digits:
        weighted = (weighted * 31 + digit) % 26**3
    for byte in (ledger, *bytes(6)):
        ledger_sum = (ledger_sum * 31 + byte) % 26**5
    evens, odds = sum(digits[::2]) % 11, sum(digits[1::2]) % 11
    mixed = ((len(address) % 5 * 11 + evens) * 11 + odds) * 26**3 + weighted + ledger_sum
    number, letters = mixed * 1_000_003 % 26**5, ""
    for _ in range(5):
        number, letter = divmod(number, 26)
        letters = chr(ord("a") + letter) + letters
    return letters

"""NEAR: named accounts, and accounts named after a key.

Source: the NEAR protocol specification (account ids: 2 to 64 characters; top-level names of up to
31 characters are the registrar's; implicit accounts are 64 hex digits or 0x and 40).
"""

import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.evm_case import read_hex40
from holdfast.protocol.chains.rules.memo import Memoed

_PART = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_IMPLICIT = re.compile(r"[0-9a-f]{64}|0s[0-9a-f]{40}", re.ASCII)
_SHORTEST, _LONGEST, _LONGEST_TOP_LEVEL = 2, 64, 31
_MAINNET_ENDS = (".near", ".tg")
_TESTNET = "testnet"


@dataclass(frozen=True)
class NearRule(Memoed, ComparedAsParsed, Parameterless):
    """alice.near, 64 hex digits, 0x and 40 hex digits; names have no checksum at all."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the account id as it is; 0x… in lower case.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        if text.startswith("0x"):
            data, no_checksum = read_hex40(text, verify=verify)
            address = "0x" + data.hex()
            return ParsedAddress(address, address, no_checksum=no_checksum, common=True)
        if _IMPLICIT.fullmatch(text):
            return ParsedAddress(text, text, common=True)
        if text != text.lower():
            raise AccountError("bad_address", "NEAR accounts have small letters only")
        if text == _TESTNET or text.endswith("." + _TESTNET):
            raise testnet()
        parts = text.split(".")
        if not _SHORTEST <= len(text) <= _LONGEST or not all(map(_PART.fullmatch, parts)):
            raise _not_an_account()
        if len(parts) == 1 and len(text) > _LONGEST_TOP_LEVEL:
            raise _not_an_account()
        return ParsedAddress(text, text, common=not text.endswith(_MAINNET_ENDS))


def _not_an_account() -> AccountError:
    return AccountError(
        "bad_address",
        "a NEAR account is a name (alice.near, at most 64 characters), 64 hexadecimal digits, or "
        "0x and 40",
    )

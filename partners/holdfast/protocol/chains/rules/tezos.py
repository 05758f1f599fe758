"""Tezos: base58check whose prefix says which kind of key, or that it is a contract.

Source: the Tezos namespace's CAIP-10 profile and Octez' table of base58check prefixes.
"""

from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import (
    ComparedAsParsed,
    Parameterless,
    ParsedAddress,
    Untagged,
)

_PREFIXES = {
    "tz1": b"\x06\xa1\x9f",
    "tz2": b"\x06\xa1\xa1",
    "tz3": b"\x06\xa1\xa4",
    "tz4": b"\x06\xa1\xa6",
    "KT1": b"\x02\x5a\x79",
    "sr1": b"\x06\x7c\x75",
}
_CHARACTERS, _BYTES = 36, 23


@dataclass(frozen=True)
class TezosRule(Untagged, ComparedAsParsed, Parameterless):
    """tz1 to tz4 (keys), KT1 (contracts), sr1 (rollups)."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address as it is.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        prefix = _PREFIXES.get(text[:3])
        if prefix is None or len(text) != _CHARACTERS:
            raise AccountError(
                "bad_address",
                "a Tezos address has 36 characters and begins with tz1, tz2, tz3, tz4 or KT1",
            )
        data = encodings.base58check_bytes(text, verify=verify)
        if len(data) != _BYTES or data[:3] != prefix:
            raise encodings.wrong_checksum()
        return ParsedAddress(text, text)

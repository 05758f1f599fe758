"""Algorand: a key of 32 bytes and four bytes of its SHA-512/256, in base32.

Source: the Algorand namespace's CAIP-10 profile; contracts and logic signatures look the same.
"""

import hashlib
import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.memo import Memoed

_ADDRESS = re.compile(r"[A-Z2-7]{58}")
_KEY_BYTES = 32


@dataclass(frozen=True)
class AlgorandRule(Memoed, ComparedAsParsed, Parameterless):
    """58 capitals and digits; a note may stand beside the address as its tag."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address as it is.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        if not _ADDRESS.fullmatch(text):
            raise AccountError(
                "bad_address", "an Algorand address is 58 capital letters and digits from 2 to 7"
            )
        data = encodings.base32_bytes(text)
        key, checksum = data[:_KEY_BYTES], data[_KEY_BYTES:]
        if verify and hashlib.new("sha512_256", key).digest()[-len(checksum) :] != checksum:
            raise encodings.wrong_checksum()
        return ParsedAddress(text, text)

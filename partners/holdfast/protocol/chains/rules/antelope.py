"""EOS and its kin (Antelope): accounts have names, and exchanges tell customers apart by memos.

Source: the EOSIO namespace's CAIP-10 profile and the protocol's names (12 characters; shorter ones
and those with a dot are the system's or were auctioned). A name has no checksum.
"""

import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.memo import Memoed

_NAME = re.compile(r"[a-z1-5](?:[a-z1-5.]{0,10}[a-z1-5])?", re.ASCII)
_KEYS = ("EOS", "PUB_")


@dataclass(frozen=True)
class AntelopeRule(Memoed, ComparedAsParsed, Parameterless):
    """At most twelve of a to z, 1 to 5 and the dot."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:  # noqa: ARG002  # no checksum
        """Return the name as it is.

        Raises:
            AccountError: `bad_address`.
        """
        if text.startswith(_KEYS):
            raise AccountError("bad_address", "is a public key: give the account's name")
        if not _NAME.fullmatch(text):
            raise AccountError(
                "bad_address",
                "an account's name has at most 12 characters: small letters, 1 to 5, and dots "
                "inside",
            )
        return ParsedAddress(text, text, common=True)

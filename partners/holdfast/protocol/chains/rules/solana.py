"""Solana: 32 bytes in base58, without a checksum; off-curve keys are legal (token accounts)."""

from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from holdfast.protocol.chains.rules.base import Parameterless, ParsedAddress, Untagged

_KEY_BYTES = 32
_MIN_CHARACTERS, _MAX_CHARACTERS = 32, 44


@dataclass(frozen=True)
class SolanaRule(Untagged, Parameterless):
    """Any 32 bytes."""

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return the address: it has one spelling."""
        return text, None

    def parse(self, text: str) -> ParsedAddress:
        """Return the address as it is: base58 has one spelling for 32 bytes.

        Raises:
            AccountError: `bad_address`.
        """
        if not _MIN_CHARACTERS <= len(text) <= _MAX_CHARACTERS:
            raise _not_an_address()
        if len(primitives.base58_decode(text)) != _KEY_BYTES:
            raise _not_an_address()
        # Such a text without capitals is no key but another chain's address with a typing error.
        return ParsedAddress(text, text, common=text in (text.lower(), text.upper()))


def _not_an_address() -> AccountError:
    return AccountError(
        "bad_address", "a Solana address is 32 bytes in base58, 32 to 44 characters"
    )

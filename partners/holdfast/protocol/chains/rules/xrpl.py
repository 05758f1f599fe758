"""XRP Ledger: base58check in its own alphabet; the destination tag is part of who is meant.

Sources: XLS-5d for X-addresses, which hold the classic account and its tag in one text; the XRPL
namespace's CAIP-10 profile (r…-495); ?dt=495 is how wallets write a tag into links.
"""

import re
from dataclasses import dataclass, replace

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import decoding, primitives
from holdfast.protocol.chains.rules.base import Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet

_ACCOUNT_BYTES = 20
_CLASSIC_VERSION = b"\x00"
_X_VERSION, _T_VERSION = b"\x05\x44", b"\x04\x93"
_X_BYTES = len(_X_VERSION) + _ACCOUNT_BYTES + 1 + 8
_NO_TAG, _TAG_32 = 0, 1
_TAG = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_MAX_TAG = 2**32 - 1
_MAX_CHARACTERS = 60
_TAGGED = re.compile(r"(r[0-9A-Za-z]{24,34})(?:-|\?(?:dt|tag)=)([^-?=]*)", re.ASCII)


@dataclass(frozen=True)
class XrplRule(Parameterless):
    """Classic addresses (r…) and X-addresses, which become classic address and tag.

    A tag may stand behind a classic address: r…-495, r…?dt=495.
    """

    @property
    def tag_identifies(self) -> bool:
        """Return True: without the tag, the account is the whole exchange's."""
        return True

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return the account's 20 bytes, and the tag of an X-address or behind a classic one."""
        tagged = _TAGGED.fullmatch(text)
        if tagged:
            text = tagged[1]
        data = decoding.base58(text, decoding.RIPPLE)
        if text[0] == "r":
            return data[1 : 1 + _ACCOUNT_BYTES].hex(), tagged[2] if tagged else None
        account, flag = data[2 : 2 + _ACCOUNT_BYTES], data[2 + _ACCOUNT_BYTES]
        tag = int.from_bytes(data[3 + _ACCOUNT_BYTES : 7 + _ACCOUNT_BYTES], "little")
        return account.hex(), str(tag) if flag else None

    def parse(self, text: str) -> ParsedAddress:
        """Return the classic address, with the tag of an X-address or behind a classic one.

        Raises:
            AccountError: `bad_address`, `bad_checksum`, `testnet`, or `bad_tag` for what stands
                behind a classic address.
        """
        tagged = _TAGGED.fullmatch(text)
        if tagged:
            found = self.parse(tagged[1])
            return replace(found, tag=self.parse_tag(tagged[2], found))
        if len(text) > _MAX_CHARACTERS or text[:1] not in ("r", "X", "T"):
            raise _not_an_address()
        data = primitives.base58check_decode(text, ripple=True)
        if text[0] == "r":
            if data[:1] != _CLASSIC_VERSION or len(data) != 1 + _ACCOUNT_BYTES:
                raise _not_an_address()
            return ParsedAddress(text, text)
        if data[:2] == _T_VERSION:
            raise testnet()
        if data[:2] != _X_VERSION or len(data) != _X_BYTES:
            raise _not_an_address()
        return _split(data)

    def parse_tag(self, tag: str, _address: ParsedAddress) -> str:
        """Return a destination tag: a decimal number below 2^32 without leading zeros.

        Raises:
            AccountError: `bad_tag` if it is none.
        """
        if not _TAG.fullmatch(tag) or int(tag) > _MAX_TAG:
            raise AccountError(
                "bad_tag", "an XRP destination tag is a whole number from 0 to 4294967295"
            )
        return tag


def _split(data: bytes) -> ParsedAddress:
    account = data[2 : 2 + _ACCOUNT_BYTES]
    flag, number = data[2 + _ACCOUNT_BYTES], int.from_bytes(data[3 + _ACCOUNT_BYTES :], "little")
    if flag > _TAG_32 or number > _MAX_TAG or (flag == _NO_TAG and number):
        raise AccountError("bad_address", "is an X-address with a tag of a kind that is not in use")
    classic = primitives.base58check_encode(_CLASSIC_VERSION + account, ripple=True)
    return ParsedAddress(classic, classic, tag=str(number) if flag == _TAG_32 else None)


def _not_an_address() -> AccountError:
    return AccountError("bad_address", "an XRP address begins with r, an X-address with X")

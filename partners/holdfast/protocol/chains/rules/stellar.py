"""Stellar: strkeys; a muxed account is a classic one and a number, which is the tag.

Source: SEP-23 (strkeys and muxed accounts), and the Stellar namespace's CAIP-10 profile (memo
behind a hyphen, any letter case).
"""

import binascii
import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.memo import check_memo

_ACCOUNT, _MUXED, _CONTRACT = 6 << 3, 12 << 3, 2 << 3
_CHARACTERS = {"G": 56, "M": 69, "C": 56}
_KEY_BYTES = 32
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MEMO_BYTES = 28


@dataclass(frozen=True)
class StellarRule(ComparedAsParsed, Parameterless):
    """G… and C…; M… becomes its G… with the number as tag, G…-memo its G… with the memo as tag."""

    @property
    def tag_identifies(self) -> bool:
        """Return True: without the memo, the account is the whole exchange's."""
        return True

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the account in upper case, with the tag that the text holds.

        Raises:
            AccountError: `bad_address`, `bad_checksum`, or `bad_tag` for what stands behind G…-.
        """
        strkey, hyphen, memo = text.partition("-")
        if not strkey.isascii() or strkey not in (strkey.upper(), strkey.lower()):
            raise _not_an_address()
        strkey = strkey.upper()
        kind = strkey[:1]
        if kind == "S" and len(strkey) == _CHARACTERS["G"]:
            raise AccountError(
                "bad_address",
                "has the form of a secret key, which nobody may see: give the address, G…",
            )
        if len(strkey) != _CHARACTERS.get(kind):
            raise _not_an_address()
        data = encodings.base32_bytes(strkey)
        body, checksum = data[:-2], data[-2:]
        if verify and binascii.crc_hqx(body, 0).to_bytes(2, "little") != checksum:
            raise encodings.wrong_checksum()
        if body[0] not in (_ACCOUNT, _MUXED, _CONTRACT):
            raise _not_an_address()
        if body[0] == _MUXED:
            if hyphen:
                raise AccountError("bad_tag", "a muxed account (M…) holds its number: no memo")
            return _unmuxed(body[1:])
        tag = check_stellar_memo(memo) if hyphen else None
        return ParsedAddress(strkey, strkey, tag=tag)

    def parse_tag(self, tag: str, _address: ParsedAddress) -> str:
        """Return a memo: a text of at most 28 bytes, or a hash in lower case.

        Raises:
            AccountError: `bad_tag` if it is neither.
        """
        return check_stellar_memo(tag)


def check_stellar_memo(memo: str) -> str:
    """Return a memo's one spelling; a number is written as it is.

    Raises:
        AccountError: `bad_tag`.
    """
    if _HASH.fullmatch(memo):
        return memo.lower()
    return check_memo(memo, max_bytes=_MEMO_BYTES)


def _unmuxed(body: bytes) -> ParsedAddress:
    account = bytes([_ACCOUNT]) + body[:_KEY_BYTES]
    checksum = binascii.crc_hqx(account, 0).to_bytes(2, "little")
    address = encodings.base32_text(account + checksum)
    return ParsedAddress(address, address, tag=str(int.from_bytes(body[_KEY_BYTES:])))


def _not_an_address() -> AccountError:
    return AccountError(
        "bad_address",
        "a Stellar account is G and 55 more characters, a muxed one M and 68, a contract C and 55; "
        "look up what a federated name (name*domain) stands for",
    )

"""Memos: what exchanges tell their customers apart by on chains where one account serves all."""

import unicodedata

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules.base import ParsedAddress


def check_memo(memo: str, *, max_bytes: int) -> str:
    """Return a memo as it is: case, zeros in front and inner spaces are the exchange's.

    Args:
        memo: As the sender wrote it.
        max_bytes: What the chain takes, in UTF-8.

    Raises:
        AccountError: `bad_tag` if it is empty, too long, or holds what nobody sees.
    """
    if not memo or memo != memo.strip():
        raise AccountError("bad_tag", "a memo is a text without spaces in front or behind")
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in memo):
        raise AccountError("bad_tag", "the memo holds a character that cannot be seen: type it")
    if len(memo.encode()) > max_bytes:
        raise AccountError("bad_tag", f"a memo on this chain has at most {max_bytes} bytes")
    return memo


class Memoed:
    """The part of a rule that says: a memo may stand beside the address, and need not.

    Many who hold an account of such a chain hold it alone, so an address without a memo is no
    reason for a warning; an exchange asked about its own account sees that itself.
    """

    __slots__ = ()

    #: What the chain takes, in UTF-8 bytes.
    max_memo_bytes = 256

    @property
    def tag_identifies(self) -> bool:
        """Return False: the address alone is a target."""
        return False

    def parse_tag(self, tag: str, _address: ParsedAddress) -> str:
        """Return the memo as it is.

        Raises:
            AccountError: `bad_tag` if the chain takes no such memo.
        """
        return check_memo(tag, max_bytes=self.max_memo_bytes)

"""base64url without padding, in its one canonical form (RFC 4648 section 5, RFC 7515)."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from holdfast.protocol.errors import Base64UrlError

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
#: Which last characters leave no stray bits, by length modulo 4: a second text for the same bytes
#: would let a token be altered without its signature failing.
_LAST = {0: None, 2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


def encode(data: bytes) -> str:
    """Return `data` as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes that `text` stands for.

    Raises:
        Base64UrlError: If `text` holds padding, white space or any character outside the alphabet,
            has an impossible length, or is not the canonical text of its bytes.
    """
    if not _ALPHABET.fullmatch(text):
        raise Base64UrlError("holds a character outside A-Z a-z 0-9 - _ (padding is not used)")
    remainder = len(text) % 4
    if remainder not in _LAST:
        raise Base64UrlError("has a length that no bytes encode to")
    last = _LAST[remainder]
    if last is not None and text[-1] not in last:
        raise Base64UrlError("is not canonical: its last character carries stray bits")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

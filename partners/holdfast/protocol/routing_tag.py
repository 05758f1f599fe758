"""Routing tags: what tells a partner, and nobody else, that an entry of the log is for it.

An entry has one tag for each partner that was told, among random values: the first 16 bytes of
HMAC-SHA-256(k, "holdfast/tag/1" ‖ leaf id), where `k` is that partner's tag key of 32 bytes.
Whoever has `k` finds what was logged for it and never delivered. That nothing was left out of the
log, or tagged under another key, no tag can show: the requester's receipt does.
"""

import hmac
import os
from hashlib import sha256

from holdfast.protocol.errors import LogEntryError
from holdfast.protocol.log_entry import LEAF_ID_BYTES, TAG_BYTES

TAG_KEY_BYTES = 32
_PREFIX = b"holdfast/tag/1"


def new_tag_key() -> bytes:
    """Return a fresh tag key, 32 random bytes."""
    return os.urandom(TAG_KEY_BYTES)


def routing_tag(key: bytes, leaf_id: bytes) -> bytes:
    """Return the 16 bytes that stand in the entry `leaf_id` for the partner that has `key`.

    Args:
        key: The partner's tag key, 32 bytes.
        leaf_id: Of the entry, 16 bytes.

    Raises:
        LogEntryError: If either has another length.
    """
    if len(key) != TAG_KEY_BYTES or len(leaf_id) != LEAF_ID_BYTES:
        raise LogEntryError("a tag key is 32 bytes and a leaf id 16")
    return hmac.digest(key, _PREFIX + leaf_id, sha256)[:TAG_BYTES]

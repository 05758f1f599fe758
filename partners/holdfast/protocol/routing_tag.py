"""Routing tags: what tells a partner, and nobody else, that an entry of the log is for it.

An entry has one tag for each partner that was told, among random values: the first 16 bytes of
HMAC-SHA-256(k, "holdfast/tag/1" ‖ leaf id), where `k` is that partner's tag key of 32 bytes. What
every member was told has one tag for all, whose key is no secret.
Whoever has `k` finds what was logged for it and never delivered. That nothing was left out of the
log, or tagged under another key, no tag can show: the requester's receipt does.
"""

import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from holdfast.protocol.errors import LogEntryError
from holdfast.protocol.log_entry import LEAF_ID_BYTES, TAG_BYTES, LogEntry

TAG_KEY_BYTES = 32
#: Of what every member was told, SHA-256("holdfast/tag/everybody/1"): anybody may know that.
EVERYBODY_TAG_KEY = sha256(b"holdfast/tag/everybody/1").digest()
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


@dataclass(frozen=True, slots=True)
class TagKey:
    """A tag key of a partner, and from which entry on its tags are made with it.

    Attributes:
        key: 32 bytes.
        first_leaf: Index of the first entry that it holds for; None: it was sent, and the answer
            that says so never came.
    """

    key: bytes = field(repr=False)
    first_leaf: int | None


def is_for(keys: Sequence[TagKey], index: int, entry: LogEntry) -> bool:
    """Tell whether an entry of the log says that the partner with these keys was told.

    What every member was told is for each of them. A key that was sent and never answered for is
    tried beside those that hold.

    Args:
        keys: All tag keys of the partner, in any order.
        index: Of the entry in the log.
        entry: As the log has it.

    Raises:
        LogEntryError: If a key is not 32 bytes.
    """
    holding = [key for key in keys if key.first_leaf is not None and key.first_leaf <= index]
    holding.sort(key=lambda key: key.first_leaf or 0)
    good = [*holding[-1:], *(key for key in keys if key.first_leaf is None)]
    tags = set(entry.tags)
    return any(
        routing_tag(key, entry.leaf_id) in tags
        for key in (EVERYBODY_TAG_KEY, *(each.key for each in good))
    )


def entries_for(
    keys: Sequence[TagKey], entries: Iterable[tuple[int, LogEntry]]
) -> Iterator[tuple[int, LogEntry]]:
    """Yield those entries of a range of the log that are for the partner with these keys.

    Args:
        keys: All tag keys of the partner, in any order.
        entries: Each with its index.

    Raises:
        LogEntryError: If a key is not 32 bytes.
    """
    return ((index, entry) for index, entry in entries if is_for(keys, index, entry))

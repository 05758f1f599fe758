"""Leaves: each change of state is committed to without being told.

A leaf is `leaf_id` (16 random bytes), type, time, a commitment and routing tags. Whoever receives
the body and the salt can recompute the commitment; whoever does not learns nothing from it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.protocol.commitment import commitment
from holdfast.protocol.log_entry import (
    COMMITMENT_BYTES,
    LEAF_ID_BYTES,
    TAG_BYTES,
    TAG_COUNTS,
    LogEntry,
    unpack_tags,
)
from holdfast.protocol.routing_tag import routing_tag

#: The type of leaves that only fill a gap; see `skipping_leaf`.
SKIPPED = "log.skipped"
_SALT_INFO = b"holdfast/salt/1\0"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log, before it has an index.

    Attributes:
        tags: Routing tags, one behind the other.
    """

    leaf_id: bytes
    type: str
    at: datetime
    salt: bytes
    commitment: bytes
    tags: bytes

    def encoded(self) -> bytes:
        """Return the bytes that stand in the log."""
        tags = unpack_tags(self.tags)
        return LogEntry(self.leaf_id, self.type, self.at, self.commitment, tags).encode()

    def tagged_with(self, keys: Sequence[bytes | None]) -> "Leaf":
        """Return the same leaf with other tags; see `make_leaf`."""
        return replace(self, tags=_routing_tags(self.leaf_id, keys))


def salt_for(secret: bytes, leaf_id: bytes) -> bytes:
    """Return the leaf's 32-byte salt, derived from its data key (HKDF-SHA-256, RFC 5869).

    Throwing the data key away makes the commitment say nothing for ever.
    """
    return HKDF(SHA256(), 32, salt=None, info=_SALT_INFO + leaf_id).derive(secret)


def make_leaf(
    event_type: str,
    at: datetime,
    body: bytes,
    secret: bytes,
    tag_keys: Sequence[bytes | None] = (),
) -> Leaf:
    """Return a new leaf for `body`, the canonical JSON (RFC 8785) of what happened.

    Args:
        event_type: As it stands in the log.
        at: When.
        body: What is committed to.
        secret: The data key that salts the commitment.
        tag_keys: Of the partners that are told; None for one that has none.
    """
    leaf_id = os.urandom(LEAF_ID_BYTES)
    salt = salt_for(secret, leaf_id)
    tags = _routing_tags(leaf_id, tag_keys)
    return Leaf(leaf_id, event_type, at, salt, commitment(salt, body), tags)


def skipping_leaf(at: datetime) -> Leaf:
    """Return a leaf about nothing, which brings the tree past a size that is spent.

    The signer signed a tree of that size, and the transaction that asked for it was rolled back
    afterwards. No other tree of that size may ever be signed.
    """
    leaf_id = os.urandom(LEAF_ID_BYTES)
    return Leaf(
        leaf_id=leaf_id,
        type=SKIPPED,
        at=at,
        salt=b"",
        commitment=os.urandom(COMMITMENT_BYTES),
        tags=_routing_tags(leaf_id, ()),
    )


def _routing_tags(leaf_id: bytes, keys: Sequence[bytes | None]) -> bytes:
    """Return a tag for each key among as many random ones as fill the list up.

    Sorted, which hides as much as shuffling would: both kinds are even over all values. A partner
    without a key is counted like one with a key, so that nobody sees who has one. Beyond the
    longest list that there is, partners have none.
    """
    count = next((size for size in TAG_COUNTS if size >= len(keys)), TAG_COUNTS[-1])
    tags = [routing_tag(key, leaf_id) for key in keys if key is not None][:count]
    filling = os.urandom(TAG_BYTES * (count - len(tags)))
    return b"".join(sorted((*tags, *unpack_tags(filling))))

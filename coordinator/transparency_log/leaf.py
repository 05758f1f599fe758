"""Leaves: each change of state is committed to without being told.

A leaf is `leaf_id` (16 random bytes), type, time and a commitment. Whoever receives the body and
the salt can recompute the commitment; whoever does not learns nothing from it.
"""

import os
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.protocol.commitment import commitment

_SALT_INFO = b"holdfast/salt/1\0"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log, before it has an index."""

    leaf_id: bytes
    type: str
    at: datetime
    salt: bytes
    commitment: bytes


def salt_for(secret: bytes, leaf_id: bytes) -> bytes:
    """Return the leaf's 32-byte salt, derived from its data key (HKDF-SHA-256, RFC 5869).

    Throwing the data key away makes the commitment say nothing for ever.
    """
    return HKDF(SHA256(), 32, salt=None, info=_SALT_INFO + leaf_id).derive(secret)


def make_leaf(event_type: str, at: datetime, body: bytes, secret: bytes) -> Leaf:
    """Return a new leaf for `body`, the canonical JSON (RFC 8785) of what happened."""
    leaf_id = os.urandom(16)
    salt = salt_for(secret, leaf_id)
    return Leaf(leaf_id, event_type, at, salt, commitment(salt, body))

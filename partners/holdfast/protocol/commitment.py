"""What stands in the transparency log for an event, and how whoever received it checks that.

The log shows a commitment and no content: SHA-256 over a version prefix, a 32-byte salt and the
canonical JSON (RFC 8785) of the event. Addressees get the event with its salt.
"""

import re
from hashlib import sha256
from typing import Any

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError, VerificationError

_PREFIX = b"holdfast/commit/1\0"
SALT_BYTES = 32
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: Members of `data` that are added once the event has its place; they are not committed to.
ADDED_MEMBERS = ("log", "previous_undelivered")


def commitment(salt: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that stand in the log for `body`; the prefix names their version."""
    return sha256(committed_bytes(salt, body)).digest()


def committed_bytes(salt: bytes, body: bytes) -> bytes:
    """Return the bytes whose SHA-256 stands in the log for `body`: a prefix, the salt, the body."""
    return _PREFIX + salt + body


def split_committed(committed: bytes) -> tuple[bytes, bytes]:
    """Return the salt and the body of `committed_bytes`.

    Raises:
        VerificationError: If these are none.
    """
    end = len(_PREFIX) + SALT_BYTES
    if not committed.startswith(_PREFIX) or len(committed) <= end:
        raise VerificationError("these are no bytes that the log commits to")
    return committed[len(_PREFIX) : end], committed[end:]


def check_event(body: bytes) -> dict[str, Any]:
    """Return an event's place in the log if its content is what the log commits to.

    Args:
        body: `{"data": …, "timestamp": …, "type": …}` as delivered, or the same members of an
            entry of the feed.

    Returns:
        The event's `data.log`: `seq`, `leaf_index`, `leaf_id`, `commitment`, `salt` and more.

    Raises:
        VerificationError: If it is no such event, or commits to something else.
    """
    try:
        event = strict_json.loads(body)
        data = dict(event["data"])
        place: dict[str, Any] = dict(data["log"])
        salt, claimed = place["salt"], place["commitment"]
        timestamp, event_type = event["timestamp"], event["type"]
    except (ProtocolError, KeyError, TypeError, ValueError):
        raise VerificationError("this is no event with a place in the log") from None
    if not all(isinstance(t, str) and _HEX.fullmatch(t) for t in (salt, claimed)):
        raise VerificationError("salt and commitment are 64 hex digits each")
    for name in ADDED_MEMBERS:
        data.pop(name, None)
    core = canonical_json.dumps({"data": data, "timestamp": timestamp, "type": event_type})
    if commitment(bytes.fromhex(salt), core).hex() != claimed:
        raise VerificationError("the log commits to other content than this")
    return place

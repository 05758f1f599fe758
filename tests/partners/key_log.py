"""A log in memory whose key is replaced, once or more often."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

from holdfast.protocol import canonical_json
from holdfast.protocol.commitment import commitment
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.log_keys import HANDED_OVER, RETIRED, change_data
from holdfast.protocol.payloads import format_time
from holdfast.protocol.signed_note import NoteVerifier
from tests.partners.memory_log import AT, KEY, LOG, Tree, entry

SECOND, THIRD, THIEF = (PrivateKey.from_seed(seed * 32) for seed in (b"2", b"3", b"t"))


def line(key: PrivateKey, origin: str = LOG.name) -> NoteVerifier:
    """Return a key as members know it."""
    return NoteVerifier(origin, key.public)


@dataclass
class KeyLog:
    """The entries of a log, and what it says of its keys.

    Attributes:
        entries: All of them.
        statements: The bytes of each statement.
        handed_over_at: Index of the last handover.
    """

    entries: list[bytes] = field(default_factory=list)
    statements: list[bytes] = field(default_factory=list)
    handed_over_at: int = -1

    def grow(self, count: int) -> None:
        """Append entries about something else."""
        self.entries += [entry(len(self.entries) + number) for number in range(count)]

    def hand_over(self, old: PrivateKey, new: PrivateKey, *signed_by: PrivateKey) -> bytes:
        """Append the statement that a key takes over; the old key signs unless others do."""
        self.handed_over_at = len(self.entries)
        data = change_data(line(old), line(new))
        return self.say(HANDED_OVER, data, *(signed_by or (old,)))

    def retire(self, old: PrivateKey, new: PrivateKey, *signed_by: PrivateKey) -> bytes:
        """Append the statement that the old key signs no more; both sign unless others do."""
        data = change_data(line(old), line(new), self.handed_over_at)
        return self.say(RETIRED, data, *(signed_by or (old, new)))

    def say(self, kind: str, data: dict[str, object], *signed_by: PrivateKey) -> bytes:
        """Append a statement; return its bytes, which are shown from now on."""
        index = len(self.entries)
        core = {"data": {"event_id": f"evt_{index}", **data}, "timestamp": format_time(AT)}
        core["type"] = kind
        salt = sha256(f"salt {index}".encode()).digest()
        committed = commitment(salt, canonical_json.dumps(core))
        leaf_id = sha256(f"key {index}".encode()).digest()[:16]
        tags = tuple(bytes([index % 256, tag] * 8) for tag in range(4))
        self.entries.append(LogEntry(leaf_id, kind, AT, committed, tags).encode())
        place = {**self.tree().receipt(index, *signed_by), "salt": salt.hex()}
        told: dict[str, Any] = {**core, "data": {**data, "event_id": f"evt_{index}", "log": place}}
        body = canonical_json.dumps(told)
        self.statements.append(body)
        return body

    def shown(self) -> dict[str, object]:
        """Return what `GET /v1/log/keys` answers."""
        return {
            "origin": LOG.name,
            "keys": [],
            "statements": [body.decode() for body in self.statements],
        }

    def tree(self, size: int | None = None) -> Tree:
        """Return the tree of the first entries, all by default."""
        return Tree(self.entries[:size])


def rotated(*keys: PrivateKey) -> tuple[KeyLog, Sequence[int]]:
    """Return a log whose keys followed each other, and the place of each statement."""
    log, places = KeyLog(), []
    log.grow(3)
    for old, new in pairwise(keys):
        places.append(len(log.entries))
        log.hand_over(old, new)
        log.grow(2)
        places.append(len(log.entries))
        log.retire(old, new)
        log.grow(2)
    return log, places


FIRST = KEY

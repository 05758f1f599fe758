"""The bytes of one entry of the transparency log: what the tree hashes, and what tiles serve.

```text
18 bytes  "holdfast/entry/1" and two zero bytes
16 bytes  leaf id, random
 8 bytes  time: microseconds since 1970, unsigned, big-endian
 1 byte   length of the type
          type, as events and acts name it, ASCII
32 bytes  commitment (`holdfast.protocol.commitment`)
 2 bytes  number of routing tags, unsigned, big-endian
          the tags, 16 bytes each
```

An entry says that something of a type happened at a time, and commits to what: nobody learns more
from it. It has a tag for each partner that was told (`holdfast.protocol.routing_tag`); the list is
filled up with random values and sorted, so that it tells nobody else who that was. It tells about
how many they were, and the entries of one time tell it better: each partner that is asked has one.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from holdfast.protocol.errors import LogEntryError

LEAF_ID_BYTES = 16
COMMITMENT_BYTES = 32
TAG_BYTES = 16
#: An entry has so many tags, or none: entries from before there were any. With 4096 it would be
#: longer than a bundle can say (`holdfast.protocol.log_tiles`), and no bundle with it were served.
TAG_COUNTS = (4, 16, 64, 256, 1024)
_PREFIX = b"holdfast/entry/1\0\0"
_HEAD = struct.Struct(f">{len(_PREFIX)}s{LEAF_ID_BYTES}sQB")
_TAG_COUNT = struct.Struct(">H")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_TYPE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry.

    Attributes:
        leaf_id: 16 random bytes.
        type: Of the event or act, e.g. "freeze.frozen"; at most 40 characters of ASCII.
        at: When, aware, to the microsecond.
        commitment: 32 bytes; to what happened.
        tags: Routing tags, 16 bytes each.
    """

    leaf_id: bytes
    type: str
    at: datetime
    commitment: bytes
    tags: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Return the entry's one encoding.

        Raises:
            LogEntryError: If a part is not of its form.
        """
        self._require_form()
        micros = (self.at - _EPOCH) // _MICROSECOND
        kind = self.type.encode("ascii")
        return b"".join(
            (
                _HEAD.pack(_PREFIX, self.leaf_id, micros, len(kind)),
                kind,
                self.commitment,
                _TAG_COUNT.pack(len(self.tags)),
                *self.tags,
            )
        )

    def _require_form(self) -> None:
        if len(self.leaf_id) != LEAF_ID_BYTES or len(self.commitment) != COMMITMENT_BYTES:
            raise LogEntryError("a leaf id is 16 bytes and a commitment 32")
        if self.at.tzinfo is None or self.at < _EPOCH:
            raise LogEntryError("an entry's time is aware and after 1970")
        if not 0 < len(self.type) <= _MAX_TYPE_LENGTH or not _is_plain(self.type):
            raise LogEntryError("an entry's type is up to 40 printable characters of ASCII")
        if any(len(tag) != TAG_BYTES for tag in self.tags):
            raise LogEntryError("a routing tag is 16 bytes")
        if self.tags and len(self.tags) not in TAG_COUNTS:
            raise LogEntryError("an entry has 4, 16, 64 … routing tags, or none")


def decode_entry(encoded: bytes) -> LogEntry:
    """Return the entry that `encoded` is the encoding of.

    Raises:
        LogEntryError: If it is that of none.
    """
    try:
        prefix, leaf_id, micros, type_length = _HEAD.unpack_from(encoded)
        place = _HEAD.size + type_length
        kind = encoded[_HEAD.size : place].decode("ascii")
        commitment = encoded[place : place + COMMITMENT_BYTES]
        (count,) = _TAG_COUNT.unpack_from(encoded, place + COMMITMENT_BYTES)
        at = _EPOCH + timedelta(microseconds=micros)
    except (struct.error, UnicodeDecodeError, OverflowError):
        raise LogEntryError("these bytes are no entry of the log") from None
    tags = unpack_tags(encoded[place + COMMITMENT_BYTES + _TAG_COUNT.size :])
    if prefix != _PREFIX or len(tags) != count:
        raise LogEntryError("these bytes are no entry of the log")
    entry = LogEntry(leaf_id, kind, at, commitment, tags)
    entry._require_form()  # noqa: SLF001 - its own module
    return entry


def unpack_tags(packed: bytes) -> tuple[bytes, ...]:
    """Return the routing tags that lie one behind the other in `packed`.

    Raises:
        LogEntryError: If they are not 16 bytes each.
    """
    if len(packed) % TAG_BYTES:
        raise LogEntryError("a routing tag is 16 bytes")
    places = range(0, len(packed), TAG_BYTES)
    return tuple(packed[place : place + TAG_BYTES] for place in places)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()

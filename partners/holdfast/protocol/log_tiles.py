"""Tiles: the log in pieces that never change and may be cached for ever (c2sp.org/tlog-tiles).

A tile of level L holds up to 256 hashes of complete subtrees of 256**L leaves each. Beside them lie
bundles of up to 256 entries. The last one of a row may be partial; its width is in its path.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from holdfast.protocol.errors import TileError
from holdfast.protocol.merkle_tree import HASH_BYTES, Node

#: Hashes, or entries, in a full tile.
TILE_WIDTH = 256
#: Levels of the tree in one level of tiles.
TILE_HEIGHT = 8
MAX_LEVEL = 63
_PLACE = re.compile(
    r"(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?", re.ASCII
)
_LENGTH_BYTES = 2
_MAX_ENTRY_BYTES = 0xFFFF


@dataclass(frozen=True, slots=True)
class TilePlace:
    """Which tile of its level, or which bundle of entries.

    Attributes:
        index: From 0.
        width: How many hashes or entries, 1 to 256; below that it is partial.
    """

    index: int
    width: int = TILE_WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """Return the place that the end of a tile's path names, e.g. "x001/x234/067.p/5".

        Raises:
            TileError: If it names none, or not in its one spelling.
        """
        found = _PLACE.fullmatch(path)
        if found is None:
            raise TileError("a tile is named like x001/x234/067, a partial one like 000.p/5")
        index = int(found["index"].replace("x", "").replace("/", ""))
        place = cls(index, int(found["width"] or TILE_WIDTH))
        if place.width > TILE_WIDTH or place.path() != path:
            raise TileError("a tile has one name; a partial one has 1 to 255 hashes")
        return place

    def path(self) -> str:
        """Return the end of the tile's path."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[n : n + 3] for n in range(0, len(digits), 3)]
        whole = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return whole if self.is_full else f"{whole}.p/{self.width}"

    @property
    def is_full(self) -> bool:
        """Whether it will never grow."""
        return self.width == TILE_WIDTH

    def numbers(self) -> range:
        """Return which hashes, or entries, it holds, counted through its level."""
        first = self.index * TILE_WIDTH
        return range(first, first + self.width)

    def nodes(self, level: int) -> list[Node]:
        """Return which subtrees' hashes it holds, as a tile of that level, 0 to 63."""
        return [Node(level * TILE_HEIGHT, number) for number in self.numbers()]


def last_leaf(place: TilePlace, level: int) -> int:
    """Return the leaf that a tree must have before a tile can be served."""
    return ((place.numbers()[-1] + 1) << (level * TILE_HEIGHT)) - 1


def tile_hashes(tile: bytes, width: int) -> list[bytes]:
    """Return the hashes in a tile.

    Raises:
        TileError: If it has not as many as that.
    """
    if len(tile) != width * HASH_BYTES:
        raise TileError(f"a tile of {width} hashes is {width * HASH_BYTES} bytes")
    return [tile[place : place + HASH_BYTES] for place in range(0, len(tile), HASH_BYTES)]


def bundle_entries(entries: Sequence[bytes]) -> bytes:
    """Return a bundle of entries: each behind its length, two bytes, big-endian.

    Raises:
        TileError: If an entry is longer than that can say.
    """
    if any(len(entry) > _MAX_ENTRY_BYTES for entry in entries):
        raise TileError(f"an entry in a bundle has at most {_MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unbundle_entries(bundle: bytes) -> list[bytes]:
    """Return the entries in a bundle.

    Raises:
        TileError: If it is none, or has more than 256.
    """
    entries = list(read_bundle(bundle))
    if not 0 < len(entries) <= TILE_WIDTH:
        raise TileError("a bundle has 1 to 256 entries")
    return entries


def read_bundle(bundle: bytes) -> Iterator[bytes]:
    """Yield the entries in a bundle, or in several one behind the other.

    Raises:
        TileError: Where it ends within an entry.
    """
    place, length = 0, len(bundle)
    while place < length:
        start = place + _LENGTH_BYTES
        end = start + int.from_bytes(bundle[place:start], "big")
        if end > length:
            raise TileError("a bundle ends within an entry")
        yield bundle[start:end]
        place = end

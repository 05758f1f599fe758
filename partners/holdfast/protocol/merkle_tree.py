"""The Merkle tree of the log: hashes, roots, proofs made and checked (RFC 9162 section 2.1).

Nothing here does I/O. A log keeps the hashes of *complete* subtrees, those of 2**level leaves from
a multiple of that; whatever else the tree has is hashed from them. A `Node` names one, and each
function that makes something first says which nodes it takes, so that a store reads them at once.

Hashes are SHA-256, 32 bytes. A leaf is hashed behind a zero byte, two nodes behind a one, so that
no entry can be passed off as a node.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Self

from holdfast.protocol.errors import TreeProofError

HASH_BYTES = 32
#: The root of the tree without leaves (RFC 9162 section 2.1.1).
EMPTY_ROOT = sha256(b"").digest()
#: More leaves than any log will hold; a proof that names more is nonsense.
MAX_SIZE = 2**63 - 1


class Node(NamedTuple):
    """A complete subtree: leaves `number << level` to before `(number + 1) << level`.

    Attributes:
        level: 0 for a leaf.
        number: From 0, within the level.
    """

    level: int
    number: int

    @property
    def last_leaf(self) -> int:
        """The leaf with which the subtree became complete."""
        return ((self.number + 1) << self.level) - 1


class Subtree(NamedTuple):
    """A part of the tree: leaves `start` to before `end`.

    It starts at a multiple of the least power of two that is not below its size
    (draft-ietf-plants-merkle-tree-certs, section "Subtrees").
    """

    start: int
    end: int


Nodes = Mapping[Node, bytes]
#: One hash of a proof: the complete subtrees that it is made of, from left to right.
_Piece = tuple[Node, ...]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as it stands in the tree."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return sha256(b"\1" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes whose number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    return level[0]


def subtrees(start: int, end: int) -> _Piece:
    """Return the complete subtrees that leaves `start` to before `end` fall into, left to right.

    Args:
        start: A multiple of the largest power of two that is below the number of leaves, as every
            part is into which RFC 9162 splits a tree.
        end: Behind the last leaf.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return tuple(found)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees that lie side by side, the largest first.

    Args:
        hashes: As `subtrees` orders them; none for the tree without leaves.
    """
    if not hashes:
        return EMPTY_ROOT
    *others, root = hashes
    for left in reversed(others):
        root = node_hash(left, root)
    return root


@dataclass(slots=True)
class Frontier:
    """What a growing tree needs of itself: its size and at most 63 hashes, and never its leaves.

    Attributes:
        size: How many leaves there are.
        hashes: Of `subtrees(0, size)`.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def parse(cls, size: int, packed: bytes) -> Self:
        """Return the frontier of a tree of `size` leaves that `packed` once returned.

        Raises:
            TreeProofError: If it has not as many hashes as such a tree.
        """
        if size < 0 or len(packed) != size.bit_count() * HASH_BYTES:
            raise TreeProofError(f"{len(packed)} bytes are no frontier of {size} leaves")
        places = range(0, len(packed), HASH_BYTES)
        return cls(size, [packed[place : place + HASH_BYTES] for place in places])

    def packed(self) -> bytes:
        """Return the hashes, one behind the other."""
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Append a leaf's hash.

        Returns:
            The hashes of the subtrees that became complete with it, from level 0 on: the leaf's
            own first. Over all leaves these are two hashes each, on average.
        """
        return self.append_subtree(0, leaf)

    def append_subtree(self, level: int, root: bytes) -> list[bytes]:
        """Append 2**level leaves at once, by the root over them; see `complete_root`.

        Returns:
            The hashes of the subtrees that became complete with it, from that level on.

        Raises:
            TreeProofError: If the tree's size is no multiple of that.
        """
        size, rest = divmod(self.size, 1 << level)
        if rest:
            raise TreeProofError(f"after {self.size} leaves no subtree of level {level} begins")
        completed = [root]
        while size & 1:
            completed.append(node_hash(self.hashes.pop(), completed[-1]))
            size >>= 1
        self.hashes.append(completed[-1])
        self.size += 1 << level
        return completed

    def nodes(self) -> dict[Node, bytes]:
        """Return the hashes by where they stand."""
        return dict(zip(subtrees(0, self.size), self.hashes, strict=True))

    def root(self) -> bytes:
        """Return the root of the tree as it is."""
        return fold(self.hashes)


def completed_nodes(leaf: int, hashes: Iterable[bytes]) -> dict[Node, bytes]:
    """Return where the hashes stand that `Frontier.append` returned for leaf number `leaf`."""
    return {Node(level, leaf >> level): value for level, value in enumerate(hashes)}


def inclusion_pieces(index: int, size: int) -> list[_Piece]:
    """Return of what subtrees each hash of an inclusion proof is made, from the leaf up.

    Args:
        index: Of the leaf, from 0.
        size: Of the tree.

    Raises:
        TreeProofError: If the tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise TreeProofError(f"a tree of {size} leaves has no leaf {index}")
    pieces = []
    start, end = 0, size
    while end - start > 1:
        split = start + _left_half(end - start)
        if index < split:
            pieces.append(subtrees(split, end))
            end = split
        else:
            pieces.append(subtrees(start, split))
            start = split
    return pieces[::-1]


def consistency_pieces(first: int, second: int) -> list[_Piece]:
    """Return of what subtrees each hash of a consistency proof is made, in its order.

    Args:
        first: Size of the smaller tree, at least 1.
        second: Size of the larger one.

    Raises:
        TreeProofError: If there is no proof between such trees.
    """
    if not 0 < first <= second <= MAX_SIZE:
        raise TreeProofError(f"there is no consistency proof from size {first} to size {second}")
    pieces = []
    start, end = 0, second
    is_whole = True
    while first != end:
        split = start + _left_half(end - start)
        if first <= split:
            pieces.append(subtrees(split, end))
            end = split
        else:
            pieces.append(subtrees(start, split))
            start, is_whole = split, False
    if not is_whole:
        pieces.append(subtrees(start, end))
    return pieces[::-1]


def _left_half(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 9162 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def make_proof(pieces: Iterable[_Piece], nodes: Nodes) -> list[bytes]:
    """Return a proof's hashes, from the hashes of the subtrees that its pieces name."""
    return [fold([nodes[node] for node in piece]) for piece in pieces]


def inclusion_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root of the tree of `size` leaves in which `proof` places a leaf's hash.

    RFC 9162 section 2.1.3.2. Whoever trusts a root compares.

    Raises:
        TreeProofError: If the proof has not as many hashes as such a place takes.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise TreeProofError(f"a tree of {size} leaves has no leaf {index}")
    if len(leaf) != HASH_BYTES:
        raise TreeProofError(f"a hash is {HASH_BYTES} bytes")
    return _climb(_Way(index, index, size - 1), leaf, proof)[1]


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Accept a proof that a leaf's hash stands at `index` of the tree with `root`.

    Raises:
        TreeProofError: If it proves no such thing.
    """
    if inclusion_root(index, size, leaf, proof) != root:
        raise TreeProofError("the inclusion proof leads to another root")


def check_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Accept a proof that the tree of `first` leaves became that of `second` by appending alone.

    RFC 9162 section 2.1.4.2. From the tree without leaves there is no such proof, for it begins
    every other.

    Raises:
        TreeProofError: If it proves no such thing.
    """
    if first == 0:
        if second or proof or not first_root == second_root == EMPTY_ROOT:
            raise TreeProofError("from the tree without leaves nothing is proven")
        return
    check_subtree_consistency(Subtree(0, first), second, first_root, second_root, proof)


def check_subtree_inclusion(
    index: int, subtree: Subtree, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Accept a proof that leaf number `index` of a log stands in a subtree with `root`.

    draft-ietf-plants-merkle-tree-certs, section "Subtree Inclusion Proofs".

    Raises:
        TreeProofError: If it proves no such thing, or there is no such subtree.
    """
    _require_subtree(subtree)
    start, end = subtree
    check_inclusion(index - start, end - start, leaf, proof, root)


def check_subtree_consistency(
    subtree: Subtree, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Accept a proof that the tree of `size` leaves with `root` has a subtree with `subtree_root`.

    draft-ietf-plants-merkle-tree-certs, section "Subtree Consistency Proofs"; of a subtree that
    starts at 0 it is the consistency proof of RFC 9162. The subtree without leaves is in every
    tree.

    Raises:
        TreeProofError: If it proves no such thing, or there is no such subtree.
    """
    start, end = subtree
    if 0 <= start == end <= size:
        if proof or subtree_root != EMPTY_ROOT:
            raise TreeProofError("of the subtree without leaves nothing is proven")
        return
    _require_subtree(subtree)
    if not end <= size <= MAX_SIZE:
        raise TreeProofError(f"a tree of {size} leaves has no subtree {start} to {end}")
    way = _Way(start, end - 1, size - 1)
    # Up to where the subtree's right edge leaves that of a node of the tree, no hash is needed.
    while way.first != way.last and (way.last & 1 or way.last == way.tree_last):
        way.up()
    if way.first == way.last:
        below, above = subtree_root, proof
    elif proof:
        below, *above = proof
    else:
        raise TreeProofError("the proof is too short")
    if _climb(way, below, above) != (subtree_root, root):
        raise TreeProofError("the consistency proof leads to other roots")


@dataclass(slots=True)
class _Way:
    """Where a proof stands on its way from a subtree up to the root.

    Attributes:
        first: The node of the present level that holds the subtree's first leaf.
        last: The one that holds its last leaf.
        tree_last: The one that holds the last leaf of the tree.
    """

    first: int
    last: int
    tree_last: int

    def up(self) -> None:
        """Go up a level."""
        self.first, self.last, self.tree_last = (
            self.first >> 1,
            self.last >> 1,
            self.tree_last >> 1,
        )


def _climb(way: _Way, below: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of the subtree and of the tree, as a proof has them from `below` up.

    RFC 9162 sections 2.1.3.2 (a leaf is a subtree, too) and 2.1.4.2.

    Raises:
        TreeProofError: If the proof has not as many hashes as the way takes.
    """
    if any(len(value) != HASH_BYTES for value in proof):
        raise TreeProofError(f"a hash is {HASH_BYTES} bytes")
    small = large = below
    first, last, tree_last = way.first, way.last, way.tree_last
    for sibling in proof:
        if not tree_last:
            raise TreeProofError("the proof is too long")
        levels = 1
        if last & 1 or last == tree_last:
            if first < last:
                small = node_hash(sibling, small)
            large = node_hash(sibling, large)
            # Up to where this node is a right one.
            while not last >> (levels - 1) & 1 and last >> (levels - 1):
                levels += 1
        else:
            large = node_hash(large, sibling)
        first, last, tree_last = first >> levels, last >> levels, tree_last >> levels
    if tree_last:
        raise TreeProofError("the proof is too short")
    return small, large


def _require_subtree(subtree: Subtree) -> None:
    start, end = subtree
    if not 0 <= start < end <= MAX_SIZE or start % (1 << (end - start - 1).bit_length()):
        raise TreeProofError(f"leaves {start} to {end} are no subtree")

"""Growing the tree by a transaction's leaves: hashes, checkpoint, and the proof of each leaf.

Everything comes from the head's frontier and the new leaves, so that nothing is read under the
lock of the head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from coordinator.transparency_log.leaf import Leaf, skipping_leaf
from coordinator.transparency_log.signer import LogSigner, SignerError, SizeSpentError, Tree
from holdfast.protocol.log_proof import LogProof
from holdfast.protocol.merkle_tree import (
    Frontier,
    Node,
    completed_nodes,
    inclusion_pieces,
    leaf_hash,
    make_proof,
)
from holdfast.protocol.signed_note import ED25519, key_id, parse_note

#: More leaves no transaction has. Whoever signed so far ahead knows a log that this database does
#: not: it was restored from an old backup, and filling it up would fork the log.
_MOST_SKIPPED = 1_000


class AppendedLeaf(NamedTuple):
    """A leaf as it is stored.

    Attributes:
        number: Its index in the log.
        nodes: Hashes of the subtrees that became complete with it, one behind the other, the
            leaf's own first.
        checkpoint: The signed note, beside the last leaf of each transaction.
    """

    number: int
    leaf_id: bytes
    type: str
    at: datetime
    commitment: bytes
    tags: bytes
    nodes: bytes
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree that grew by a transaction's leaves.

    Attributes:
        frontier: Of the tree as it is now.
        checkpoint: The log's signed note of it.
        leaves: What was appended.
    """

    frontier: Frontier
    checkpoint: bytes
    leaves: Sequence[AppendedLeaf]
    _nodes: dict[Node, bytes]

    def proof(self, index: int) -> str:
        """Return the proof (c2sp.org/tlog-proof) of one of the leaves appended."""
        pieces = inclusion_pieces(index, self.frontier.size)
        hashes = tuple(make_proof(pieces, self._nodes))
        return LogProof(index, hashes, self.checkpoint).encode().decode()


class _Growing:
    """A tree while leaves are appended to it."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.nodes = frontier.nodes()
        self._leaves: list[tuple[int, Leaf, bytes]] = []

    def append(self, leaf: Leaf) -> None:
        index = self.frontier.size
        completed = self.frontier.append(leaf_hash(leaf.encoded()))
        self.nodes |= completed_nodes(index, completed)
        self._leaves.append((index, leaf, b"".join(completed)))

    def tree(self) -> Tree:
        return Tree(self.frontier.size, self.frontier.root())

    def appended(self, checkpoint: bytes) -> list[AppendedLeaf]:
        last = self.frontier.size - 1
        return [
            AppendedLeaf(
                index,
                leaf.leaf_id,
                leaf.type,
                leaf.at,
                leaf.commitment,
                leaf.tags,
                nodes,
                checkpoint if index == last else None,
            )
            for index, leaf, nodes in self._leaves
        ]


def grow(
    frontier: Frontier,
    leaves: Sequence[Leaf],
    signer: LogSigner,
    now: datetime,
    signing_key: bytes | None = None,
) -> Growth:
    """Return the tree with these leaves appended, signed.

    Where the signer has signed a tree of that size for a transaction that came to nothing, leaves
    about nothing follow until it may sign.

    Args:
        frontier: Of the tree as it was committed; it grows.
        leaves: In order; at least one.
        signer: Of the log.
        now: The time of leaves that fill a gap.
        signing_key: Ed25519; the checkpoint must bear its signature. None: it need not be another
            than the signer has.

    Raises:
        SignerError: If the checkpoint cannot be signed, or the signer lacks that key.
    """
    base = Tree(frontier.size, frontier.root())
    growing = _Growing(frontier)
    for leaf in leaves:
        growing.append(leaf)
    try:
        checkpoint = signer.sign(growing.tree(), base)
    except SizeSpentError as spent:
        if spent.size - frontier.size >= _MOST_SKIPPED:
            raise SignerError(
                f"the log was signed at {spent.size} leaves, and this database has {base.size}: "
                "it is older than what was handed out; restore a newer one"
            ) from None
        while frontier.size <= spent.size:
            growing.append(skipping_leaf(now))
        checkpoint = signer.sign(growing.tree(), base)
    if signing_key is not None:
        _require_signed_with(key_id(signer.verifier.name, ED25519, signing_key), checkpoint)
    return Growth(frontier, checkpoint, growing.appended(checkpoint), growing.nodes)


def _require_signed_with(wanted: bytes, checkpoint: bytes) -> None:
    """Refuse what members would refuse: the key was replaced, and this signer has the old one."""
    if all(each.key_id != wanted for each in parse_note(checkpoint).signatures):
        raise SignerError(
            f"the log's key was replaced by {wanted.hex()}, which did not sign: copy the key files "
            "to this machine, and restart the process that signs"
        )

"""Proofs over the stored tree; each reads all the hashes that it takes in one query."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from coordinator.storage.tail import transparency_log as log_store
from holdfast.protocol.checkpoint import parse_checkpoint
from holdfast.protocol.log_proof import LogProof
from holdfast.protocol.merkle_tree import (
    consistency_pieces,
    inclusion_pieces,
    make_proof,
)
from holdfast.protocol.signed_note import parse_note


def proof_of(connection: Connection, index: int) -> str | None:
    """Return the proof (c2sp.org/tlog-proof) of a leaf under the first checkpoint that has it.

    That is the checkpoint of its own commit, so the proof is always the same. None: the leaf is
    older than the tree, and no checkpoint was signed since.
    """
    checkpoint = log_store.checkpoint_at(connection, index + 1)
    return None if checkpoint is None else proof_under(connection, index, checkpoint)


def proof_under(connection: Connection, index: int, checkpoint: bytes) -> str:
    """Return the proof of a leaf under one of the log's checkpoints that has it."""
    size = parse_checkpoint(parse_note(checkpoint)).size
    hashes = inclusion_proof(connection, index, size)
    return LogProof(index, tuple(hashes), checkpoint).encode().decode()


def proofs_under(
    connection: Connection, indexes: Sequence[int], checkpoint: bytes
) -> Iterator[tuple[int, str]]:
    """Yield leaves, each with its proof under one of the log's checkpoints that has them all.

    What the proofs of many leaves share is read once.
    """
    size = parse_checkpoint(parse_note(checkpoint)).size
    pieces = {index: inclusion_pieces(index, size) for index in indexes}
    wanted = {node for each in pieces.values() for piece in each for node in piece}
    found = log_store.nodes(connection, wanted)
    for index, each in pieces.items():
        yield index, LogProof(index, tuple(make_proof(each, found)), checkpoint).encode().decode()


def inclusion_proof(connection: Connection, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves, from the leaf up.

    Raises:
        TreeProofError: If the tree of that size has no such leaf.
        KeyError: If the log is smaller.
    """
    pieces = inclusion_pieces(index, size)
    wanted = [node for piece in pieces for node in piece]
    return make_proof(pieces, log_store.nodes(connection, wanted))


def consistency_proof(connection: Connection, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of `first` leaves is the beginning of that of `second`.

    Raises:
        TreeProofError: If there is no proof between such trees.
        KeyError: If the log is smaller.
    """
    pieces = consistency_pieces(first, second)
    wanted = [node for piece in pieces for node in piece]
    return make_proof(pieces, log_store.nodes(connection, wanted))

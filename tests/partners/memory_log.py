"""A log in memory, that of an operator who has its key and may do with it as it likes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from holdfast.protocol import base64url
from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.cosignature import WitnessVerifier, check_cosignatures
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_entry import LogEntry, decode_entry
from holdfast.protocol.log_proof import LogProof
from holdfast.protocol.log_tiles import TilePlace, bundle_entries
from holdfast.protocol.merkle_tree import (
    Frontier,
    Node,
    completed_nodes,
    consistency_pieces,
    inclusion_pieces,
    leaf_hash,
    make_proof,
)
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.protocol.signed_note import (
    NoteVerifier,
    SignedNote,
    parse_note,
    sign_note,
)

KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", KEY.public)
AT = parse_time("2026-03-02T12:00:00Z")


def entry(number: int, word: str = "", tags: tuple[bytes, ...] = ()) -> bytes:
    """Return an entry; another word makes it another one."""
    seed = sha256(f"{number} {word}".encode()).digest()
    at = AT + timedelta(seconds=number)
    return LogEntry(seed[:16], "freeze.frozen", at, seed, tags).encode()


@dataclass
class Tree:
    """The tree over some entries, and all its proofs."""

    entries: Sequence[bytes]
    frontier: Frontier = field(default_factory=Frontier)
    nodes: dict[Node, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, each in enumerate(self.entries):
            self.nodes |= completed_nodes(index, self.frontier.append(leaf_hash(each)))

    @property
    def size(self) -> int:
        return self.frontier.size

    def signed(self, *keys: PrivateKey, origin: str = LOG.name) -> bytes:
        """Return its checkpoint."""
        checkpoint = Checkpoint(origin, self.size, self.frontier.root())
        return sign_note(checkpoint.text(), origin, *(keys or (KEY,)))

    def consistency(self, first: int, second: int) -> list[bytes]:
        return make_proof(consistency_pieces(first, second), self.nodes)

    def receipt(self, index: int, *keys: PrivateKey) -> dict[str, Any]:
        """Return what a partner is told of an entry: `log` of an answer."""
        told = decode_entry(self.entries[index])
        proof = make_proof(inclusion_pieces(index, self.size), self.nodes)
        return {
            "leaf_index": index,
            "leaf_id": told.leaf_id.hex(),
            "type": told.type,
            "at": format_time(told.at),
            "commitment": told.commitment.hex(),
            "tags": base64url.encode(b"".join(told.tags)),
            "proof": LogProof(index, tuple(proof), self.signed(*keys)).encode().decode(),
        }


@dataclass
class MemoryLog:
    """What a monitor reads.

    Attributes:
        entries_shown: What is shown of entries; by default those of the tree.
        witnesses: Whose cosignatures are taken.
        cosigned: What was handed in.
        statements: What it says of its keys.
    """

    tree: Tree
    is_published: bool = True
    entries_shown: Sequence[bytes] | None = None
    witnesses: Sequence[WitnessVerifier] = ()
    checkpoint: bytes | None = None
    cosigned: list[SignedNote] = field(default_factory=list)
    held_out_note: bytes | None = None
    statements: Sequence[bytes] = ()

    def show(self, entries: Sequence[bytes]) -> None:
        """Become the log of these entries."""
        self.tree = Tree(entries)
        self.checkpoint = None

    def published(self) -> bytes | None:
        if not self.is_published or not self.tree.size:
            return None
        return self.checkpoint or self.tree.signed()

    def held_out(self) -> bytes | None:
        return self.held_out_note or self.published()

    def entries(self, place: TilePlace) -> bytes | None:
        numbers = place.numbers()
        if numbers.stop > self.tree.size:
            return None
        shown = self.tree.entries if self.entries_shown is None else self.entries_shown
        return bundle_entries(shown[numbers.start : numbers.stop])

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        return None if second > self.tree.size else self.tree.consistency(first, second)

    def key_statements(self) -> Sequence[bytes]:
        return self.statements

    def hand_in(self, note: bytes) -> int:
        parsed = parse_note(note)
        assert check_cosignatures(parsed, self.witnesses)
        self.cosigned.append(parsed)
        return self.tree.size

"""Cosignatures: which checkpoint they are collected for, and which has enough of them (ADR 0062).

The log grows every second, and witnesses come by when they like. So that they meet, one checkpoint
is held out to all of them for a round of ten seconds: the newest of an earlier round. It follows
from the log's head and the time alone, so every process holds out the same, no witness can choose
another, and nothing is locked or written for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from coordinator.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.storage.tail import cosignatures as store
from coordinator.storage.tail import transparency_log as log_store
from coordinator.storage.tail.cosignatures import StoredCosignature
from holdfast.protocol.checkpoint import parse_checkpoint
from holdfast.protocol.cosignature import Cosignature, WitnessVerifier, check_cosignatures
from holdfast.protocol.errors import CheckpointError, CosignatureError, NoteError
from holdfast.protocol.log_policy import NONE, LogPolicy
from holdfast.protocol.signed_note import NoteSignature, SignedNote, parse_note

#: Of one witness so many cosignatures are kept, those on its largest trees.
KEPT = 8
#: A witness's clock may be ahead by so much.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class WitnessState:
    """A witness of the policy, and when it was last heard of.

    Attributes:
        name: As the policy has it.
        last: When its newest cosignature was taken; None: none is there.
    """

    name: str
    last: datetime | None


@dataclass(frozen=True, slots=True)
class QuorumState:
    """How it stands with the policy.

    Attributes:
        quorum: What it asks for; "none": nothing.
        size: Of the largest tree whose checkpoint meets it; 0: there is none.
        behind: How long the oldest entry that lies beyond that tree has been waiting.
        witnesses: All of the policy.
    """

    quorum: str
    size: int
    behind: timedelta
    witnesses: Sequence[WitnessState]


def published_checkpoint(connection: Connection, policy: LogPolicy, now: datetime) -> bytes | None:
    """Return the newest checkpoint that meets the policy, with its cosignatures; None: none does.

    Where the policy asks for no cosignatures, it is the newest that is published, with what there
    are.
    """
    found = _cosigned(connection, policy)
    if policy.quorum == NONE:
        return _shown(connection, log_store.published_size(connection, now), found)
    return _shown(connection, _met(policy, found), found)


def collected_checkpoint(connection: Connection, policy: LogPolicy, now: datetime) -> bytes | None:
    """Return the checkpoint that witnesses cosign now, with what cosignatures it has."""
    size = log_store.collected_size(connection, now)
    return _shown(connection, size, _cosigned(connection, policy))


def checked_cosignatures(
    connection: Connection, policy: LogPolicy, encoded: bytes, now: datetime
) -> tuple[int, list[Cosignature]]:
    """Return the cosignatures in a note, verified, and the size of the tree that they are on.

    Args:
        connection: Reads alone.
        policy: Whose witnesses count; others' cosignatures are passed over.
        encoded: A checkpoint of this log, with one cosignature or more.
        now: The time.

    Raises:
        InvalidInputError: If it is no checkpoint, or a cosignature in it does not verify.
        NotFoundError: If the log is not as large as that, or signed no checkpoint of that size.
        ConflictError: If the log signed another checkpoint of that size.
        PermissionDeniedError: If no witness of the policy cosigned it.
    """
    try:
        note = parse_note(encoded)
        size = parse_checkpoint(note).size
    except (NoteError, CheckpointError) as error:
        raise InvalidInputError(str(error), code="no_checkpoint") from None
    own = _checkpoint(connection, size)
    if own is None:
        raise NotFoundError(f"this log signed no checkpoint of {size} leaves", code="not_in_log")
    if parse_note(own).text != note.text:
        raise ConflictError(
            "this is not what this log signed at that size: keep it, and compare it with the"
            " published checkpoint",
            code="other_checkpoint",
        )
    try:
        made = check_cosignatures(note, policy.verifiers)
    except CosignatureError as error:
        raise InvalidInputError(str(error), code="cosignature") from None
    if not made:
        raise PermissionDeniedError(
            "nobody whom the policy at /v1/log/policy names cosigned this: the operator adds"
            " witnesses to it",
            code="unknown_witness",
        )
    latest = (now + _AHEAD).timestamp()
    if any(each.timestamp > latest for each in made):
        raise InvalidInputError("a cosignature is from the future", code="cosignature")
    return size, made


def keep_cosignatures(
    connection: Connection,
    policy: LogPolicy,
    size: int,
    made: Iterable[Cosignature],
    now: datetime,
) -> None:
    """Store cosignatures, and let go of those that nobody needs any more.

    Args:
        connection: Inside a writing transaction.
        policy: As they were checked by.
        size: Of the tree.
        made: Verified.
        now: The time.
    """
    present = store.stored(connection)
    newest = {each.witness: each.made_at for each in present if each.tree_size == size}
    for each in made:
        witness = str(each.witness)
        if newest.get(witness, -1) >= each.timestamp:
            continue
        store.put(
            connection,
            StoredCosignature(witness, size, each.timestamp, now, each.signature.signature),
        )
    present = store.stored(connection)
    shown = _met(policy, _of_policy(policy, present))
    for witness in {each.witness for each in present}:
        sizes = [each.tree_size for each in present if each.witness == witness]
        dropped = [old for old in sizes[KEPT:] if old != shown]
        if dropped:
            store.drop(connection, witness, dropped)


def quorum_state(connection: Connection, policy: LogPolicy, now: datetime) -> QuorumState:
    """Return how it stands with the policy's quorum."""
    found = _cosigned(connection, policy)
    last = {str(key): max(row.taken_at for row in rows) for key, rows in _by_witness(found)}
    witnesses = [WitnessState(name, last.get(str(key))) for name, key in policy.witnesses.items()]
    if policy.quorum == NONE:
        size = log_store.published_size(connection, now)
        return QuorumState(NONE, size, timedelta(), witnesses)
    size = _met(policy, found)
    waiting = store.time_of_leaf(connection, size)
    behind = timedelta() if waiting is None else max(timedelta(), now - waiting)
    return QuorumState(policy.quorum, size, behind, witnesses)


_Found = dict[int, list[tuple[WitnessVerifier, StoredCosignature]]]


def _cosigned(connection: Connection, policy: LogPolicy) -> _Found:
    return _of_policy(policy, store.stored(connection)) if policy.witnesses else {}


def _of_policy(policy: LogPolicy, rows: Iterable[StoredCosignature]) -> _Found:
    """Return the cosignatures of the policy's witnesses by size, the largest first."""
    known = {str(verifier): verifier for verifier in policy.verifiers}
    found: _Found = {}
    for row in rows:
        verifier = known.get(row.witness)
        if verifier is not None:
            found.setdefault(row.tree_size, []).append((verifier, row))
    return found


def _by_witness(found: _Found) -> Iterable[tuple[WitnessVerifier, list[StoredCosignature]]]:
    collected: dict[WitnessVerifier, list[StoredCosignature]] = {}
    for each in found.values():
        for verifier, row in each:
            collected.setdefault(verifier, []).append(row)
    return collected.items()


def _met(policy: LogPolicy, found: _Found) -> int:
    """Return the largest size whose checkpoint meets the policy; 0: none does, or need to."""
    if policy.quorum == NONE:
        return 0
    sizes = (size for size, each in found.items() if policy.is_met([key for key, _ in each]))
    return max(sizes, default=0)


def _checkpoint(connection: Connection, size: int) -> bytes | None:
    """Return the checkpoint of exactly this size."""
    if not size:
        return None
    encoded = log_store.checkpoint_at(connection, size)
    if encoded is None or parse_checkpoint(parse_note(encoded)).size != size:
        return None
    return encoded


def _shown(connection: Connection, size: int, found: _Found) -> bytes | None:
    """Return a checkpoint with its cosignatures."""
    encoded = _checkpoint(connection, size)
    if encoded is None or size not in found:
        return encoded
    note = parse_note(encoded)
    lines = [
        NoteSignature(verifier.name, verifier.key_id, row.signature)
        for verifier, row in found[size]
    ]
    return SignedNote(note.text, (*note.signatures, *lines)).encode()

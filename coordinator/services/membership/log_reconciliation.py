"""A restored database is brought in line with the log that others kept, and takes changes again.

What its copy lacks is appended as it was, so that the tree continues every checkpoint that anybody
holds. What those entries said is lost; an event tells all members which they are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.storage.tail import restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.storage.tail.restored import Loss
from coordinator.transparency_log.growth import AppendedLeaf
from coordinator.transparency_log.signer import Tree
from holdfast.protocol.log_entry import LogEntry, decode_entry
from holdfast.protocol.merkle_tree import Frontier, leaf_hash
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EventType

_LEAVES_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileLog:
    """The operator has the log go on after a restore.

    Attributes:
        base: The tree of the restored database, which `entries` were verified to continue.
        entries: What it lacks, as it stands in the log.
        checkpoints: Those that the log signed of trees with them, by size.
        is_word_alone: That nothing is missing, the operator says, and nobody's copy shows.
    """

    base: Tree
    entries: Sequence[bytes] = ()
    checkpoints: Mapping[int, bytes] = field(default_factory=dict)
    is_word_alone: bool = False


@handles(ReconcileLog, needs=Permission.LOG_RECONCILE)
def reconcile(command: ReconcileLog, actor: Actor, uow: UnitOfWork) -> Answer:
    """Append what is missing, tell everybody, and take changes again: all of it, or nothing.

    Raises:
        ConflictError: If the database is not restored, or another one than was looked at.
    """
    del actor
    head = log_store.lock(uow.connection, events=0, revocations=0)
    frontier = log_store.caught_up(uow.connection, head)
    if head.restored_at is None:
        raise ConflictError("this database takes changes: nothing is to be reconciled")
    if Tree(frontier.size, frontier.root()) != command.base:
        raise ConflictError("the log is not what it was a moment ago; run this again")
    lost = [decode_entry(entry) for entry in command.entries]
    data: dict[str, object] = {
        "restored_at": format_time(head.restored_at),
        "copy_size": frontier.size,
        "lost": len(lost),
        "lost_types": dict(sorted(Counter(each.type for each in lost).items())),
        "is_word_alone": command.is_word_alone,
    }
    if lost:
        data |= _take_back(uow, head, frontier, command, lost)
    restored.lift(uow.connection)
    recorded = uow.record(EventType.LOG_RESTORED, data, key=uow.new_key(), audience=[EVERYBODY])
    return Answer(200, data, entry=recorded)


def _take_back(
    uow: UnitOfWork,
    head: log_store.Head,
    frontier: Frontier,
    command: ReconcileLog,
    lost: Sequence[LogEntry],
) -> dict[str, object]:
    """Append the entries that are missing; return what the event says of them."""
    first = frontier.size
    rows = []
    for encoded, entry in zip(command.entries, lost, strict=True):
        index = frontier.size
        completed = frontier.append(leaf_hash(encoded))
        rows.append(
            AppendedLeaf(
                index,
                entry.leaf_id,
                entry.type,
                entry.at,
                entry.commitment,
                b"".join(entry.tags),
                b"".join(completed),
                command.checkpoints.get(index + 1),
            )
        )
    for start in range(0, len(rows), _LEAVES_AT_A_TIME):
        log_store.append(uow.connection, rows[start : start + _LEAVES_AT_A_TIME])
    log_store.store_restored_head(uow.connection, head, frontier, lost[-1].at)
    loss = Loss(first, frontier.size, head.last_seq + 1, head.last_seq + len(lost) + 1, uow.now)
    restored.note_loss(uow.connection, loss)
    return {
        "lost_from": format_time(lost[0].at),
        "lost_until": format_time(lost[-1].at),
        "checkpoint": command.checkpoints[max(command.checkpoints)].decode(),
        "seq_from": loss.first_seq,
        "seq_until": loss.end_seq - 1,
    }

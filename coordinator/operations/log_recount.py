"""Making the log anew from what is stored, and naming every difference.

The tree is computed from the leaves alone, and every event is held against the leaf that commits to
it. Memory is flat, whatever the log's length.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, func, select

from coordinator.storage.engine.documents import UnreadableDocumentError, Vault, load
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.transparency_log import (
    LogHeadRow,
    LogKeyStatementRow,
    LogLeafRow,
)
from coordinator.storage.tail.log_keys import statements
from holdfast.errors import LogHandoverError
from holdfast.evidence.log_handover import follow_log_keys
from holdfast.protocol import strict_json
from holdfast.protocol.checkpoint import open_checkpoint, parse_checkpoint
from holdfast.protocol.commitment import check_event
from holdfast.protocol.errors import LogError, LogKeyError, ProtocolError
from holdfast.protocol.log_entry import LogEntry, unpack_tags
from holdfast.protocol.log_keys import KEY_CHANGES, LogKeys
from holdfast.protocol.merkle_tree import Frontier, leaf_hash
from holdfast.protocol.payloads import format_time
from holdfast.protocol.signed_note import NoteVerifier, parse_note
from holdfast.protocol.vocabulary import EventType

_AT_A_TIME = 1_000
N = TypeVar("N", "_Leaf", "_Event")


@dataclass(frozen=True, slots=True)
class Recounted:
    """What was looked through.

    Attributes:
        count: Leaves, or events.
        faults: One sentence for each difference, in order.
        erased: Of the events, those whose text nobody can read any more.
    """

    count: int
    faults: list[str]
    erased: int = 0


class _Leaf(NamedTuple):
    number: int
    leaf_id: bytes
    type: str
    at: datetime
    commitment: bytes
    tags: bytes | None
    nodes: bytes | None
    checkpoint: bytes | None


class _Event(NamedTuple):
    number: int
    id: str
    type: str
    request_id: str | None
    occurred_at: datetime
    leaf_index: int
    leaf_id: bytes | None
    leaf_type: str | None
    at: datetime | None
    commitment: bytes | None


class _Head(NamedTuple):
    leaf_count: int
    tree_size: int
    frontier: bytes | None


_LEAVES = select(
    LogLeafRow.index.label("number"),
    LogLeafRow.leaf_id,
    LogLeafRow.type,
    LogLeafRow.at,
    LogLeafRow.commitment,
    LogLeafRow.tags,
    LogLeafRow.nodes,
    LogLeafRow.checkpoint,
).order_by(LogLeafRow.index)
#: Whoever had the database and the old key could log one of their own.
_STRAY = (
    select(LogLeafRow.index)
    .where(LogLeafRow.type.in_(sorted(KEY_CHANGES)))
    .where(LogLeafRow.index.not_in(select(LogKeyStatementRow.leaf_index)))
    .order_by(LogLeafRow.index)
)
_HEAD = select(LogHeadRow.leaf_count, LogHeadRow.tree_size, LogHeadRow.frontier)
_EVENTS = (
    select(
        EventRow.seq.label("number"),
        EventRow.id,
        EventRow.type,
        EventRow.request_id,
        EventRow.occurred_at,
        EventRow.leaf_index,
        LogLeafRow.leaf_id,
        LogLeafRow.type.label("leaf_type"),
        LogLeafRow.at,
        LogLeafRow.commitment,
    )
    .outerjoin(LogLeafRow, LogLeafRow.index == EventRow.leaf_index)
    .order_by(EventRow.seq)
)


def recount_keys(connection: Connection, signs: NoteVerifier) -> tuple[LogKeys, Recounted]:
    """Prove what the log says of its keys as members do, from the key that signs it.

    Args:
        connection: Whose statements all see one moment.
        signs: The key with which the log is signed.

    Returns:
        Its keys, that one alone if the others are not proven; and how many there are.
    """
    faults = [
        f"entry {index} is about the log's key, and this coordinator did not make it"
        for index in connection.execute(_STRAY).scalars()
    ]
    keys = LogKeys.of(signs)
    try:
        bodies = [each.body for each in statements(connection)]
        keys = follow_log_keys(signs, bodies)
    except (LogKeyError, LogHandoverError) as error:
        faults.append(str(error))
    return keys, Recounted(len(keys.spans), faults)


def recount_tree(
    connection: Connection, log_key: LogKeys | None, on_count: Callable[[int], None]
) -> Recounted:
    """Compute the tree from the leaves; compare the hashes, checkpoints and head that are stored.

    Args:
        connection: Whose statements all see one moment.
        log_key: What checkpoints are signed with, each key in its time. One of another origin,
            which the log had before it moved, is compared but for its signature, and so are all
            where this is None.
        on_count: Called now and then with how many leaves were read so far.

    Returns:
        Faults name leaves by their index. What follows a leaf that is missing or is no entry cannot
        be computed, and is not looked at.
    """
    frontier = Frontier.parse(0, b"")
    faults: list[str] = []
    for row in _in_order(connection, _Leaf, _LEAVES, LogLeafRow.index):
        if row.number != frontier.size:
            return Recounted(frontier.size, [*faults, f"leaf {frontier.size} is missing"])
        try:
            faults += _append(frontier, row, log_key)
        except LogError as error:
            return Recounted(frontier.size, [*faults, f"leaf {row.number} is no entry: {error}"])
        if frontier.size % _AT_A_TIME == 0:
            on_count(frontier.size)
    return Recounted(frontier.size, [*faults, *_head_faults(connection, frontier)])


def _append(frontier: Frontier, row: _Leaf, log_key: LogKeys | None) -> list[str]:
    """Append a leaf to the tree; return what is stored beside it and does not fit."""
    tags = unpack_tags(bytes(row.tags or b""))
    entry = LogEntry(bytes(row.leaf_id), row.type, row.at, bytes(row.commitment), tags)
    hashes = b"".join(frontier.append(leaf_hash(entry.encode())))
    faults = []
    if row.nodes is not None and bytes(row.nodes) != hashes:
        faults.append(f"leaf {row.number} is not what its stored hashes were made of")
    if row.checkpoint is not None:
        fault = _checkpoint_fault(bytes(row.checkpoint), frontier, log_key)
        faults += [f"the checkpoint of {frontier.size} leaves {fault}"] if fault else []
    return faults


def _head_faults(connection: Connection, frontier: Frontier) -> list[str]:
    [head] = read_as(connection, _Head, _HEAD)
    if head.leaf_count != frontier.size:
        return [f"the head says {head.leaf_count} leaves, and {frontier.size} are stored"]
    # A release without a tree, beside this one, leaves that behind until the next commit.
    if head.tree_size == frontier.size and bytes(head.frontier or b"") != frontier.packed():
        return ["the head's tree is another than that of the leaves"]
    return []


def _checkpoint_fault(encoded: bytes, frontier: Frontier, log_key: LogKeys | None) -> str | None:
    try:
        note = parse_note(encoded)
        checkpoint = parse_checkpoint(note)
        if log_key is not None and checkpoint.origin == log_key.name:
            open_checkpoint(encoded, log_key)
    except LogError as error:
        return f"is none that the log signed: {error}"
    if checkpoint.size != frontier.size:
        return f"states {checkpoint.size}"
    return None if checkpoint.root == frontier.root() else "is of another tree"


def recount_events(
    connection: Connection, vault: Vault, on_count: Callable[[int], None]
) -> Recounted:
    """Compare every event with the leaf that commits to it: content, type, time, and place.

    Args:
        connection: Whose statements all see one moment.
        vault: Opens the events.
        on_count: Called now and then with how many events were read so far.

    Returns:
        Faults name events by their number in the feed.
    """
    count = erased = 0
    faults: list[str] = []
    for rows in _pages(connection, _Event, _EVENTS, EventRow.seq):
        bodies = _bodies(connection, vault, rows)
        ends = _erasures(connection, [row for row in rows if not bodies.get(row.id)])
        for row in rows:
            count += 1
            body = bodies.get(row.id, b"")
            if isinstance(body, UnreadableDocumentError):
                faults.append(f"event {row.number}: {body}")
            elif body:
                fault = _event_fault(row, body)
                faults += [f"event {row.number} {fault}"] if fault else []
            elif row.number < ends.get(row.request_id or "", 0):
                erased += 1
            else:
                faults.append(f"event {row.number}: its text is gone, and nobody erased it")
        on_count(count)
    return Recounted(count, faults, erased)


def _event_fault(row: _Event, body: bytes) -> str | None:
    """Return what an event's body has of its own, other than its leaf."""
    if row.leaf_id is None or row.at is None or row.commitment is None:
        return f"is of leaf {row.leaf_index}, which is missing"
    try:
        place = check_event(body)
        event = strict_json.loads(body)
    except ProtocolError as error:
        return f"is not as it was logged: {error}"
    stored = {
        "leaf_index": row.leaf_index,
        "leaf_id": bytes(row.leaf_id).hex(),
        "commitment": bytes(row.commitment).hex(),
        "type": row.leaf_type,
        "at": format_time(row.at),
    }
    differs = [name for name, value in stored.items() if place.get(name) != value]
    # A test of a type is logged as a test.
    if row.type != row.leaf_type or row.occurred_at != row.at:
        differs.append("the row of the event")
    if event["timestamp"] != stored["at"]:
        differs.append("timestamp")
    if differs:
        return f"differs from leaf {row.leaf_index} in {', '.join(differs)}"
    return None


def _bodies(
    connection: Connection, vault: Vault, rows: list[_Event]
) -> dict[str, bytes | UnreadableDocumentError]:
    """Return the bodies of events; one that was altered does not hide the others."""
    try:
        return dict(load(connection, vault, [row.id for row in rows], "body"))
    except UnreadableDocumentError:
        found: dict[str, bytes | UnreadableDocumentError] = {}
        for row in rows:
            try:
                found |= load(connection, vault, [row.id], "body")
            except UnreadableDocumentError as error:
                found[row.id] = error
        return found


def _erasures(connection: Connection, rows: list[_Event]) -> dict[str, int]:
    """Return the number of the event that tells of its erasure, for each request that has one.

    That event has a text of its own, which is held against the log as any other's.
    """
    about = sorted({row.request_id for row in rows if row.request_id is not None})
    query = (
        select(EventRow.request_id, func.min(EventRow.seq))
        .where(EventRow.request_id.in_(about), EventRow.type == EventType.REQUEST_ERASED)
        .group_by(EventRow.request_id)
    )
    found = connection.execute(query).all() if about else []
    return {str(request_id): seq for request_id, seq in found}


def _in_order(
    connection: Connection, kind: type[N], query: Select[*tuple[Any, ...]], number: Any
) -> Iterator[N]:
    for rows in _pages(connection, kind, query, number):
        yield from rows


def _pages(
    connection: Connection, kind: type[N], query: Select[*tuple[Any, ...]], number: Any
) -> Iterator[list[N]]:
    """Yield the rows of a query in pages, by the number that they are ordered by."""
    last = -1
    while rows := read_as(connection, kind, query.where(number > last).limit(_AT_A_TIME)):
        yield rows
        last = rows[-1].number

"""The log's head and leaves, and the tree over them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.orm import aliased

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows, update_rows
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from holdfast.protocol.log_entry import LogEntry, unpack_tags
from holdfast.protocol.merkle_tree import (
    HASH_BYTES,
    Frontier,
    Node,
    fold,
    leaf_hash,
    subtrees,
)

_LEAF_COLUMNS = ("index", "leaf_id", "type", "at", "commitment", "tags", "nodes", "checkpoint")
#: Leaves of a release without a tree are taken into it so many at a time.
_CATCH_UP_LEAVES = 1_000
#: Witnesses that ask within so many seconds cosign the same checkpoint, however the log grows.
ROUND_SECONDS = 10


class _Head(NamedTuple):
    leaf_count: int
    event_seq: int
    revocations: int
    tree_size: int
    frontier: bytes | None
    signed_at: datetime | None
    published_size: int
    collected_size: int
    tag_keys_changed: int
    signing_key: bytes | None
    restored_at: datetime | None


#: Locks the head row until the commit; SQLite's writer has the whole database already.
_LOCK = Prebuilt(
    select(
        LogHeadRow.leaf_count,
        LogHeadRow.event_seq,
        LogHeadRow.revocations,
        LogHeadRow.tree_size,
        LogHeadRow.frontier,
        LogHeadRow.signed_at,
        LogHeadRow.published_size,
        LogHeadRow.collected_size,
        LogHeadRow.tag_keys_changed,
        LogHeadRow.signing_key,
        LogHeadRow.restored_at,
    )
    .where(LogHeadRow.id == 1)
    .with_for_update(),
    _Head,
)
_STORE_HEAD = Prebuilt(
    update(LogHeadRow)
    .where(LogHeadRow.id == 1)
    .values(
        leaf_count=bindparam("size"),
        event_seq=bindparam("last_seq"),
        revocations=bindparam("revoked"),
        tree_size=bindparam("size"),
        frontier=bindparam("hashes"),
        signed_at=bindparam("now"),
        published_size=bindparam("published"),
        collected_size=bindparam("collected"),
        tag_keys_changed=bindparam("tagged"),
        signing_key=bindparam("signing"),
    )
)


class _Published(NamedTuple):
    tree_size: int
    signed_at: datetime | None
    published_size: int
    collected_size: int


_PUBLISHED = Prebuilt(
    select(
        LogHeadRow.tree_size,
        LogHeadRow.signed_at,
        LogHeadRow.published_size,
        LogHeadRow.collected_size,
    ).where(LogHeadRow.id == 1),
    _Published,
)


class _StoredNodes(NamedTuple):
    number: int
    nodes: bytes | None


_NODES = Prebuilt(
    select(LogLeafRow.index.label("number"), LogLeafRow.nodes), _StoredNodes, among=LogLeafRow.index
)
_NEXT_CHECKPOINT = Prebuilt(
    select(LogLeafRow.checkpoint)
    .where(LogLeafRow.index >= bindparam("number"), LogLeafRow.checkpoint.is_not(None))
    .order_by(LogLeafRow.index)
    .limit(1)
)


class StoredLeaf(NamedTuple):
    """A leaf as it is stored.

    Attributes:
        proven_by: The first checkpoint that was signed with it or after it; None: none was.
    """

    leaf_id: bytes
    type: str
    at: datetime
    commitment: bytes
    tags: bytes | None
    proven_by: bytes | None


_LATER = aliased(LogLeafRow)
_LEAF = Prebuilt(
    select(
        LogLeafRow.leaf_id,
        LogLeafRow.type,
        LogLeafRow.at,
        LogLeafRow.commitment,
        LogLeafRow.tags,
        select(_LATER.checkpoint)
        .where(_LATER.index >= LogLeafRow.index, _LATER.checkpoint.is_not(None))
        .order_by(_LATER.index)
        .limit(1)
        .scalar_subquery()
        .label("proven_by"),
    ).where(LogLeafRow.index == bindparam("number")),
    StoredLeaf,
)


class _StoredEntry(NamedTuple):
    number: int
    leaf_id: bytes
    type: str
    at: datetime
    commitment: bytes
    tags: bytes | None


_ENTRIES = Prebuilt(
    select(
        LogLeafRow.index.label("number"),
        LogLeafRow.leaf_id,
        LogLeafRow.type,
        LogLeafRow.at,
        LogLeafRow.commitment,
        LogLeafRow.tags,
    )
    .where(LogLeafRow.index >= bindparam("first"), LogLeafRow.index < bindparam("end"))
    .order_by(LogLeafRow.index),
    _StoredEntry,
)


_ENTRIES_AT = Prebuilt(
    select(
        LogLeafRow.index.label("number"),
        LogLeafRow.leaf_id,
        LogLeafRow.type,
        LogLeafRow.at,
        LogLeafRow.commitment,
        LogLeafRow.tags,
    ),
    _StoredEntry,
    among=LogLeafRow.index,
)


class Head(NamedTuple):
    """The numbers that one transaction takes, and the tree as it was before.

    Attributes:
        last_seq: Number of its last event, or of the last one before.
        revocations: With its own.
        frontier: Of the tree; it may lack leaves before `first_leaf`, see `caught_up`.
        signed_size: Of its checkpoint.
        signed_at: When that was signed; None: none was yet.
        published_size: Of the newest checkpoint of an earlier second; 0: there is none.
        collected_size: Of the newest checkpoint of an earlier round; 0: there is none.
        tag_keys_changed: How many leaves there were when a tag key last changed.
        signing_key: Ed25519, must sign; None: none was ever replaced.
        restored_at: Since when the database may be older than what was handed out; None: it is not.
    """

    first_leaf: int
    first_seq: int
    last_seq: int
    revocations: int
    frontier: Frontier
    signed_size: int
    signed_at: datetime | None
    published_size: int
    collected_size: int
    tag_keys_changed: int
    signing_key: bytes | None
    restored_at: datetime | None


def lock(connection: Connection, *, events: int, revocations: int) -> Head:
    """Lock the head until the commit; the indexes and numbers behind it are the caller's.

    Args:
        connection: Inside the writing transaction; `store_head` ends what begins here.
        events: How many numbers are taken.
        revocations: How often a right is taken away.
    """
    [row] = _LOCK.rows(connection)
    return Head(
        first_leaf=row.leaf_count,
        first_seq=row.event_seq + 1,
        last_seq=row.event_seq + events,
        revocations=row.revocations + revocations,
        frontier=Frontier.parse(row.tree_size, bytes(row.frontier or b"")),
        signed_size=row.tree_size,
        signed_at=row.signed_at,
        published_size=row.published_size,
        collected_size=row.collected_size,
        tag_keys_changed=row.tag_keys_changed,
        signing_key=None if row.signing_key is None else bytes(row.signing_key),
        restored_at=row.restored_at,
    )


def caught_up(connection: Connection, head: Head) -> Frontier:
    """Return the frontier of all leaves before the transaction's own.

    Leaves that a release without a tree appended meanwhile are taken into it.
    """
    frontier = head.frontier
    while frontier.size < head.first_leaf:
        end = min(head.first_leaf, frontier.size + _CATCH_UP_LEAVES)
        grown = []
        for row in _ENTRIES.rows(connection, first=frontier.size, end=end):
            if row.number != frontier.size:
                break
            grown.append((row.number, b"".join(frontier.append(leaf_hash(_entry_of(row))))))
        if frontier.size != end:
            raise AssertionError(f"leaf {frontier.size} of the log is missing")
        update_rows(connection, LogLeafRow, ("index",), ("nodes",), grown)
    return frontier


def append(connection: Connection, leaves: Sequence[tuple[object, ...]]) -> None:
    """Append leaves, each in the order of the table's columns."""
    insert_rows(connection, LogLeafRow, _LEAF_COLUMNS, leaves)


def store_restored_head(
    connection: Connection, head: Head, frontier: Frontier, signed_at: datetime
) -> None:
    """Store a tree that others kept, in place of the older one of a restored database.

    As many event numbers as there are entries more are left out: each entry may have been an event.

    Args:
        connection: Of the transaction that locked the head.
        head: As it was locked.
        frontier: Of the tree with the entries of before the restore.
        signed_at: When its checkpoint was, at the latest.
    """
    connection.execute(
        update(LogHeadRow)
        .where(LogHeadRow.id == 1)
        .values(
            leaf_count=frontier.size,
            tree_size=frontier.size,
            frontier=frontier.packed(),
            event_seq=head.last_seq + frontier.size - head.first_leaf,
            signed_at=signed_at if head.signed_at is None else max(signed_at, head.signed_at),
        )
    )


def store_head(
    connection: Connection,
    head: Head,
    frontier: Frontier,
    now: datetime,
    *,
    sets_tag_key: bool = False,
) -> None:
    """Store the numbers taken and the tree as it is now, with the time of its checkpoint.

    What was the newest checkpoint is published from the next second on, unless this one is of the
    same: so readers see at most one a second, whichever process they ask. With witnesses it goes
    likewise, by rounds: all that ask in a round are given the same one to cosign.

    Args:
        connection: Of the transaction that locked the head.
        head: As it was locked, or with another key that must sign from these leaves on.
        frontier: Of the tree with the transaction's leaves.
        now: When they were appended.
        sets_tag_key: Whether a partner's tag key is another one from these leaves on.
    """
    signed_at = now if head.signed_at is None else max(now, head.signed_at)
    published = head.published_size
    if head.signed_at is not None and _second(signed_at) > _second(head.signed_at):
        published = head.signed_size
    collected = head.collected_size
    if head.signed_at is not None and _round(signed_at) > _round(head.signed_at):
        collected = head.signed_size
    _STORE_HEAD.send(
        connection,
        size=frontier.size,
        last_seq=head.last_seq,
        revoked=head.revocations,
        hashes=frontier.packed(),
        now=signed_at,
        published=published,
        collected=collected,
        tagged=frontier.size if sets_tag_key else head.tag_keys_changed,
        signing=head.signing_key,
    )


def published_size(connection: Connection, now: datetime) -> int:
    """Return the size of the tree whose checkpoint is published at `now`; 0: none is yet."""
    head = _PUBLISHED.row(connection)
    if head is None or head.signed_at is None:
        return 0
    if head.published_size and _second(now) <= _second(head.signed_at):
        return head.published_size
    return head.tree_size


def collected_size(connection: Connection, now: datetime) -> int:
    """Return the size of the tree that witnesses cosign at `now`; 0: nothing was signed yet."""
    head = _PUBLISHED.row(connection)
    if head is None or head.signed_at is None:
        return 0
    if head.collected_size and _round(now) <= _round(head.signed_at):
        return head.collected_size
    return head.tree_size


def tree_size(connection: Connection) -> int:
    """Return how many leaves the tree has."""
    head = _PUBLISHED.row(connection)
    return 0 if head is None else head.tree_size


def tree_at(connection: Connection, size: int) -> bytes | None:
    """Return the root of the tree of the first `size` leaves; None: there are not as many."""
    if size > tree_size(connection):
        return None
    parts = subtrees(0, size)
    found = nodes(connection, parts)
    return fold([found[part] for part in parts])


def leaf(connection: Connection, index: int) -> StoredLeaf | None:
    """Return one leaf of the log, with the checkpoint under which it is proven."""
    return _LEAF.row(connection, number=index)


def entries(connection: Connection, first: int, end: int) -> list[bytes]:
    """Return the entries of leaves `first` to before `end`, as they stand in the log."""
    return [_entry_of(row) for row in _ENTRIES.rows(connection, first=first, end=end)]


def entries_at(connection: Connection, indexes: Sequence[int]) -> dict[int, bytes]:
    """Return the entries in these places, as they stand in the log."""
    found: dict[int, bytes] = {}
    for some in batches(indexes):
        found |= {row.number: _entry_of(row) for row in _ENTRIES_AT.rows(connection, among=some)}
    return found


def _entry_of(row: _StoredEntry) -> bytes:
    tags = unpack_tags(bytes(row.tags or b""))
    return LogEntry(bytes(row.leaf_id), row.type, row.at, bytes(row.commitment), tags).encode()


def checkpoint_at(connection: Connection, size: int) -> bytes | None:
    """Return the checkpoint of the first signed tree that has at least `size` leaves."""
    found = _NEXT_CHECKPOINT.row(connection, number=size - 1)
    return None if found is None else bytes(found)


def nodes(connection: Connection, wanted: Iterable[Node]) -> dict[Node, bytes]:
    """Return the hashes of complete subtrees of the tree, in as few queries as there can be.

    Raises:
        KeyError: If a subtree is not in the tree.
    """
    by_leaf: dict[int, list[Node]] = {}
    for node in wanted:
        by_leaf.setdefault(node.last_leaf, []).append(node)
    if not by_leaf:
        return {}
    stored = {
        row.number: bytes(row.nodes or b"")
        for some in batches(sorted(by_leaf))
        for row in _NODES.rows(connection, among=some)
    }
    found = {}
    for index, here in by_leaf.items():
        for node in here:
            value = stored[index][node.level * HASH_BYTES : (node.level + 1) * HASH_BYTES]
            if not value:
                raise KeyError(node)
            found[node] = value
    return found


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _round(moment: datetime) -> int:
    return int(moment.timestamp()) // ROUND_SECONDS

"""The log's head and leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow

_LEAF = Prebuilt(select(LogLeafRow).where(LogLeafRow.index == bindparam("number")))
_LEAF_COLUMNS = ("index", "leaf_id", "type", "at", "commitment")


class _Advanced(NamedTuple):
    leaf_count: int
    event_seq: int
    revocations: int


#: Locks the head row until the commit and takes the numbers in the same round trip.
_ADVANCE = Prebuilt(
    update(LogHeadRow)
    .where(LogHeadRow.id == 1)
    .values(
        leaf_count=LogHeadRow.leaf_count + bindparam("leaves"),
        event_seq=LogHeadRow.event_seq + bindparam("events"),
        revocations=LogHeadRow.revocations + bindparam("revoking"),
    )
    .returning(LogHeadRow.leaf_count, LogHeadRow.event_seq, LogHeadRow.revocations),
    _Advanced,
)


@dataclass(frozen=True, slots=True)
class Head:
    """The numbers that one transaction took."""

    first_leaf: int
    first_seq: int
    revocations: int


def advance(connection: Connection, *, leaves: int, events: int, revocations: int) -> Head:
    """Lock the head until the commit; take `leaves` indexes from 0 and `events` numbers from 1."""
    [row] = _ADVANCE.rows(connection, leaves=leaves, events=events, revoking=revocations)
    return Head(row.leaf_count - leaves, row.event_seq - events + 1, row.revocations)


def append(connection: Connection, recorded: Sequence[Any]) -> None:
    """Append the leaves of what was recorded, with the indexes that they were given."""
    insert_rows(
        connection,
        LogLeafRow,
        _LEAF_COLUMNS,
        [
            (r.leaf_index, r.leaf.leaf_id, r.leaf.type, r.leaf.at, r.leaf.commitment)
            for r in recorded
        ],
    )


def leaf(connection: Connection, index: int) -> LogLeafRow | None:
    """Return one leaf of the log."""
    return _LEAF.row(connection, number=index)

"""The log's head and leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.transparency_log import LogLeafRow

_LEAF_COLUMNS = ("index", "leaf_id", "type", "at", "commitment")
#: Locks the head row until the commit and takes the numbers in the same round trip.
_ADVANCE = text(
    "UPDATE log_head SET leaf_count = leaf_count + :leaves, event_seq = event_seq + :events, "
    "revocations = revocations + :revocations WHERE id = 1 "
    "RETURNING leaf_count, event_seq, revocations"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The numbers that one transaction took."""

    first_leaf: int
    first_seq: int
    revocations: int


def advance(connection: Connection, *, leaves: int, events: int, revocations: int) -> Head:
    """Lock the head until the commit; take `leaves` indexes from 0 and `events` numbers from 1."""
    row = connection.execute(
        _ADVANCE, {"leaves": leaves, "events": events, "revocations": revocations}
    ).one()
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

"""What witnesses cosigned, by witness and size of the tree."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.transparency_log import LogCosignatureRow, LogLeafRow

#: Characters of a witness's verifier key with its name; PostgreSQL keeps to the column's length.
MAX_WITNESS_KEY = 400
_COLUMNS = ("witness", "tree_size", "made_at", "taken_at", "signature")


class StoredCosignature(NamedTuple):
    """One cosignature, verified when it was taken.

    Attributes:
        witness: The verifier key, with its name.
        made_at: As the witness says: seconds since 1970.
        taken_at: When it was taken.
        signature: Time and signature, as they stand in a note.
    """

    witness: str
    tree_size: int
    made_at: int
    taken_at: datetime
    signature: bytes


_STORED = Prebuilt(
    select(
        LogCosignatureRow.witness,
        LogCosignatureRow.tree_size,
        LogCosignatureRow.made_at,
        LogCosignatureRow.taken_at,
        LogCosignatureRow.signature,
    ).order_by(LogCosignatureRow.tree_size.desc(), LogCosignatureRow.witness),
    StoredCosignature,
)
_DELETE = Prebuilt(
    delete(LogCosignatureRow).where(
        LogCosignatureRow.witness == bindparam("by"),
        LogCosignatureRow.tree_size == bindparam("size"),
    )
)
_LEAF_TIME = Prebuilt(select(LogLeafRow.at).where(LogLeafRow.index == bindparam("number")))


def stored(connection: Connection) -> list[StoredCosignature]:
    """Return all that are kept, those on the largest trees first."""
    return _STORED.rows(connection)


def put(connection: Connection, cosignature: StoredCosignature) -> None:
    """Store a cosignature in place of the witness's earlier one on the same tree."""
    drop(connection, cosignature.witness, [cosignature.tree_size])
    insert_rows(connection, LogCosignatureRow, _COLUMNS, [cosignature])


def drop(connection: Connection, witness: str, sizes: Sequence[int]) -> None:
    """Delete a witness's cosignatures on trees of these sizes."""
    _DELETE.send_all(connection, [{"by": witness, "size": size} for size in sizes])


def time_of_leaf(connection: Connection, index: int) -> datetime | None:
    """Return when an entry of the log was made; None: there is none."""
    return _LEAF_TIME.row(connection, number=index)

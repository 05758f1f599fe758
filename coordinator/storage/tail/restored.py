"""The mark of a database that may be older than what was handed out: it is read, and not changed.

It stands in the head of the log, so that whoever locks that sees it. `holdfast-coordinator restore`
sets it, and so does a start that finds the log's signer ahead; `reconcile` lifts it.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.console import ConsoleLinkRow, ConsoleSessionRow, PreparedActRow
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLossRow

_SINCE = Prebuilt(select(LogHeadRow.restored_at).where(LogHeadRow.id == 1))
_LOSS_COLUMNS = ("first_leaf", "end_leaf", "first_seq", "end_seq", "reconciled_at")


class Loss(NamedTuple):
    """What one reconciliation could not bring back: numbers, the second of each pair exclusive."""

    first_leaf: int
    end_leaf: int
    first_seq: int
    end_seq: int
    reconciled_at: datetime


def since(connection: Connection) -> datetime | None:
    """Return since when the database is read alone; None: it takes changes."""
    return _SINCE.row(connection)


def mark(connection: Connection, now: datetime) -> bool:
    """Have the database be read alone from now on; return whether it was not yet.

    What is good once ends with it, for nobody knows what was used since the copy was made: browsers
    that are signed in, links, and acts that a passkey was about to sign.

    Args:
        connection: In a writing transaction.
        now: The time.
    """
    marked = connection.execute(
        update(LogHeadRow)
        .where(LogHeadRow.id == 1, LogHeadRow.restored_at.is_(None))
        .values(restored_at=now)
    )
    if marked.rowcount != 1:
        return False
    connection.execute(
        update(ConsoleSessionRow).where(ConsoleSessionRow.ends_at > now).values(ends_at=now)
    )
    connection.execute(
        update(ConsoleLinkRow).where(ConsoleLinkRow.ends_at > now).values(ends_at=now)
    )
    connection.execute(
        update(PreparedActRow).where(PreparedActRow.ends_at > now).values(ends_at=now)
    )
    return True


def lift(connection: Connection) -> None:
    """Have the database take changes again."""
    connection.execute(update(LogHeadRow).where(LogHeadRow.id == 1).values(restored_at=None))


def note_loss(connection: Connection, loss: Loss) -> None:
    """Note what could not be brought back."""
    insert_rows(connection, LogLossRow, _LOSS_COLUMNS, [tuple(loss)])


def losses(connection: Connection) -> list[Loss]:
    """Return what could not be brought back, in order."""
    query = select(
        LogLossRow.first_leaf,
        LogLossRow.end_leaf,
        LogLossRow.first_seq,
        LogLossRow.end_seq,
        LogLossRow.reconciled_at,
    ).order_by(LogLossRow.first_leaf)
    return [Loss(*row) for row in connection.execute(query)]

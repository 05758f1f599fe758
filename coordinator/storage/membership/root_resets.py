"""Root keys that are to take over."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from coordinator.storage.engine.reads import read_one
from coordinator.storage.tables.life_cycle import RootResetRow

WAITING = "waiting"
DONE = "done"
STOPPED = "stopped"


def insert_reset(connection: Connection, values: Mapping[str, object]) -> None:
    """Store an announced reset."""
    connection.execute(insert(RootResetRow).values(status=WAITING, **values))


def waiting(connection: Connection, handle: str) -> RootResetRow | None:
    """Return the reset that a partner has coming; there is at most one."""
    query = select(RootResetRow).where(
        RootResetRow.partner == handle, RootResetRow.status == WAITING
    )
    return read_one(connection, query)


def get(connection: Connection, reset_id: str) -> RootResetRow | None:
    """Return one reset."""
    query = select(RootResetRow).where(RootResetRow.id == reset_id)
    return read_one(connection, query)


def end(connection: Connection, reset_id: str, status: str) -> bool:
    """Have a waiting reset done or stopped; False if it no longer waits."""
    statement = (
        update(RootResetRow)
        .where(RootResetRow.id == reset_id, RootResetRow.status == WAITING)
        .values(status=status)
    )
    return connection.execute(statement).rowcount == 1


def due(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return the resets whose waiting time is over."""
    query = (
        select(RootResetRow.id)
        .where(RootResetRow.status == WAITING, RootResetRow.effective_at <= now)
        .order_by(RootResetRow.effective_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())

"""Lines of the read log: reads of one thing by one key within a window, added up."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from coordinator.storage.engine.database import Database
from coordinator.storage.engine.reads import read_as
from coordinator.storage.engine.rows import send_rows
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.life_cycle import ErasureRow
from coordinator.storage.tables.read_log import RequestReadRow
from coordinator.storage.tail import restored
from holdfast.protocol.read_log_views import ReadOf, ReadVia

#: Lines of one transaction: a few milliseconds, so that no change on SQLite waits long for it.
MOST_AT_ONCE = 256
_LINE = ("request_id", "window_at", "subject", "kid", "what", "via", "roles")
_ADD_UP = (
    f"ON CONFLICT ({', '.join(_LINE)}) DO UPDATE SET"
    " first_at = CASE WHEN excluded.first_at < request_read.first_at"
    " THEN excluded.first_at ELSE request_read.first_at END,"
    " last_at = CASE WHEN excluded.last_at > request_read.last_at"
    " THEN excluded.last_at ELSE request_read.last_at END,"
    " times = request_read.times + excluded.times"
)


class ReadLine(NamedTuple):
    """A line; the columns of its row.

    Attributes:
        kid: Empty where somebody had signed in by their organisation's own provider.
        roles: Comma-separated.
    """

    id: str
    request_id: str
    partner: str
    subject: str
    kid: str
    roles: str
    what: ReadOf
    via: ReadVia
    window_at: datetime
    first_at: datetime
    last_at: datetime
    times: int


def add_up(database: Database, lines: Sequence[ReadLine]) -> bool:
    """Store lines, or add them to those that are there, in one transaction of their own.

    What an erased request was read before is not stored any more.

    Returns:
        False, having stored none, where the database was restored and is only read.

    Raises:
        SQLAlchemyError: If they cannot be stored now.
    """
    with database.transaction() as connection:
        if restored.since(connection) is not None:
            return False
        erased = _erased(connection, {line.request_id for line in lines})
        # In one order, or two processes that add to the same lines would wait for each other.
        rows = sorted(
            (line for line in lines if line.request_id not in erased),
            key=lambda line: (line.request_id, line.window_at, *line[3:8]),
        )
        if rows:
            send_rows(connection, RequestReadRow, ReadLine._fields, rows, conflict=_ADD_UP)
        return True


def _erased(connection: Connection, request_ids: set[str]) -> set[str]:
    query = select(FreezeRequestRow.id).where(
        FreezeRequestRow.id.in_(sorted(request_ids)), FreezeRequestRow.erased_at.is_not(None)
    )
    return set(connection.execute(query).scalars())


def of_request(
    connection: Connection,
    request_id: str,
    partner: str | None,
    *,
    before: str | None = None,
    limit: int,
) -> list[ReadLine]:
    """Return a request's lines, newest first; of one partner's people alone, or of all (None)."""
    query = select(RequestReadRow.__table__).where(RequestReadRow.request_id == request_id)
    if partner is not None:
        query = query.where(RequestReadRow.partner == partner)
    if before is not None:
        query = query.where(RequestReadRow.id < before)
    return read_as(connection, ReadLine, query.order_by(RequestReadRow.id.desc()).limit(limit))


def forget(connection: Connection, request_id: str) -> None:
    """Remove who read a request that is erased."""
    connection.execute(delete(RequestReadRow).where(RequestReadRow.request_id == request_id))


def forget_late(connection: Connection, erasure_ids: Sequence[str]) -> None:
    """Remove what a transaction that was open beside an erasure still stored."""
    erased = select(ErasureRow.request_id).where(ErasureRow.id.in_(erasure_ids))
    connection.execute(delete(RequestReadRow).where(RequestReadRow.request_id.in_(erased)))

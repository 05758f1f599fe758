"""Documents that raised whose word a request rests on."""

from typing import Any

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.life_cycle import SupportRow


def insert_support(connection: Connection, **values: Any) -> SupportRow:
    """Store one and return its row."""
    connection.execute(insert(SupportRow).values(**values))
    return new_row(SupportRow, values)


def page(connection: Connection, request_id: str, *, after: str, limit: int) -> list[SupportRow]:
    """Return a request's, oldest first."""
    query = select(SupportRow).where(SupportRow.request_id == request_id, SupportRow.id > after)
    return read(connection, query.order_by(SupportRow.id).limit(limit))

"""Orders that authorities or holding partners attached."""

from typing import Any

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.life_cycle import LegalOrderRow


def insert_order(connection: Connection, **values: Any) -> LegalOrderRow:
    """Store an order and return its row."""
    connection.execute(insert(LegalOrderRow).values(**values))
    return new_row(LegalOrderRow, values)


def page(
    connection: Connection, request_id: str, *, leg_id: str | None, after: str, limit: int
) -> list[LegalOrderRow]:
    """Return a request's orders, oldest first.

    With `leg_id` that leg's and those about all legs.
    """
    query = select(LegalOrderRow).where(
        LegalOrderRow.request_id == request_id, LegalOrderRow.id > after
    )
    if leg_id is not None:
        query = query.where(LegalOrderRow.leg_id.is_(None) | (LegalOrderRow.leg_id == leg_id))
    return read(connection, query.order_by(LegalOrderRow.id).limit(limit))

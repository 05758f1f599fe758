"""Indemnities that requesters gave to the partners that they asked."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.life_cycle import IndemnityRow


def insert_indemnity(connection: Connection, **values: Any) -> IndemnityRow:
    """Store one and return its row."""
    connection.execute(insert(IndemnityRow).values(**values))
    return new_row(IndemnityRow, values)


def page(
    connection: Connection, request_id: str, *, leg_id: str | None, after: str, limit: int
) -> list[IndemnityRow]:
    """Return a request's, oldest first; with `leg_id` that leg's and those for all."""
    query = select(IndemnityRow).where(
        IndemnityRow.request_id == request_id, IndemnityRow.id > after
    )
    if leg_id is not None:
        query = query.where(IndemnityRow.leg_id.is_(None) | (IndemnityRow.leg_id == leg_id))
    return read(connection, query.order_by(IndemnityRow.id).limit(limit))


def of_requests(connection: Connection, request_ids: Collection[str]) -> list[IndemnityRow]:
    """Return those of a few requests, oldest first."""
    query = select(IndemnityRow).where(IndemnityRow.request_id.in_(sorted(request_ids)))
    return read(connection, query.order_by(IndemnityRow.id))

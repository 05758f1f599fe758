"""Orders that authorities or holding partners attached."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select

from coordinator.domain.encumbrance import BLOCKING
from coordinator.storage.engine.reads import read
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.freeze_requests import LegRow
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
        query = query.where(_concerns(leg_id))
    return read(connection, query.order_by(LegalOrderRow.id).limit(limit))


def of_leg(connection: Connection, leg: LegRow) -> list[LegalOrderRow]:
    """Return the orders that concern a leg: its own, and those about all legs of its request."""
    query = select(LegalOrderRow).where(
        LegalOrderRow.request_id == leg.request_id, _concerns(leg.id)
    )
    return read(connection, query.order_by(LegalOrderRow.id))


def standing_on_leg(connection: Connection, leg: LegRow) -> list[LegalOrderRow]:
    """Return those of them that were not lifted."""
    query = select(LegalOrderRow).where(
        LegalOrderRow.request_id == leg.request_id,
        _concerns(leg.id),
        LegalOrderRow.status.in_(sorted(status.value for status in BLOCKING)),
    )
    return read(connection, query.order_by(LegalOrderRow.id))


def same_document(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None,
    partner: str,
    document_sha256: str,
) -> list[LegalOrderRow]:
    """Return the orders with this document that a partner attached to a leg (None: to all)."""
    query = select(LegalOrderRow).where(
        LegalOrderRow.request_id == request_id,
        LegalOrderRow.leg_id.is_(None) if leg_id is None else LegalOrderRow.leg_id == leg_id,
        LegalOrderRow.partner == partner,
        LegalOrderRow.document_sha256 == document_sha256,
    )
    return read(connection, query.order_by(LegalOrderRow.id))


def _concerns(leg_id: str) -> ColumnElement[bool]:
    return LegalOrderRow.leg_id.is_(None) | (LegalOrderRow.leg_id == leg_id)

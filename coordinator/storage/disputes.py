"""Disputes: what partners contest for their customers, and until when it must be answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.life_cycle import DisputeRow


def insert_dispute(connection: Connection, **values: Any) -> None:
    """Store an open dispute."""
    connection.execute(insert(DisputeRow).values(**values))


def get(
    connection: Connection, dispute_id: str, *, request_id: str | None = None
) -> Row[Any] | None:
    """Return one dispute, of any request or of the one named."""
    query = select(DisputeRow.__table__).where(DisputeRow.id == dispute_id)
    if request_id is not None:
        query = query.where(DisputeRow.request_id == request_id)
    return connection.execute(query).one_or_none()


def change(connection: Connection, dispute_id: str, **values: Any) -> None:
    """Write values where the dispute is not resolved yet.

    Raises:
        ConflictError: If it was resolved meanwhile.
    """
    statement = (
        update(DisputeRow)
        .where(DisputeRow.id == dispute_id, DisputeRow.resolved_at.is_(None))
        .values(**values)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("this dispute was resolved meanwhile", code="already_resolved")


def open_disputes(connection: Connection, leg_id: str) -> Sequence[Row[Any]]:
    """Return a leg's disputes that are not resolved, oldest first."""
    query = (
        select(DisputeRow.__table__)
        .where(DisputeRow.leg_id == leg_id, DisputeRow.resolved_at.is_(None))
        .order_by(DisputeRow.id)
    )
    return connection.execute(query).all()


def open_times(
    connection: Connection, leg_ids: Sequence[str]
) -> dict[str, tuple[datetime, datetime | None]]:
    """Return, of legs with open disputes, the first `answer_by` and when a release was advised."""
    query = (
        select(
            DisputeRow.leg_id,
            func.min(DisputeRow.answer_by).label("answer_by"),
            func.min(DisputeRow.release_recommended_at).label("recommended_at"),
        )
        .where(DisputeRow.leg_id.in_(leg_ids), DisputeRow.resolved_at.is_(None))
        .group_by(DisputeRow.leg_id)
    )
    rows = connection.execute(query).all() if leg_ids else []
    return {row.leg_id: (row.answer_by, row.recommended_at) for row in rows}


def due_for_answer(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return disputes that the requester did not answer in time: one indexed read."""
    query = (
        select(DisputeRow.id)
        .where(
            DisputeRow.resolved_at.is_(None),
            DisputeRow.release_recommended_at.is_(None),
            DisputeRow.answer_by <= now,
        )
        .order_by(DisputeRow.answer_by)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def page(
    connection: Connection, request_id: str, *, leg_id: str | None, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Return disputes on a request (or on one leg of it), oldest first, with the leg's partner."""
    query = (
        select(DisputeRow.__table__, LegRow.partner)
        .join(LegRow, LegRow.id == DisputeRow.leg_id)
        .where(LegRow.request_id == request_id, DisputeRow.id > after)
    )
    if leg_id is not None:
        query = query.where(DisputeRow.leg_id == leg_id)
    return connection.execute(query.order_by(DisputeRow.id).limit(limit)).all()

"""Additions: more partners for a live request, and the decisions on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import read, read_as, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.freeze_requests import ActRow
from coordinator.storage.tables.life_cycle import AdditionDecisionRow, AdditionRow

PENDING = "pending"
APPROVED = "approved"
REJECTED = "rejected"


class Decision(NamedTuple):
    """One lead's decision on an addition, and when it was made."""

    addition_id: str
    person: str
    decision: str
    act_id: str
    at: datetime


def insert_addition(connection: Connection, **values: Any) -> AdditionRow:
    """Store a pending addition and return its row."""
    row = new_row(AdditionRow, {"status": PENDING, **values})
    connection.execute(insert(AdditionRow).values(status=row.status, **values))
    return row


def by_context(connection: Connection, request_id: str, context_sha256: str) -> AdditionRow | None:
    """Return the addition of a request that a decision context is of."""
    query = select(AdditionRow).where(
        AdditionRow.context_sha256 == context_sha256, AdditionRow.request_id == request_id
    )
    return read_one(connection, query)


def get(connection: Connection, request_id: str, addition_id: str) -> AdditionRow | None:
    """Return one addition of a request."""
    query = select(AdditionRow).where(
        AdditionRow.id == addition_id, AdditionRow.request_id == request_id
    )
    return read_one(connection, query)


def of_acts(connection: Connection, act_ids: Sequence[str]) -> dict[str, str]:
    """Return the additions that acts proposed, by act."""
    query = select(AdditionRow.act_id, AdditionRow.id).where(AdditionRow.act_id.in_(act_ids))
    return dict(connection.execute(query).all()) if act_ids else {}


def is_context_taken(connection: Connection, context_sha256: str) -> bool:
    """Tell whether an addition with this context exists."""
    query = select(AdditionRow.id).where(AdditionRow.context_sha256 == context_sha256)
    return connection.execute(query).one_or_none() is not None


def pending_since(connection: Connection, request_id: str, since: datetime) -> list[str]:
    """Return a request's undecided additions that were proposed after `since`."""
    query = select(AdditionRow.id).where(
        AdditionRow.request_id == request_id,
        AdditionRow.status == PENDING,
        AdditionRow.proposed_at > since,
    )
    return list(connection.execute(query.order_by(AdditionRow.id)).scalars())


def insert_decision(
    connection: Connection, addition_id: str, person: str, decision: str, act_id: str
) -> None:
    """Store one lead's decision."""
    connection.execute(
        insert(AdditionDecisionRow).values(
            addition_id=addition_id, person=person, decision=decision, act_id=act_id
        )
    )


def decisions(connection: Connection, addition_ids: Sequence[str]) -> list[Decision]:
    """Return the decisions on additions with their times, oldest first."""
    query = (
        select(
            AdditionDecisionRow.addition_id,
            AdditionDecisionRow.person,
            AdditionDecisionRow.decision,
            AdditionDecisionRow.act_id,
            ActRow.at,
        )
        .join(ActRow, ActRow.id == AdditionDecisionRow.act_id)
        .where(AdditionDecisionRow.addition_id.in_(addition_ids))
        .order_by(AdditionDecisionRow.act_id)
    )
    return read_as(connection, Decision, query)


def decide(connection: Connection, addition_id: str, status: str, now: datetime) -> None:
    """End an addition's waiting.

    Raises:
        ConflictError: If it was decided meanwhile.
    """
    statement = (
        update(AdditionRow)
        .where(AdditionRow.id == addition_id, AdditionRow.status == PENDING)
        .values(status=status, decided_at=now)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("this addition was decided meanwhile", code="already_decided")


def page(connection: Connection, request_id: str, *, after: str, limit: int) -> list[AdditionRow]:
    """Return a request's additions, oldest first."""
    query = (
        select(AdditionRow)
        .where(AdditionRow.request_id == request_id, AdditionRow.id > after)
        .order_by(AdditionRow.id)
        .limit(limit)
    )
    return read(connection, query)

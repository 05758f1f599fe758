"""Grants that a lead proposed and another must approve."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.tables.life_cycle import GrantProposalRow

PENDING: Final = "pending"
APPROVED = "approved"


def insert_proposal(connection: Connection, values: Mapping[str, object]) -> None:
    """Store a proposal as pending."""
    connection.execute(insert(GrantProposalRow).values(status=PENDING, **values))


def get(connection: Connection, proposal_id: str) -> GrantProposalRow | None:
    """Return one proposal."""
    query = select(GrantProposalRow).where(GrantProposalRow.id == proposal_id)
    return read_one(connection, query)


def pending(
    connection: Connection, handle: str, now: datetime, *, after: str = "", limit: int = 100
) -> list[GrantProposalRow]:
    """Return a partner's proposals that can still be approved, in the order they were made."""
    query = (
        select(GrantProposalRow)
        .where(
            GrantProposalRow.partner == handle,
            GrantProposalRow.status == PENDING,
            GrantProposalRow.expires_at > now,
            GrantProposalRow.id > after,
        )
        .order_by(GrantProposalRow.id)
        .limit(limit)
    )
    return read(connection, query)


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, GrantProposalRow]:
    """Return the proposals among `ids`."""
    if not ids:
        return {}
    query = select(GrantProposalRow).where(GrantProposalRow.id.in_(ids))
    return {row.id: row for row in read(connection, query)}


def approve(connection: Connection, proposal_id: str, approver: str, now: datetime) -> bool:
    """Mark a pending proposal as approved; False if it no longer was pending."""
    statement = (
        update(GrantProposalRow)
        .where(GrantProposalRow.id == proposal_id, GrantProposalRow.status == PENDING)
        .values(status=APPROVED, approver=approver, decided_at=now)
    )
    return connection.execute(statement).rowcount == 1

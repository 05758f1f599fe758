"""Withdrawals, and disputes upheld, that wait for another lead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, insert, or_, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import read_as
from coordinator.storage.requests.left_out_acts import Heard, is_from_before
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.life_cycle import DisputeRow, WithdrawalProposalRow

PENDING = "pending"
APPROVED = "approved"
REJECTED = "rejected"
VOID = "void"
#: What it was about ended otherwise: the request, or the dispute.
MOOT = "moot"


class Proposal(NamedTuple):
    """A proposal with the leg that its dispute is about; None where it is a withdrawal."""

    id: str
    request_id: str
    requester: str
    dispute_id: str | None
    act_id: str
    status: str
    proposed_by_person: str
    proposed_by_kid: str
    proposed_at: datetime
    void_at: datetime
    decided_at: datetime | None
    decided_act_id: str | None
    leg_id: str | None


def _proposals() -> Select[Any]:
    return select(WithdrawalProposalRow.__table__, DisputeRow.leg_id).outerjoin(
        DisputeRow, DisputeRow.id == WithdrawalProposalRow.dispute_id
    )


def insert_proposal(connection: Connection, proposal: Proposal) -> None:
    """Store a pending proposal."""
    values = proposal._asdict()
    del values["leg_id"]
    connection.execute(insert(WithdrawalProposalRow).values(**values))


def get(
    connection: Connection, proposal_id: str, *, request_id: str | None = None
) -> Proposal | None:
    """Return one proposal, of any request or of the one named."""
    query = _proposals().where(WithdrawalProposalRow.id == proposal_id)
    if request_id is not None:
        query = query.where(WithdrawalProposalRow.request_id == request_id)
    return next(iter(read_as(connection, Proposal, query)), None)


def pending_withdrawals(connection: Connection, request_id: str) -> list[Proposal]:
    """Return the withdrawals of a request that wait for another lead, oldest first."""
    of_request = WithdrawalProposalRow.request_id == request_id
    return _pending(connection, of_request, WithdrawalProposalRow.dispute_id.is_(None))


def pending_upholdings(connection: Connection, dispute_id: str) -> list[Proposal]:
    """Return what waits for another lead to uphold a dispute, oldest first."""
    return _pending(connection, WithdrawalProposalRow.dispute_id == dispute_id)


def _pending(connection: Connection, *about: ColumnElement[bool]) -> list[Proposal]:
    query = _proposals().where(*about, WithdrawalProposalRow.status == PENDING)
    return read_as(connection, Proposal, query.order_by(WithdrawalProposalRow.id))


def approvals(connection: Connection, act_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the acts that approved what these acts proposed, by the act that proposed it."""
    row = WithdrawalProposalRow
    query = select(row.act_id, row.decided_act_id).where(
        row.act_id.in_(act_ids), row.status == APPROVED
    )
    found = connection.execute(query).all()
    return {proposed: [decided] for proposed, decided in found if decided is not None}


def waits(connection: Connection, proposal_id: str, now: datetime) -> bool:
    """Tell whether another lead can still carry a proposal out."""
    query = select(WithdrawalProposalRow.id).where(
        WithdrawalProposalRow.id == proposal_id,
        WithdrawalProposalRow.status == PENDING,
        WithdrawalProposalRow.void_at > now,
    )
    return connection.execute(query).first() is not None


def decide(
    connection: Connection, proposal_id: str, *, status: str, act_id: str, now: datetime
) -> None:
    """End a proposal's waiting.

    Raises:
        ConflictError: If it was decided meanwhile.
    """
    statement = (
        update(WithdrawalProposalRow)
        .where(WithdrawalProposalRow.id == proposal_id, WithdrawalProposalRow.status == PENDING)
        .values(status=status, decided_at=now, decided_act_id=act_id)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("this withdrawal was decided meanwhile", code="already_decided")


def page(
    connection: Connection,
    request_id: str,
    *,
    heard: Heard,
    after: str,
    limit: int,
) -> list[Proposal]:
    """Return proposals on a request, oldest first; with a leg those that concern it.

    Who does not hear of addresses left out is not shown what was proposed before they were.
    """
    query = _proposals().where(
        WithdrawalProposalRow.request_id == request_id, WithdrawalProposalRow.id > after
    )
    if heard.leg_id is not None:
        query = query.where(
            or_(WithdrawalProposalRow.dispute_id.is_(None), DisputeRow.leg_id == heard.leg_id)
        )
    if not heard.of_left_out:
        query = query.where(~is_from_before())
    return read_as(connection, Proposal, query.order_by(WithdrawalProposalRow.id).limit(limit))


def due(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return pending proposals whose time is past: one indexed read."""
    query = (
        select(WithdrawalProposalRow.id)
        .where(WithdrawalProposalRow.status == PENDING, WithdrawalProposalRow.void_at <= now)
        .order_by(WithdrawalProposalRow.void_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def holds_anything(
    connection: Connection, request_id: str, numbers: Sequence[int] | None = None
) -> bool:
    """Tell whether any hold that counts for a request, or for some addresses of it, is open."""
    query = (
        select(HoldLinkRow.address_no)
        .distinct()
        .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
        .where(HoldLinkRow.request_id == request_id, ~HoldRow.ended)
    )
    held = set(connection.execute(query).scalars())
    return bool(held) if numbers is None else not held.isdisjoint(numbers)

"""Disputes: what partners contest for their customers, and until when it must be answered."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, literal, select, update

from coordinator.domain.contested import HeldPlace, OpenDispute, UpheldDispute
from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.base import UtcTime
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import DisputeRow


class DisputeOnLeg(NamedTuple):
    """A dispute; `partner` is whose leg it is about."""

    id: str
    request_id: str
    leg_id: str
    requester: str
    partner: str
    hold_id: str | None
    act_id: str
    raised_at: datetime
    answer_by: datetime
    resolution: str | None
    resolution_act_id: str | None
    resolved_at: datetime | None
    release_recommended_at: datetime | None
    upheld_addresses: list[int] | None = None
    to_withdraw: list[int] | None = None
    withdraw_since: datetime | None = None


class _ToWithdraw(NamedTuple):
    id: str
    to_withdraw: list[int]
    left: int


_DISPUTES = select(DisputeRow.__table__)


def insert_dispute(connection: Connection, dispute: DisputeOnLeg) -> None:
    """Store an open dispute."""
    connection.execute(insert(DisputeRow).values(**dispute._asdict()))


def get(
    connection: Connection, dispute_id: str, *, request_id: str | None = None
) -> DisputeOnLeg | None:
    """Return one dispute, of any request or of the one named."""
    query = _DISPUTES.where(DisputeRow.id == dispute_id)
    if request_id is not None:
        query = query.where(DisputeRow.request_id == request_id)
    return next(iter(read_as(connection, DisputeOnLeg, query)), None)


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


def open_disputes(connection: Connection, leg_id: str) -> list[DisputeOnLeg]:
    """Return a leg's disputes that are not resolved, oldest first."""
    query = _DISPUTES.where(DisputeRow.leg_id == leg_id, DisputeRow.resolved_at.is_(None))
    return read_as(connection, DisputeOnLeg, query.order_by(DisputeRow.id))


def open_on_request(connection: Connection, request_id: str) -> list[OpenDispute]:
    """Return what the open disputes on a request are about."""
    query = (
        select(DisputeRow.leg_id, DisputeRow.hold_id)
        .join(LegRow, LegRow.id == DisputeRow.leg_id)
        .where(LegRow.request_id == request_id, DisputeRow.resolved_at.is_(None))
    )
    return read_as(connection, OpenDispute, query)


def upheld_on_request(connection: Connection, request_id: str) -> list[UpheldDispute]:
    """Return the disputes on a request that were upheld, with what is to be withdrawn for each."""
    query = (
        select(DisputeRow.id, DisputeRow.upheld_addresses, DisputeRow.to_withdraw)
        .join(LegRow, LegRow.id == DisputeRow.leg_id)
        .where(LegRow.request_id == request_id, DisputeRow.upheld_addresses.is_not(None))
        .order_by(DisputeRow.id)
    )
    return read_as(connection, UpheldDispute, query)


def set_to_withdraw(
    connection: Connection, dispute_id: str, numbers: Sequence[int], now: datetime
) -> None:
    """Write which addresses wait to be withdrawn for an upheld dispute; none: nothing waits."""
    since = func.coalesce(DisputeRow.withdraw_since, literal(now, UtcTime())) if numbers else None
    connection.execute(
        update(DisputeRow)
        .where(DisputeRow.id == dispute_id)
        .values(to_withdraw=list(numbers) or None, withdraw_since=since)
    )


def to_withdraw(
    connection: Connection, dispute_ids: Collection[str]
) -> dict[str, list[int] | None]:
    """Return the addresses that wait to be withdrawn, by upheld dispute; None: all that are left.

    The last ones are withdrawn with the request.
    """
    request = FreezeRequestRow
    left = request.address_count - request.withdrawn_count - request.left_out_count
    query = (
        select(DisputeRow.id, DisputeRow.to_withdraw, left.label("left"))
        .join(request, request.id == DisputeRow.request_id)
        .where(DisputeRow.id.in_(dispute_ids), DisputeRow.to_withdraw.is_not(None))
    )
    rows = read_as(connection, _ToWithdraw, query) if dispute_ids else []
    return {row.id: row.to_withdraw if len(row.to_withdraw) < row.left else None for row in rows}


def held_places(connection: Connection, request_id: str) -> list[HeldPlace]:
    """Return what is held on a request, leg by leg and address by address."""
    query = (
        select(HoldLinkRow.leg_id, HoldLinkRow.hold_id, HoldLinkRow.address_no)
        .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
        .where(HoldLinkRow.request_id == request_id, HoldRow.ended.is_(False))
    )
    return read_as(connection, HeldPlace, query)


def open_times(
    connection: Connection, leg_ids: Sequence[str]
) -> dict[str, tuple[datetime, datetime | None]]:
    """Return, of legs with open disputes, the first `answer_by` and when a release was advised."""
    query = (
        select(
            DisputeRow.leg_id,
            func.min(DisputeRow.answer_by),
            func.min(DisputeRow.release_recommended_at),
        )
        .where(DisputeRow.leg_id.in_(leg_ids), DisputeRow.resolved_at.is_(None))
        .group_by(DisputeRow.leg_id)
    )
    rows = connection.execute(query).all() if leg_ids else []
    return {leg_id: (answer_by, recommended_at) for leg_id, answer_by, recommended_at in rows}


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
) -> list[DisputeOnLeg]:
    """Return disputes on a request (or on one leg of it), oldest first, with the leg's partner."""
    query = _DISPUTES.join(LegRow, LegRow.id == DisputeRow.leg_id).where(
        LegRow.request_id == request_id, DisputeRow.id > after
    )
    if leg_id is not None:
        query = query.where(DisputeRow.leg_id == leg_id)
    return read_as(connection, DisputeOnLeg, query.order_by(DisputeRow.id).limit(limit))

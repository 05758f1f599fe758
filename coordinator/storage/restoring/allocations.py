"""Allocations and the payouts that they become."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import fields_from, read, read_as, read_one
from coordinator.storage.engine.rows import insert_rows, new_row, update_rows
from coordinator.storage.engine.sums import sum_units
from coordinator.storage.tables.restitutions import AllocationRow, ClaimRow, PayoutRow
from holdfast.protocol.vocabulary import AllocationStatus, PayoutStatus

_COLUMNS = tuple(AllocationRow.__table__.columns.keys())
_NEW_PAYOUT = ("id", "restitution_id", "allocation_id", "claim_id", "amount", "status")


class Sharing(NamedTuple):
    """A claim as an allocation takes it: what was verified, and what it was given before."""

    id: str
    status: str
    verified: int | None
    allocated: int | None
    version: int


def insert_allocation(connection: Connection, **values: Any) -> AllocationRow:
    """Store one and return its row."""
    connection.execute(insert(AllocationRow).values(**values))
    return new_row(AllocationRow, values)


def get(connection: Connection, restitution_id: str, allocation_id: str) -> AllocationRow | None:
    """Return an allocation of a restitution."""
    query = select(AllocationRow).where(
        AllocationRow.id == allocation_id, AllocationRow.restitution_id == restitution_id
    )
    return read_one(connection, query)


def page(
    connection: Connection, restitution_id: str, *, after: str, limit: int
) -> list[AllocationRow]:
    """Return allocations of a restitution, oldest first."""
    query = select(AllocationRow).where(
        AllocationRow.restitution_id == restitution_id, AllocationRow.id > after
    )
    return read(connection, query.order_by(AllocationRow.id).limit(limit))


def change(connection: Connection, row: AllocationRow, **values: Any) -> AllocationRow:
    """Write new values to an allocation; returns it as it is now.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    values["version"] = row.version + 1
    changed = connection.execute(
        update(AllocationRow)
        .where(AllocationRow.id == row.id, AllocationRow.version == row.version)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise ConflictError("somebody decided on this allocation meanwhile: read it again")
    return new_row(AllocationRow, {name: getattr(row, name) for name in _COLUMNS} | values)


def is_one_waiting(connection: Connection, restitution_id: str) -> bool:
    """Tell whether an allocation of a restitution waits for approvals."""
    query = select(AllocationRow.id).where(
        AllocationRow.restitution_id == restitution_id,
        AllocationRow.status == AllocationStatus.PROPOSED.value,
    )
    return connection.execute(query).first() is not None


def given(connection: Connection, restitution_ids: Collection[str]) -> dict[str, int]:
    """Return what approved allocations of a few restitutions give away."""
    query = select(AllocationRow.restitution_id, AllocationRow.given).where(
        AllocationRow.restitution_id.in_(sorted(restitution_ids)),
        AllocationRow.status == AllocationStatus.APPROVED.value,
    )
    found = dict.fromkeys(restitution_ids, 0)
    for restitution_id, amount in connection.execute(query):
        found[restitution_id] += amount
    return found


def sharing(connection: Connection, restitution_id: str) -> list[Sharing]:
    """Return every claim of a restitution that was verified, by id."""
    query = (
        select(*fields_from(Sharing, ClaimRow))
        .where(ClaimRow.restitution_id == restitution_id, ClaimRow.verified.is_not(None))
        .order_by(ClaimRow.id)
    )
    return read_as(connection, Sharing, query)


def give(
    connection: Connection, payouts: Sequence[Sequence[Any]], claims: Sequence[Sequence[Any]]
) -> None:
    """Store payouts that are due, and what their claims were given in all.

    Args:
        connection: Inside the writing transaction.
        payouts: In the order of the columns id, restitution, allocation, claim, amount, status.
        claims: id, then status, allocated, version.
    """
    insert_rows(connection, PayoutRow, _NEW_PAYOUT, payouts)
    update_rows(connection, ClaimRow, ("id",), ("status", "allocated", "version"), claims)


def payouts(
    connection: Connection, restitution_id: str, payout_ids: Collection[str]
) -> dict[str, PayoutRow]:
    """Return payouts of a restitution by id."""
    found: dict[str, PayoutRow] = {}
    for some in batches(sorted(payout_ids)):
        query = select(PayoutRow).where(
            PayoutRow.restitution_id == restitution_id, PayoutRow.id.in_(some)
        )
        found |= {row.id: row for row in read(connection, query)}
    return found


def record(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Write what became of payouts: id, then status, act, line and time."""
    update_rows(connection, PayoutRow, ("id",), ("status", "act_id", "line_no", "at"), rows)


def statuses_of(connection: Connection, claim_ids: Collection[str]) -> dict[str, set[str]]:
    """Return the statuses of all payouts of claims."""
    found: dict[str, set[str]] = {claim_id: set() for claim_id in claim_ids}
    for some in batches(sorted(claim_ids)):
        query = select(PayoutRow.claim_id, PayoutRow.status).where(PayoutRow.claim_id.in_(some))
        for claim_id, status in connection.execute(query.distinct()):
            found[claim_id].add(status)
    return found


def move_claims(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Write new statuses of claims: id, then status and version."""
    update_rows(connection, ClaimRow, ("id",), ("status", "version"), rows)


def claims_of(connection: Connection, claim_ids: Collection[str]) -> list[Sharing]:
    """Return claims by id."""
    found: list[Sharing] = []
    for some in batches(sorted(claim_ids)):
        query = select(*fields_from(Sharing, ClaimRow)).where(ClaimRow.id.in_(some))
        found += read_as(connection, Sharing, query)
    return found


class ShownPayout(NamedTuple):
    """A payout with whoever filed its claim."""

    id: str
    allocation_id: str
    claim_id: str
    amount: int
    status: str
    act_id: str | None
    line_no: int | None
    at: Any
    filed_by: str


def page_of_payouts(
    connection: Connection,
    restitution_id: str,
    *,
    status: PayoutStatus | None,
    after: str,
    limit: int,
) -> list[ShownPayout]:
    """Return payouts of a restitution, oldest first."""
    query = (
        select(*fields_from(ShownPayout, PayoutRow), ClaimRow.filed_by)
        .join(ClaimRow, ClaimRow.id == PayoutRow.claim_id)
        .where(PayoutRow.restitution_id == restitution_id, PayoutRow.id > after)
    )
    if status is not None:
        query = query.where(PayoutRow.status == status.value)
    return read_as(connection, ShownPayout, query.order_by(PayoutRow.id).limit(limit))


def payouts_of(connection: Connection, claim_id: str) -> list[ShownPayout]:
    """Return the payouts of one claim, oldest first: one an allocation."""
    query = (
        select(*fields_from(ShownPayout, PayoutRow), ClaimRow.filed_by)
        .join(ClaimRow, ClaimRow.id == PayoutRow.claim_id)
        .where(PayoutRow.claim_id == claim_id)
    )
    return read_as(connection, ShownPayout, query.order_by(PayoutRow.id))


class PayoutSum(NamedTuple):
    """Payouts of one status: how many, and what they come to."""

    number: int
    amount: int


def payout_sums(
    connection: Connection, restitution_ids: Collection[str]
) -> dict[str, dict[str, PayoutSum]]:
    """Return what the payouts of a few restitutions come to, by status."""
    query = (
        select(
            PayoutRow.restitution_id,
            PayoutRow.status,
            func.count(),
            sum_units(connection, PayoutRow.amount),
        )
        .where(PayoutRow.restitution_id.in_(sorted(restitution_ids)))
        .group_by(PayoutRow.restitution_id, PayoutRow.status)
    )
    found: dict[str, dict[str, PayoutSum]] = {each: {} for each in restitution_ids}
    for restitution_id, status, count, amount in connection.execute(query):
        found[restitution_id][status] = PayoutSum(count, amount)
    return found


def count_unpaid(connection: Connection, restitution_id: str) -> int:
    """Return how many payouts of a restitution are due or failed."""
    query = select(func.count()).where(
        PayoutRow.restitution_id == restitution_id,
        PayoutRow.status != PayoutStatus.PAID.value,
    )
    return int(connection.execute(query).scalar_one())

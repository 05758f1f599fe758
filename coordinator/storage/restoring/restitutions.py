"""Restitutions and the lines of their pools."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import read, read_as, read_one
from coordinator.storage.tables.freeze_ledger import LedgerLineRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.restitutions import PoolLineRow, RestitutionRow


class ReturnedFunds(NamedTuple):
    """A `returned` line of the freeze ledger, and whose incident it is of."""

    id: str
    asset: str | None
    amount: int | None
    requester: str
    incident_id: str
    report_id: str
    line_no: int


def get(
    connection: Connection, restitution_id: str, *, lock: bool = False
) -> RestitutionRow | None:
    """Return a restitution; `lock` keeps others from acting on it until the commit."""
    query = select(RestitutionRow).where(RestitutionRow.id == restitution_id)
    return read_one(connection, query.with_for_update() if lock else query)


def page(
    connection: Connection, opener: str, *, before: str | None, limit: int
) -> list[RestitutionRow]:
    """Return the restitutions that a member opened, newest first."""
    query = select(RestitutionRow).where(RestitutionRow.opener == opener)
    if before is not None:
        query = query.where(RestitutionRow.id < before)
    return read(connection, query.order_by(RestitutionRow.id.desc()).limit(limit))


def is_known(connection: Connection, opener: str, content_sha256: str) -> bool:
    """Tell whether a member opened one by this very document."""
    query = select(RestitutionRow.id).where(
        RestitutionRow.opener == opener, RestitutionRow.content_sha256 == content_sha256
    )
    return connection.execute(query).first() is not None


def of_the_same_incident(connection: Connection, restitution_id: str) -> list[str]:
    """Lock all restitutions of the incident that one is of; return the ids of the others.

    In one order, so that two who do so wait for each other instead of both for ever.
    """
    incident = select(RestitutionRow.incident_id).where(RestitutionRow.id == restitution_id)
    query = select(RestitutionRow.id).where(
        RestitutionRow.incident_id == incident.scalar_subquery()
    )
    locked = connection.execute(query.order_by(RestitutionRow.id).with_for_update()).scalars()
    return [each for each in locked if each != restitution_id]


def insert_restitution(connection: Connection, **values: Any) -> None:
    """Store one."""
    connection.execute(insert(RestitutionRow).values(**values))


def close(connection: Connection, row: RestitutionRow, *, status: str, at: datetime) -> None:
    """Store that one is closed.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    changed = connection.execute(
        update(RestitutionRow)
        .where(RestitutionRow.id == row.id, RestitutionRow.version == row.version)
        .values(status=status, closed_at=at, version=row.version + 1)
    )
    if changed.rowcount != 1:
        raise ConflictError("somebody changed this restitution meanwhile: read it again")


def assets(connection: Connection, restitution_ids: Collection[str]) -> dict[str, str]:
    """Return the asset in which claims of each of a few restitutions are paid."""
    query = select(RestitutionRow.id, RestitutionRow.asset).where(
        RestitutionRow.id.in_(sorted(restitution_ids))
    )
    return dict(connection.execute(query).all())


def pool_lines(
    connection: Connection, restitution_ids: Collection[str]
) -> dict[str, list[PoolLineRow]]:
    """Return the lines of the pools of a few restitutions, in order."""
    query = select(PoolLineRow).where(PoolLineRow.restitution_id.in_(sorted(restitution_ids)))
    found: dict[str, list[PoolLineRow]] = {each: [] for each in restitution_ids}
    for row in read(connection, query.order_by(PoolLineRow.id)):
        found[row.restitution_id].append(row)
    return found


def page_of_lines(
    connection: Connection, restitution_id: str, *, after: str, limit: int
) -> list[PoolLineRow]:
    """Return lines of a pool, oldest first."""
    query = select(PoolLineRow).where(
        PoolLineRow.restitution_id == restitution_id, PoolLineRow.id > after
    )
    return read(connection, query.order_by(PoolLineRow.id).limit(limit))


def insert_lines(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Store lines of a pool."""
    connection.execute(insert(PoolLineRow), rows)


def in_a_pool(connection: Connection, line_ids: Collection[str]) -> set[str]:
    """Return those lines of the ledger that are in a pool already, whoever's."""
    query = select(PoolLineRow.line_id).where(PoolLineRow.line_id.in_(sorted(line_ids)))
    return {str(each) for each in connection.execute(query).scalars()}


def returned_lines(connection: Connection, line_ids: Collection[str]) -> dict[str, ReturnedFunds]:
    """Return `returned` lines of the ledger that nothing corrected."""
    correction = LedgerLineRow.__table__.alias("correction")
    corrected = select(correction.c.id).where(correction.c.corrects == LedgerLineRow.id)
    query = (
        select(
            LedgerLineRow.id,
            LedgerLineRow.asset,
            LedgerLineRow.amount,
            FreezeRequestRow.requester,
            FreezeRequestRow.incident_id,
            LedgerLineRow.report_id,
            LedgerLineRow.line_no,
        )
        .join(FreezeRequestRow, FreezeRequestRow.id == LedgerLineRow.request_id)
        .where(
            LedgerLineRow.id.in_(sorted(line_ids)),
            LedgerLineRow.kind == "returned",
            ~corrected.exists(),
        )
    )
    return {each.id: each for each in read_as(connection, ReturnedFunds, query)}

"""Encumbrances and what they lie on; how they, and legal orders, are reviewed and lifted."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, exists, insert, literal, select, update

from coordinator.domain.encumbrance import BLOCKING, TARGET_KINDS, HoldTarget, Target
from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_ledger import HoldRow
from coordinator.storage.tables.life_cycle import LegalOrderRow
from holdfast.protocol.vocabulary import EncumbranceStatus

#: Both stand, are reviewed, and are lifted alike.
Restraint = EncumbranceRow | LegalOrderRow
R = TypeVar("R", bound=Restraint)
_BLOCKING = sorted(status.value for status in BLOCKING)


def insert_encumbrance(connection: Connection, **values: Any) -> EncumbranceRow:
    """Store one and return its row."""
    connection.execute(insert(EncumbranceRow).values(**values))
    return new_row(EncumbranceRow, values)


def page(
    connection: Connection, request_id: str, *, leg_id: str | None, after: str, limit: int
) -> list[EncumbranceRow]:
    """Return a request's, oldest first; with `leg_id` that leg's."""
    query = select(EncumbranceRow).where(
        EncumbranceRow.request_id == request_id, EncumbranceRow.id > after
    )
    if leg_id is not None:
        query = query.where(EncumbranceRow.leg_id == leg_id)
    return read(connection, query.order_by(EncumbranceRow.id).limit(limit))


def on_targets(connection: Connection, targets: Collection[Target]) -> list[EncumbranceRow]:
    """Return those that still count on any of some targets, oldest first."""
    found: list[EncumbranceRow] = []
    kinds = {target.id: TARGET_KINDS[type(target)] for target in targets}
    for some in batches(sorted(kinds)):
        query = select(EncumbranceRow).where(
            EncumbranceRow.target_id.in_(some), EncumbranceRow.status.in_(_BLOCKING)
        )
        rows = read(connection, query.order_by(EncumbranceRow.id))
        found += [row for row in rows if kinds[row.target_id] == row.target_kind]
    return found


def outlives(request_id: Any) -> ColumnElement[bool]:
    """Return whether a claim that was attached on a request lies on a hold that is still open.

    Such a hold counts for another request, and the claim could be lifted on this one alone.
    """
    return (
        exists()
        .where(EncumbranceRow.request_id == request_id, EncumbranceRow.status.in_(_BLOCKING))
        .where(EncumbranceRow.target_kind == TARGET_KINDS[HoldTarget])
        .where(HoldRow.id == EncumbranceRow.target_id, ~HoldRow.ended)
    )


def does_one_outlive(connection: Connection, request_id: str) -> bool:
    """Tell that of one request; see `outlives`."""
    return bool(connection.execute(select(outlives(literal(request_id)))).scalar_one())


def get(connection: Connection, table: type[R], restraint_id: str) -> R | None:
    """Return one encumbrance or legal order."""
    return read_one(connection, select(table).where(table.id == restraint_id))


def change(connection: Connection, row: Restraint, **values: Any) -> None:
    """Write values where it is still as it was read.

    Raises:
        ConflictError: If somebody reviewed or lifted it meanwhile.
    """
    table = type(row)
    statement = (
        update(table)
        .where(table.id == row.id, table.status == row.status)
        .where(
            table.review_at.is_(None) if row.review_at is None else table.review_at == row.review_at
        )
        .values(**values)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("somebody reviewed or lifted it meanwhile; read it again")


def end_of_request(connection: Connection, request_id: str) -> None:
    """Have nobody look again at what lies on a request that is erased; what stands, stands."""
    for table in (EncumbranceRow, LegalOrderRow):
        connection.execute(
            update(table).where(table.request_id == request_id).values(review_at=None)
        )


def due_encumbrances(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return encumbrances whose review is due: one indexed read."""
    return _due(connection, EncumbranceRow, now, limit)


def due_orders(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return legal orders whose freeze period is over: one indexed read."""
    return _due(connection, LegalOrderRow, now, limit)


def _due(connection: Connection, table: type[R], now: datetime, limit: int) -> list[str]:
    query = (
        select(table.id)
        .where(table.status == EncumbranceStatus.STANDING.value, table.review_at <= now)
        .order_by(table.review_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())

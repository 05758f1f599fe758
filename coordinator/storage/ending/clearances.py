"""Clearances: which accounts were flagged by error, and what became of the statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.life_cycle import ClearanceRow, LeftOutAddressRow

_COLUMNS = ("id", "request_id", "address_no", "act_id", "issued_at")


class StoredClearance(NamedTuple):
    """A clearance of one address of a request; `act_id` withdrew it as a wrong target."""

    id: str
    request_id: str
    address_no: int
    act_id: str
    issued_at: datetime
    revoked_at: datetime | None
    revoked_act_id: str | None


class NewClearance(NamedTuple):
    """A clearance about to be stored."""

    id: str
    address_no: int


def insert(
    connection: Connection,
    request_id: str,
    clearances: Sequence[NewClearance],
    *,
    act_id: str,
    issued_at: datetime,
) -> None:
    """Store clearances that one act brings about."""
    rows = [(each.id, request_id, each.address_no, act_id, issued_at) for each in clearances]
    insert_rows(connection, ClearanceRow, _COLUMNS, rows)


def get(
    connection: Connection, clearance_id: str, *, request_id: str | None = None
) -> StoredClearance | None:
    """Return one clearance, of any request or of the one named."""
    query = select(*fields_from(StoredClearance, ClearanceRow)).where(
        ClearanceRow.id == clearance_id
    )
    if request_id is not None:
        query = query.where(ClearanceRow.request_id == request_id)
    return next(iter(read_as(connection, StoredClearance, query)), None)


def page(
    connection: Connection, request_id: str, *, with_left_out: bool, after: str, limit: int
) -> list[StoredClearance]:
    """Return a request's clearances in order; of addresses that were left out only if wished."""
    query = select(*fields_from(StoredClearance, ClearanceRow)).where(
        ClearanceRow.request_id == request_id, ClearanceRow.id > after
    )
    if not with_left_out:
        left_out = select(LeftOutAddressRow.address_no).where(
            LeftOutAddressRow.request_id == request_id
        )
        query = query.where(ClearanceRow.address_no.not_in(left_out))
    return read_as(connection, StoredClearance, query.order_by(ClearanceRow.id).limit(limit))


def revoke(connection: Connection, clearance_id: str, act_id: str, at: datetime) -> None:
    """Revoke a clearance.

    Raises:
        ConflictError: If it was revoked meanwhile.
    """
    statement = (
        update(ClearanceRow)
        .where(ClearanceRow.id == clearance_id, ClearanceRow.revoked_at.is_(None))
        .values(revoked_at=at, revoked_act_id=act_id)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("this clearance was revoked meanwhile", code="already_revoked")

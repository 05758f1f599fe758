"""Proposed payout accounts of claims, and which account holds at a time."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.restitutions import PayoutChangeRow
from holdfast.protocol.vocabulary import PayoutChangeStatus

#: The account, sealed under the change's id.
DOCUMENT = "payout"
_COLUMNS = tuple(PayoutChangeRow.__table__.columns.keys())


def insert_change(connection: Connection, **values: Any) -> PayoutChangeRow:
    """Store one and return its row; what is not given is null."""
    whole = dict.fromkeys(_COLUMNS) | values
    connection.execute(insert(PayoutChangeRow).values(**whole))
    return new_row(PayoutChangeRow, whole)


def get(connection: Connection, claim_id: str, change_id: str) -> PayoutChangeRow | None:
    """Return a change of a claim."""
    query = select(PayoutChangeRow).where(
        PayoutChangeRow.id == change_id, PayoutChangeRow.claim_id == claim_id
    )
    return read_one(connection, query)


def change(connection: Connection, row: PayoutChangeRow, **values: Any) -> PayoutChangeRow:
    """Write new values to a change; returns it as it is now.

    Raises:
        ConflictError: If somebody decided on it meanwhile.
    """
    values["version"] = row.version + 1
    changed = connection.execute(
        update(PayoutChangeRow)
        .where(PayoutChangeRow.id == row.id, PayoutChangeRow.version == row.version)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise ConflictError("somebody decided on this change meanwhile: read it again")
    return new_row(PayoutChangeRow, {name: getattr(row, name) for name in _COLUMNS} | values)


def of_claims(connection: Connection, claim_ids: Collection[str]) -> list[PayoutChangeRow]:
    """Return the changes of claims that were not rejected, oldest first."""
    found: list[PayoutChangeRow] = []
    for some in batches(sorted(claim_ids)):
        query = select(PayoutChangeRow).where(
            PayoutChangeRow.claim_id.in_(some),
            PayoutChangeRow.status != PayoutChangeStatus.REJECTED.value,
        )
        found += read(connection, query.order_by(PayoutChangeRow.id))
    return found

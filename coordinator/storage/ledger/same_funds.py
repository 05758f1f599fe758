"""Holds that are marked as of the same tokens as another partner's."""

from sqlalchemy import Connection, func, select, update

from coordinator.domain.same_funds import PlacedHold
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow


def placed(connection: Connection, request_id: str, hold_id: str) -> PlacedHold | None:
    """Return a hold that counts for a request; None where there is none."""
    query = (
        select(
            HoldRow.id,
            HoldRow.partner,
            HoldLinkRow.address_no,
            HoldRow.asset,
            HoldRow.request_id == request_id,
            HoldRow.same_funds_as,
        )
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .where(HoldRow.id == hold_id, HoldLinkRow.request_id == request_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    marked = select(func.count()).where(HoldRow.same_funds_as == hold_id)
    return PlacedHold(*row, int(connection.execute(marked).scalar_one()))


def mark(connection: Connection, hold_id: str, same_as: str | None) -> None:
    """Write which hold counts in place of one."""
    connection.execute(
        update(HoldRow)
        .where(HoldRow.id == hold_id)
        .values(same_funds_as=same_as, version=HoldRow.version + 1)
    )

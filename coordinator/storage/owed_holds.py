"""The list of who owes what: holds about which an answer is outstanding."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, literal, select

from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow


def owed_to_or_by(
    connection: Connection, partner: str, *, after: str = "", limit: int = 100
) -> Sequence[Row[Any]]:
    """Return holds about which an answer is owed, by id: `partner`'s own, and on its requests.

    `shown_request` is the request on which `partner` knows the hold.
    """
    links = (
        select(func.min(HoldLinkRow.request_id))
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(HoldLinkRow.hold_id == HoldRow.id, FreezeRequestRow.requester == partner)
        .correlate(HoldRow)
        .scalar_subquery()
    )
    own = case((HoldRow.partner == partner, HoldRow.request_id), else_=links)
    query = (
        select(
            HoldRow.__table__, literal(value=False).label("is_shared"), own.label("shown_request")
        )
        # Reminders run exactly while an answer is owed, and have an index.
        .where(HoldRow.next_reminder_at.is_not(None), own.is_not(None), HoldRow.id > after)
        .order_by(HoldRow.id)
        .limit(limit)
    )
    return connection.execute(query).all()

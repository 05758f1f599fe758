"""The list of who owes what: holds about which an answer is outstanding, and to whom."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_

from coordinator.storage.hold_clocks import OBLIGES
from coordinator.storage.ledger_pages import linked_hold
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow


def owed_to_or_by(
    connection: Connection, partner: str, *, after: tuple[str, str] = ("", ""), limit: int = 100
) -> Sequence[Row[Any]]:
    """Return holds about which an answer is owed: `partner`'s own, and on its requests.

    One row for each request that it is owed on, by hold and request, with leg and address there: a
    hold that is shared with a request that goes on owes nothing on that one.
    """
    place = tuple_(HoldRow.id, HoldLinkRow.request_id)
    query = (
        select(*linked_hold())
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(
            # Reminders run exactly while an answer is owed, and have an index.
            HoldRow.next_reminder_at.is_not(None),
            OBLIGES,
            (HoldRow.partner == partner) | (FreezeRequestRow.requester == partner),
            place > tuple_(*after),
        )
        .order_by(HoldRow.id, HoldLinkRow.request_id)
        .limit(limit)
    )
    return connection.execute(query).all()

"""The list of who owes what: holds about which an answer is outstanding, and to whom."""

from sqlalchemy import Connection, and_, or_, select

from coordinator.domain.actor import Viewer
from coordinator.domain.clock import from_micros
from coordinator.storage.engine.reads import read_as
from coordinator.storage.ledger.hold_clocks import OBLIGES
from coordinator.storage.ledger.ledger_pages import ShownHold, linked_hold
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow

#: Reminders run exactly while an answer is owed, and have an index, which a range is sure to use.
#: Apart from the rest, so that it is what the reading begins with.
_OWED = (
    select(HoldRow.id)
    .where(HoldRow.next_reminder_at > from_micros(0))
    .cte("owed")
    .prefix_with("MATERIALIZED")
)


def owed_to_or_by(
    connection: Connection, viewer: Viewer, *, after: tuple[str, str] = ("", ""), limit: int = 100
) -> list[ShownHold]:
    """Return holds about which an answer is owed: a viewer's own side's, and on its requests.

    One row for each request that it is owed on, by hold and request, with leg and address there: a
    hold that is shared with a request that goes on owes nothing on that one.
    """
    after_hold, after_request = after
    query = (
        select(*linked_hold())
        .select_from(_OWED)
        .join(HoldRow, HoldRow.id == _OWED.c.id)
        .join(HoldLinkRow, HoldLinkRow.hold_id == _OWED.c.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(
            OBLIGES,
            or_(HoldRow.partner == viewer.partner, FreezeRequestRow.requester == viewer.partner),
            *seen(HoldLinkRow.request_id, viewer),
            or_(
                _OWED.c.id > after_hold,
                and_(_OWED.c.id == after_hold, HoldLinkRow.request_id > after_request),
            ),
        )
        .order_by(_OWED.c.id, HoldLinkRow.request_id)
        .limit(limit)
    )
    return read_as(connection, ShownHold, query)

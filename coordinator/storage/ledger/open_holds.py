"""Open holds by their end: a partner's own, or those at others for its requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import read_as
from coordinator.storage.ledger.ledger_pages import ShownHold, linked_hold
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow

#: Whose: one's own, or others' for one's requests.
Side = Literal["own", "for_us"]


class HoldPlace(NamedTuple):
    """A hold after which a page goes on: its end, its id, and the request that it is listed on."""

    ends_at: datetime
    hold_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHolds:
    """Which open holds are read.

    Attributes:
        side: `own`: what the partner holds itself; `for_us`: what others hold for its requests.
        request_id: Only those that count for this request; None: for any.
        after: To go on after; None at the start.
        limit: At most so many.
    """

    side: Side
    request_id: str | None
    after: HoldPlace | None
    limit: int


def open_holds(connection: Connection, viewer: Viewer, wanted: WantedHolds) -> list[ShownHold]:
    """Return holds that have not ended, the soonest end first, once for each request of theirs."""
    query = (
        select(*linked_hold())
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(~HoldRow.ended)
    )
    mine = HoldRow.partner if wanted.side == "own" else FreezeRequestRow.requester
    query = query.where(mine == viewer.partner, *seen(HoldLinkRow.request_id, viewer))
    if wanted.request_id is not None:
        query = query.where(HoldLinkRow.request_id == wanted.request_id)
    after = wanted.after
    if after is not None:
        end, hold, request = HoldRow.hold_expires_at, HoldRow.id, HoldLinkRow.request_id
        same_end = end == after.ends_at
        query = query.where(
            or_(
                end > after.ends_at,
                and_(same_end, hold > after.hold_id),
                and_(same_end, hold == after.hold_id, request > after.request_id),
            )
        )
    query = query.order_by(HoldRow.hold_expires_at, HoldRow.id, HoldLinkRow.request_id)
    return read_as(connection, ShownHold, query.limit(wanted.limit))

"""Lines about shared holds: written once, shown on every leg that they count for."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, exists, insert, literal, select

from coordinator.domain.freeze_ledger import Booking
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, LedgerLineRow, SharedLineRow
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.vocabulary import LineKind

_COLUMNS = ("leg_id", "line_id", "request_id", "address_no")
#: A line that only says that its leg shares a hold: no sum of another leg changes by it.
_SAYS_SHARING = (
    (LedgerLineRow.kind == LineKind.FROZEN.value)
    & LedgerLineRow.amount.is_(None)
    & ~LedgerLineRow.withheld
)


class OtherLink(NamedTuple):
    """That a hold counts for another leg, and under which of its request's addresses."""

    leg_id: str
    hold_id: str
    request_id: str
    address_no: int


def links_to_other_legs(
    connection: Connection, hold_ids: Sequence[str], but_leg: str
) -> list[OtherLink]:
    """Return the links of the named holds to other legs, by leg."""
    found: list[OtherLink] = []
    base = select(
        HoldLinkRow.leg_id, HoldLinkRow.hold_id, HoldLinkRow.request_id, HoldLinkRow.address_no
    ).where(HoldLinkRow.leg_id != but_leg)
    for some in batches(hold_ids):
        named = HoldLinkRow.hold_id.in_(some)
        found.extend(read_as(connection, OtherLink, base.where(named)))
    return sorted(found)


def show_elsewhere(
    connection: Connection, booking: Booking, elsewhere: Sequence[OtherLink]
) -> None:
    """Show a report's lines, which are stored, on the other legs that their holds count for."""
    if not elsewhere:
        return
    by_hold: dict[str | None, list[OtherLink]] = {}
    for link in elsewhere:
        by_hold.setdefault(link.hold_id, []).append(link)
    shown = [
        (link.leg_id, line.id, link.request_id, link.address_no)
        for line in booking.lines
        if not line.shares
        for link in by_hold.get(line.hold_id, ())
    ]
    insert_rows(connection, SharedLineRow, _COLUMNS, shown)


def show_earlier(connection: Connection, booking: Booking, leg: LegRow) -> None:
    """Show on this leg what was written about the holds that it shares from now on.

    Their amounts count for it, so the lines that these come from are to be seen there, too.
    """
    there = SharedLineRow.__table__.alias("there")
    # Shared before, and kept for another request meanwhile.
    is_shown = exists().where(there.c.leg_id == leg.id, there.c.line_id == LedgerLineRow.id)
    for hold_id, number in booking.shared.items():
        earlier = select(
            literal(leg.id), LedgerLineRow.id, literal(leg.request_id), literal(number)
        ).where(
            LedgerLineRow.hold_id == hold_id,
            LedgerLineRow.leg_id != leg.id,
            ~_SAYS_SHARING,
            ~is_shown,
        )
        connection.execute(insert(SharedLineRow).from_select(_COLUMNS, earlier))

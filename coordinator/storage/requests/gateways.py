"""Under which gateway requests are, and behind which the document of an order stands."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_as
from coordinator.storage.tables.freeze_ledger import LedgerLineRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import LegalOrderRow, SupportRow
from holdfast.protocol.vocabulary import Support


class AskedUnder(NamedTuple):
    """Whose a request is, and under which gateway; None: whichever both sides hold."""

    id: str
    requester: str
    gateway: str | None


class _Order(NamedTuple):
    request_id: str
    leg_id: str | None


def asked_under(connection: Connection, request_ids: Collection[str]) -> Mapping[str, AskedUnder]:
    """Return requests by id."""
    found: dict[str, AskedUnder] = {}
    base = select(FreezeRequestRow.id, FreezeRequestRow.requester, FreezeRequestRow.gateway)
    for some in batches(sorted(request_ids)):
        query = base.where(FreezeRequestRow.id.in_(some))
        found |= {row.id: row for row in read_as(connection, AskedUnder, query)}
    return found


def with_order(
    connection: Connection, request_ids: Collection[str]
) -> frozenset[tuple[str, str | None]]:
    """Return behind which requests, and legs of them (None: all), an order's document stands.

    What a request merely names is none: whoever asks could write anything there.
    """
    found: set[tuple[str, str | None]] = set()
    attached = select(LegalOrderRow.request_id, LegalOrderRow.leg_id)
    raised = select(SupportRow.request_id)
    for some in batches(sorted(request_ids)):
        query = attached.where(LegalOrderRow.request_id.in_(some))
        found |= {(row.request_id, row.leg_id) for row in read_as(connection, _Order, query)}
        is_order = SupportRow.support == Support.ORDER
        rests = raised.where(SupportRow.request_id.in_(some), is_order)
        found |= {(request_id, None) for request_id in connection.execute(rests).scalars()}
    return frozenset(found)


def legs(connection: Connection, leg_ids: Sequence[str]) -> list[LegRow]:
    """Return the named legs."""
    return [
        row
        for some in batches(sorted(set(leg_ids)))
        for row in read(connection, select(LegRow).where(LegRow.id.in_(some)))
    ]


def holds_told_of(connection: Connection, hold_ids: Collection[str]) -> frozenset[str]:
    """Return those holds of which any line ever stated an amount, corrected since or not."""
    found: set[str] = set()
    for some in batches(sorted(hold_ids)):
        query = select(LedgerLineRow.hold_id).where(
            LedgerLineRow.hold_id.in_(some),
            LedgerLineRow.amount.is_not(None),
            LedgerLineRow.amount != 0,
        )
        found |= {hold_id for hold_id in connection.execute(query).scalars() if hold_id}
    return frozenset(found)

"""Return requests, what of each hold was accepted on one, and what was sent for it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, insert, or_, select, union_all, update

from coordinator.domain.return_request import PROMISED
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_ledger import LedgerLineRow
from coordinator.storage.tables.life_cycle import DisputeRow, LegalOrderRow
from coordinator.storage.tables.restoring import ReturnLineRow, ReturnPartRow, ReturnRequestRow
from holdfast.protocol.vocabulary import ReturnStatus

_PROMISED = sorted(PROMISED)
#: What becomes of those that are under way when their request is erased.
_END_OF_REQUEST = (
    ([ReturnStatus.SUBMITTED.value, ReturnStatus.OPEN.value], ReturnStatus.WITHDRAWN),
    (_PROMISED, ReturnStatus.REVOKED),
)


class Part(NamedTuple):
    """How much of a hold was accepted (None: all of a withheld one), and how much was sent."""

    hold_id: str
    accepted: int | None
    sent: int

    @property
    def left(self) -> int:
        """What is promised and not sent yet; of a withheld one nobody knows."""
        return max(0, (self.accepted or 0) - self.sent)


def insert_request(connection: Connection, **values: Any) -> ReturnRequestRow:
    """Store one and return its row; what is not given is null."""
    whole = {column.name: values.get(column.name) for column in ReturnRequestRow.__table__.columns}
    connection.execute(insert(ReturnRequestRow).values(**whole))
    return new_row(ReturnRequestRow, whole)


def get(
    connection: Connection, return_id: str, *, request_id: str | None = None
) -> ReturnRequestRow | None:
    """Return one, of any freeze request or of the one named."""
    query = select(ReturnRequestRow).where(ReturnRequestRow.id == return_id)
    if request_id is not None:
        query = query.where(ReturnRequestRow.request_id == request_id)
    return read_one(connection, query)


def change(
    connection: Connection, row: ReturnRequestRow, status: ReturnStatus, **values: Any
) -> bool:
    """Move one on where it still is as it was read; False where somebody else did meanwhile."""
    statement = (
        update(ReturnRequestRow)
        .where(ReturnRequestRow.id == row.id, ReturnRequestRow.status == row.status)
        .values(status=status.value, **values)
    )
    return connection.execute(statement).rowcount == 1


def page(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[ReturnRequestRow]:
    """Return those of a freeze request in order; of a leg only what its partner knows of."""
    query = (
        select(ReturnRequestRow)
        .where(ReturnRequestRow.request_id == request_id, ReturnRequestRow.id > after)
        .order_by(ReturnRequestRow.id)
        .limit(limit)
    )
    if leg_id is not None:
        query = query.where(
            ReturnRequestRow.leg_id == leg_id, ReturnRequestRow.opened_at.is_not(None)
        )
    return read(connection, query)


def due(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return those that nobody approved in time: one indexed read."""
    query = (
        select(ReturnRequestRow.id)
        .where(
            ReturnRequestRow.status == ReturnStatus.SUBMITTED.value,
            ReturnRequestRow.void_at <= now,
        )
        .order_by(ReturnRequestRow.void_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def end_of_request(connection: Connection, request_id: str, at: datetime) -> None:
    """End those of a request that is erased: nobody can answer, send or confirm them any more."""
    for before, after in _END_OF_REQUEST:
        connection.execute(
            update(ReturnRequestRow)
            .where(ReturnRequestRow.request_id == request_id, ReturnRequestRow.status.in_(before))
            .values(status=after.value, ended_at=at)
        )


def store_parts(
    connection: Connection, return_id: str, parts: Iterable[tuple[str, int | None]]
) -> None:
    """Store what was accepted, by hold."""
    rows = [{"return_id": return_id, "hold_id": hold, "amount": amount} for hold, amount in parts]
    connection.execute(insert(ReturnPartRow), rows)


def store_lines(connection: Connection, lines: Iterable[tuple[str, str, str]]) -> None:
    """Store which returned lines, by (line, return request, hold), were sent for what."""
    rows = [
        {"line_id": line, "return_id": return_id, "hold_id": hold}
        for line, return_id, hold in lines
    ]
    if rows:
        connection.execute(insert(ReturnLineRow), rows)


def suspended_by(connection: Connection, because: str) -> list[ReturnRequestRow]:
    """Return what a dispute or claim suspended."""
    query = select(ReturnRequestRow).where(
        ReturnRequestRow.suspended_because == because,
        ReturnRequestRow.status == ReturnStatus.SUSPENDED.value,
    )
    return read(connection, query.order_by(ReturnRequestRow.id))


def told_causes(connection: Connection, held_up: Collection[str]) -> dict[str, str]:
    """Return by return request what holds it up, where that lies on its own leg.

    A hold may count for several requests. What somebody claims of it on another of them is hidden
    from whoever is on this one alone.
    """
    if not held_up:
        return {}
    cause, leg_id = ReturnRequestRow.suspended_because, ReturnRequestRow.leg_id
    lies_here = [
        exists().where(table.id == cause, table.leg_id == leg_id)
        for table in (DisputeRow, EncumbranceRow)
    ]
    order_of_all = exists().where(
        LegalOrderRow.id == cause,
        LegalOrderRow.request_id == ReturnRequestRow.request_id,
        LegalOrderRow.leg_id.is_(None) | (LegalOrderRow.leg_id == leg_id),
    )
    query = select(ReturnRequestRow.id, cause).where(
        ReturnRequestRow.id.in_(held_up), or_(*lies_here, order_of_all)
    )
    return {return_id: str(because) for return_id, because in connection.execute(query)}


def note_sent(connection: Connection, return_id: str, at: datetime) -> None:
    """Note that lines say what was sent for one."""
    statement = update(ReturnRequestRow).where(ReturnRequestRow.id == return_id)
    connection.execute(statement.values(sent_at=at))


def sent_by_hold(connection: Connection, return_id: str) -> dict[str, int]:
    """Return how much was sent for one, by hold."""
    sent = _sent(connection, [return_id])
    return {hold_id: amount for (_, hold_id), amount in sent.items()}


def promised_on(connection: Connection, hold_ids: Collection[str]) -> list[ReturnRequestRow]:
    """Return the return requests on which something of these holds is promised."""
    query = (
        select(ReturnRequestRow)
        .where(
            ReturnRequestRow.id.in_(
                select(ReturnPartRow.return_id).where(ReturnPartRow.hold_id.in_(sorted(hold_ids)))
            ),
            ReturnRequestRow.status.in_(_PROMISED),
        )
        .order_by(ReturnRequestRow.id)
    )
    return read(connection, query)


def named_by(connection: Connection, line_ids: Collection[str]) -> dict[str, str]:
    """Return the return requests that lines were sent for, by line."""
    query = select(ReturnLineRow.line_id, ReturnLineRow.return_id).where(
        ReturnLineRow.line_id.in_(sorted(line_ids))
    )
    return dict(connection.execute(query).all())


def parts(connection: Connection, return_ids: Collection[str]) -> dict[str, list[Part]]:
    """Return what was accepted and sent, by return request, and by hold in order.

    What was sent is the lines' amounts as they stand, corrected ones by their last correction.
    """
    ids = sorted(return_ids)
    accepted = select(ReturnPartRow).where(ReturnPartRow.return_id.in_(ids))
    sent = _sent(connection, ids)
    found: dict[str, list[Part]] = defaultdict(list)
    for row in read(connection, accepted.order_by(ReturnPartRow.return_id, ReturnPartRow.hold_id)):
        part = Part(row.hold_id, row.amount, sent.get((row.return_id, row.hold_id), 0))
        found[row.return_id].append(part)
    return found


def _sent(connection: Connection, return_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    lines = (
        select(
            ReturnLineRow.return_id,
            ReturnLineRow.hold_id,
            ReturnLineRow.line_id,
            LedgerLineRow.id.label("said_in"),
            LedgerLineRow.amount,
        )
        .join(LedgerLineRow, LedgerLineRow.id == ReturnLineRow.line_id)
        .where(ReturnLineRow.return_id.in_(return_ids))
    )
    corrections = (
        select(
            ReturnLineRow.return_id,
            ReturnLineRow.hold_id,
            ReturnLineRow.line_id,
            LedgerLineRow.id.label("said_in"),
            LedgerLineRow.amount,
        )
        .join(LedgerLineRow, LedgerLineRow.corrects == ReturnLineRow.line_id)
        .where(ReturnLineRow.return_id.in_(return_ids))
    )
    stands: dict[str, tuple[str, str, int]] = {}
    both = union_all(lines, corrections).order_by("said_in")
    for return_id, hold_id, line_id, _, amount in connection.execute(both):
        stands[line_id] = (return_id, hold_id, int(amount or 0))
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for return_id, hold_id, amount in stands.values():
        sums[return_id, hold_id] += amount
    return sums

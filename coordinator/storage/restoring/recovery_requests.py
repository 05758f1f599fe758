"""Recovery requests and their deposits, as rows; what they say is sealed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from coordinator.domain.errors import ConflictError
from coordinator.domain.recovery import GIVEN_BACK
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import insert_rows, new_row, update_rows
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.recovery import RecoveryDepositRow, RecoveryRequestRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import DepositStatus, RecoveryStatus

_Request, _Deposit = RecoveryRequestRow, RecoveryDepositRow
#: Deposits whose words are sealed together: a page opens few of thousands.
_IN_CHUNK = 200
_DEPOSIT_COLUMNS = (
    "recovery_id",
    "no",
    "requester",
    "partner",
    "deposit_index",
    "drill",
    "live",
    "status",
    "fee_accepted",
)


#: What an act may change of a deposit.
@dataclass(slots=True)
class ChangingDeposit:
    """What acts change of a deposit, as its row keeps it."""

    live: bool
    status: str
    code: str | None
    found_amount: int | None
    fee: int | None
    due_at: datetime | None
    answer_act_id: str | None
    reply_act_id: str | None
    return_act_id: str | None
    answered_at: datetime | None
    replied_at: datetime | None
    out_at: datetime | None
    found_at: datetime | None
    returned_at: datetime | None
    confirmed_at: datetime | None


CHANGING = tuple(each.name for each in fields(ChangingDeposit))


class NewDeposit(NamedTuple):
    """One deposit of a document, as it is stored first."""

    no: int
    deposit_index: bytes
    fee_accepted: int
    words: JsonObject


class Counted(NamedTuple):
    """How the deposits of one request stand."""

    by_status: Mapping[str, int]
    due_by_status: Mapping[str, datetime]

    @property
    def due_at(self) -> datetime | None:
        """When the next of them is due, on either side."""
        return min(self.due_by_status.values(), default=None)


class KnownDeposit(NamedTuple):
    """A deposit that is asked for already."""

    deposit_index: bytes
    recovery_id: str
    no: int
    status: str
    is_over: bool


def insert_request(connection: Connection, **values: Any) -> RecoveryRequestRow:
    """Store one and return its row."""
    connection.execute(insert(_Request).values(**values))
    return new_row(_Request, values)


def insert_deposits(
    connection: Connection, request: RecoveryRequestRow, deposits: Sequence[NewDeposit]
) -> None:
    """Store the deposits of a new request.

    Raises:
        ConflictError: If one of them was asked for meanwhile.
    """
    rows = [
        (
            request.id,
            each.no,
            request.requester,
            request.partner,
            each.deposit_index,
            request.drill,
            True,
            DepositStatus.OPEN.value,
            each.fee_accepted,
        )
        for each in deposits
    ]
    stored = insert_rows(connection, _Deposit, _DEPOSIT_COLUMNS, rows, ignore_conflicts=True)
    if stored != len(rows):
        raise ConflictError("a colleague asked for one of these deposits meanwhile; send it again")


def sealed_words(deposits: Sequence[NewDeposit]) -> Iterable[tuple[str, bytes]]:
    """Yield the documents that hold what the deposits say, by name."""
    chunks: dict[int, dict[str, JsonObject]] = {}
    for each in deposits:
        chunks.setdefault(each.no // _IN_CHUNK, {})[str(each.no)] = each.words
    for number, words in chunks.items():
        yield _chunk(number), canonical_json.dumps(words)


def words_of(
    connection: Connection, vault: Vault, recovery_id: str, nos: Collection[int]
) -> dict[int, JsonObject]:
    """Return what some deposits of a request say, by number."""
    found: dict[int, JsonObject] = {}
    for number in sorted({no // _IN_CHUNK for no in nos}):
        content = load_one(connection, vault, recovery_id, _chunk(number))
        words = {} if content is None else strict_json.loads(content)
        found |= {int(no): each for no, each in words.items() if int(no) in nos}
    return found


def _chunk(number: int) -> str:
    return f"deposits-{number}"


def get(
    connection: Connection, recovery_id: str, *, lock: bool = False
) -> RecoveryRequestRow | None:
    """Return one request's row; `lock` keeps others from acting on it until the commit."""
    query = select(_Request).where(_Request.id == recovery_id)
    return read_one(connection, query.with_for_update() if lock else query)


def change(connection: Connection, row: RecoveryRequestRow, **values: Any) -> RecoveryRequestRow:
    """Write new values where the request is still as it was read; returns it as it is now.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    changed = connection.execute(
        update(_Request)
        .where(_Request.id == row.id, _Request.version == row.version)
        .values(version=_Request.version + 1, **values)
    )
    found = get(connection, row.id)
    if changed.rowcount != 1 or found is None:
        raise ConflictError("the request was changed by somebody else meanwhile; read it again")
    return found


def sent_by(
    connection: Connection, handle: str, *, before: str | None, limit: int, waiting: bool
) -> list[RecoveryRequestRow]:
    """Return what a partner asked of others, newest first."""
    return _listed(
        connection,
        _Request.requester == handle,
        before=before,
        limit=limit,
        waiting=_Request.awaits_requester > 0 if waiting else None,
    )


def received_by(
    connection: Connection, handle: str, *, before: str | None, limit: int, waiting: bool
) -> list[RecoveryRequestRow]:
    """Return what a partner is asked by others and what has gone out, newest first."""
    return _listed(
        connection,
        _Request.partner == handle,
        _Request.status == RecoveryStatus.OPEN,
        before=before,
        limit=limit,
        waiting=_Request.awaits_partner > 0 if waiting else None,
    )


def to_approve(
    connection: Connection, handle: str, now: datetime, *, before: str | None, limit: int
) -> list[RecoveryRequestRow]:
    """Return what waits for the decision of a second person of a partner, newest first."""
    return _listed(
        connection,
        _Request.requester == handle,
        _Request.status == RecoveryStatus.SUBMITTED,
        _Request.approve_by > now,
        before=before,
        limit=limit,
        waiting=None,
    )


def _listed(
    connection: Connection,
    *which: ColumnElement[bool],
    before: str | None,
    limit: int,
    waiting: ColumnElement[bool] | None,
) -> list[RecoveryRequestRow]:
    query = select(_Request).where(*which)
    if before is not None:
        query = query.where(_Request.id < before)
    if waiting is not None:
        query = query.where(waiting)
    return read(connection, query.order_by(_Request.id.desc()).limit(limit))


def counted(connection: Connection, recovery_ids: Collection[str]) -> dict[str, Counted]:
    """Return how the deposits of some requests stand, in one query."""
    query = (
        select(_Deposit.recovery_id, _Deposit.status, func.count(), func.min(_Deposit.due_at))
        .where(_Deposit.recovery_id.in_(sorted(recovery_ids)))
        .group_by(_Deposit.recovery_id, _Deposit.status)
    )
    numbers: dict[str, dict[str, int]] = {each: {} for each in recovery_ids}
    due: dict[str, dict[str, datetime]] = {each: {} for each in recovery_ids}
    for recovery_id, status, number, due_at in connection.execute(query):
        numbers[recovery_id][status] = number
        if due_at is not None:
            due[recovery_id][status] = due_at
    return {each: Counted(numbers[each], due[each]) for each in numbers}


def deposits_page(
    connection: Connection,
    recovery_id: str,
    *,
    after: int,
    limit: int,
    status: DepositStatus | None = None,
) -> list[RecoveryDepositRow]:
    """Return deposits of a request by number."""
    query = select(_Deposit).where(_Deposit.recovery_id == recovery_id, _Deposit.no > after)
    if status is not None:
        query = query.where(_Deposit.status == status)
    return read(connection, query.order_by(_Deposit.no).limit(limit))


def deposits(
    connection: Connection, recovery_id: str, nos: Sequence[int] | None = None
) -> dict[int, RecoveryDepositRow]:
    """Return deposits of a request, all or some, by number."""
    query = select(_Deposit).where(_Deposit.recovery_id == recovery_id)
    if nos is None:
        return {row.no: row for row in read(connection, query)}
    found: dict[int, RecoveryDepositRow] = {}
    for some in batches(sorted(nos)):
        found |= {row.no: row for row in read(connection, query.where(_Deposit.no.in_(some)))}
    return found


def write_deposits(
    connection: Connection, recovery_id: str, changed: Mapping[int, ChangingDeposit]
) -> None:
    """Write what an act makes of deposits: all of `CHANGING`, by number."""
    rows = [
        (recovery_id, no, *(getattr(values, name) for name in CHANGING))
        for no, values in changed.items()
    ]
    update_rows(connection, _Deposit, ("recovery_id", "no"), CHANGING, rows)


def send_out(connection: Connection, recovery_id: str, *, now: datetime, due_at: datetime) -> None:
    """Note that all deposits of a request wait for the partner asked from now on."""
    statement = update(_Deposit).where(_Deposit.recovery_id == recovery_id)
    connection.execute(statement.values(out_at=now, due_at=due_at))


def let_go(connection: Connection, recovery_ids: Collection[str]) -> None:
    """Note that the deposits of requests that never went out are asked for no more."""
    connection.execute(
        update(_Deposit)
        .where(_Deposit.recovery_id.in_(sorted(recovery_ids)))
        .values(live=False, due_at=None)
    )


def known(
    connection: Connection,
    requester: str,
    partner: str,
    indexes: Sequence[bytes],
    now: datetime,
) -> list[KnownDeposit]:
    """Return which deposits a requester has asked a partner for, and what became of it.

    `is_over` are those of a request that nobody approved in time.
    """
    is_over = (_Request.status == RecoveryStatus.SUBMITTED) & (_Request.approve_by <= now)
    found: list[KnownDeposit] = []
    for some in batches(indexes):
        query = (
            select(
                _Deposit.deposit_index, _Deposit.recovery_id, _Deposit.no, _Deposit.status, is_over
            )
            .join(_Request, _Request.id == _Deposit.recovery_id)
            .where(
                _Deposit.requester == requester,
                _Deposit.partner == partner,
                _Deposit.live,
                _Deposit.deposit_index.in_(some),
            )
        )
        found += [KnownDeposit(*row) for row in connection.execute(query)]
    return found


def asked_by_others(
    connection: Connection, partner: str, rows: Sequence[RecoveryDepositRow]
) -> dict[bytes, int]:
    """Return how many other requests that a partner has are about the same deposits."""
    indexes = {row.deposit_index for row in rows}
    found: dict[bytes, int] = {}
    for some in batches(sorted(indexes)):
        query = (
            select(_Deposit.deposit_index, func.count())
            .where(
                _Deposit.partner == partner,
                _Deposit.deposit_index.in_(some),
                _Deposit.out_at.is_not(None),
            )
            .group_by(_Deposit.deposit_index)
        )
        found |= {index: number - 1 for index, number in connection.execute(query)}
    return found


def given_back_elsewhere(
    connection: Connection, partner: str, recovery_id: str, indexes: Sequence[bytes]
) -> set[bytes]:
    """Return those deposits that a partner gave back upon another request."""
    found: set[bytes] = set()
    for some in batches(indexes):
        query = select(_Deposit.deposit_index).where(
            _Deposit.partner == partner,
            _Deposit.deposit_index.in_(some),
            _Deposit.recovery_id != recovery_id,
            _Deposit.status.in_(sorted(GIVEN_BACK)),
        )
        found |= set(connection.execute(query).scalars())
    return found


def acts(
    connection: Connection, recovery_id: str, *, after: str, limit: int, act_id: str | None
) -> list[MemberActRow]:
    """Return the acts on a request, oldest first, or the one that is asked for."""
    query = select(MemberActRow).where(MemberActRow.about == recovery_id, MemberActRow.id > after)
    if act_id is not None:
        query = query.where(MemberActRow.id == act_id)
    return read(connection, query.order_by(MemberActRow.id).limit(limit))


def acts_before(connection: Connection, recovery_id: str) -> list[MemberActRow]:
    """Return the first acts on a request: its submission, and what was decided."""
    query = select(MemberActRow).where(MemberActRow.about == recovery_id)
    return read(connection, query.order_by(MemberActRow.id).limit(2))


class Figures(NamedTuple):
    """What became of deposits."""

    by_status: Mapping[str, int]
    found: int
    returned: int
    median_seconds: int | None


class Months(NamedTuple):
    """When partners were asked: from `start` until before `end`."""

    start: datetime
    end: datetime


def figures(
    connection: Connection,
    *,
    requester: str | None,
    partner: str | None,
    months: Months | None = None,
) -> Figures:
    """Return what became of deposits that partners were asked about, drills left out."""
    which = [_Deposit.out_at.is_not(None), ~_Deposit.drill]
    if months is not None:
        which += [_Deposit.out_at >= months.start, _Deposit.out_at < months.end]
    if requester is not None:
        which.append(_Deposit.requester == requester)
    if partner is not None:
        which.append(_Deposit.partner == partner)
    counts = (
        select(
            _Deposit.status,
            func.count(),
            func.count(_Deposit.found_at),
            func.count(_Deposit.returned_at),
        )
        .where(*which)
        .group_by(_Deposit.status)
    )
    by_status: dict[str, int] = {}
    found = returned = 0
    for status, number, of_found, of_returned in connection.execute(counts):
        by_status[status] = number
        found, returned = found + of_found, returned + of_returned
    return Figures(by_status, found, returned, _median(connection, which, returned))


def _median(
    connection: Connection, which: Sequence[ColumnElement[bool]], returned: int
) -> int | None:
    """Return the lower median of the seconds from the asking to the return."""
    if not returned:
        return None
    out_at = type_coerce(_Deposit.out_at, BigInteger)
    returned_at = type_coerce(_Deposit.returned_at, BigInteger)
    query = (
        select(_Deposit.out_at, _Deposit.returned_at)
        .where(*which, _Deposit.returned_at.is_not(None))
        .order_by(returned_at - out_at)
        .offset((returned - 1) // 2)
        .limit(1)
    )
    began, ended = connection.execute(query).one()
    if began is None or ended is None:
        raise AssertionError("the query asks for those alone that have both")
    return int((ended - began).total_seconds())

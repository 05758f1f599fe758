"""Freeze requests, their addresses and the acts on them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import aliased

from coordinator.domain.actor import Viewer
from coordinator.domain.errors import ConflictError
from coordinator.domain.freeze_request import Ratification
from coordinator.storage.engine.newest import NewestRequests
from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.reads import fields_from, read, read_as
from coordinator.storage.engine.rows import insert_rows, mapping_rows, new_row
from coordinator.storage.requests.incidents import request_words_are_told_to_reader
from coordinator.storage.requests.left_out_acts import Heard, unheard_acts, unheard_returns
from coordinator.storage.requests.leg_limits import PERSON, READER, is_seen, person_of, seen
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import (
    ActRow,
    FlaggedAddressRow,
    FreezeRequestRow,
    IncidentRow,
    LegRow,
)
from coordinator.storage.tables.life_cycle import LeftOutAddressRow, WithdrawnAddressRow
from holdfast.protocol.vocabulary import RequestStatus, WithdrawalReason

_REQUEST_COLUMNS = tuple(FreezeRequestRow.__table__.columns.keys())
_ADDRESS_COLUMNS = ("request_id", "address_no", "asset", "amount", "usd_cents", "whole_account")
_INCIDENT_COLUMNS = ("id", "opened_by", "document_key_id", "kind", "occurred_at", "drill")
_ACT_COLUMNS = (
    "id",
    "request_id",
    "leg_id",
    "kind",
    "evidence_kind",
    "partner",
    "subject",
    "person",
    "kid",
    "decision",
    "context_sha256",
    "remainder_sha256",
    "at",
    "leaf_index",
)


class ListedRequest(NamedTuple):
    """A request as it appears in lists.

    Attributes:
        incident_is_told: Whether the reader may read the words of its incident.
        leg_status: Of the reader's own leg; None where the reader is no partner asked.
        hidden_count: How many of the addresses the reader is not told of.
    """

    id: str
    drill: bool
    status: str
    requester: str
    urgency: str
    tlp: str
    submitted_at: datetime
    approve_by: datetime
    ratify_by: datetime | None
    unratified_until: datetime | None
    incident_id: str
    address_count: int
    partners_asked: int
    provisional: bool
    decided_at: datetime | None
    ended_at: datetime | None
    erased_at: datetime | None
    withdrawal_reason: str | None
    incident_is_told: bool
    leg_status: str | None
    hidden_count: int


class StatedAmount(NamedTuple):
    """How much a flagged address asks for, where it says so."""

    address_no: int
    asset: str | None
    amount: int | None
    whole_account: bool


_HIDDEN = case((LegRow.knows_left_out, 0), else_=FreezeRequestRow.left_out_count)
_ALL = Heard()
_BY_ID = select(FreezeRequestRow).where(FreezeRequestRow.id == bindparam("request_id"))
_SUBMIT_ACT = Prebuilt(
    select(ActRow.id)
    .where(ActRow.request_id == bindparam("request_id"), ActRow.kind == "submit")
    .order_by(ActRow.id)
    .limit(1)
)
_REQUEST = Prebuilt(_BY_ID)
_LOCKED = Prebuilt(_BY_ID.with_for_update())
_ALL_LOCKED = Prebuilt(
    select(FreezeRequestRow).order_by(FreezeRequestRow.id).with_for_update(),
    among=FreezeRequestRow.id,
)
_DECISIONS = Prebuilt(
    select(ActRow)
    .where(ActRow.request_id == bindparam("request_id"), ActRow.decision.is_not(None))
    .order_by(ActRow.id)
)


def insert_incident(connection: Connection, values: Mapping[str, object]) -> None:
    """Store a new incident."""
    insert_rows(
        connection, IncidentRow, _INCIDENT_COLUMNS, mapping_rows([values], _INCIDENT_COLUMNS)
    )


def insert_request(connection: Connection, **values: Any) -> FreezeRequestRow:
    """Store a new request and return its row; columns that are not named are null.

    Raises:
        ConflictError: If its requester submitted the very same document before.
    """
    row = new_row(FreezeRequestRow, values)
    rows = mapping_rows([row.__dict__], _REQUEST_COLUMNS)
    if insert_rows(connection, FreezeRequestRow, _REQUEST_COLUMNS, rows, ignore_conflicts=True):
        return row
    earlier = select(FreezeRequestRow.id, FreezeRequestRow.status).where(
        FreezeRequestRow.requester == values["requester"],
        FreezeRequestRow.content_sha256 == values["content_sha256"],
    )
    earlier_id, current_status = connection.execute(earlier).one()
    raise ConflictError(
        f"this very document was submitted before, as {earlier_id}; every request takes a fresh "
        "random nonce",
        code="nonce_used",
        current_status=current_status,
    )


def insert_addresses(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Store what flagged addresses state, as (request_id, `submission.Stated`)."""
    insert_rows(connection, FlaggedAddressRow, _ADDRESS_COLUMNS, rows)


def insert_acts(connection: Connection, acts: Sequence[Mapping[str, object]]) -> None:
    """Store acts."""
    insert_rows(connection, ActRow, _ACT_COLUMNS, mapping_rows(acts, _ACT_COLUMNS))


def get(connection: Connection, request_id: str, *, lock: bool = False) -> FreezeRequestRow | None:
    """Return one request's row; `lock` keeps others from acting on it until the commit."""
    return (_LOCKED if lock else _REQUEST).row(connection, request_id=request_id)


def lock_all(connection: Connection, request_ids: Collection[str]) -> dict[str, FreezeRequestRow]:
    """Lock requests, always in the same order, and return their rows by id."""
    if not request_ids:
        return {}
    return {row.id: row for row in _ALL_LOCKED.rows(connection, among=sorted(request_ids))}


def lock_sharing(
    connection: Connection, request_id: str, *, holds: Sequence[str] = (), partner: str = ""
) -> None:
    """Lock a request with all that share a hold with it, always in the same order.

    Two acts on a shared hold that each locked their own request first would meet head-on.

    Args:
        connection: Inside the writing transaction.
        request_id: Whose holds may be acted on.
        holds: Holds of `partner` that are only now about to be shared with it.
        partner: Whose holds; others' are no matter of this act.
    """
    if connection.dialect.name == "sqlite":
        return  # writers queue there, and never meet
    own = select(HoldLinkRow.hold_id).where(HoldLinkRow.request_id == request_id)
    wanted: ColumnElement[bool] = HoldLinkRow.hold_id.in_(own)
    if holds:
        named = select(HoldRow.id).where(HoldRow.id.in_(holds), HoldRow.partner == partner)
        wanted |= HoldLinkRow.hold_id.in_(named)
    sharing = select(HoldLinkRow.request_id).where(wanted)
    query = select(FreezeRequestRow.id).where(
        (FreezeRequestRow.id == request_id) | FreezeRequestRow.id.in_(sharing)
    )
    connection.execute(query.order_by(FreezeRequestRow.id).with_for_update())


def change(connection: Connection, row: FreezeRequestRow, **values: Any) -> FreezeRequestRow:
    """Write new values where the request is still as it was read, and return its row as it is now.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    statement = _change_of(tuple(sorted(values)))
    names = {f"new_{name}": value for name, value in values.items()}
    changed = statement.row(connection, request_id=row.id, read_version=row.version, **names)
    if changed is None:
        raise ConflictError("the request was changed by somebody else meanwhile; read it again")
    return changed


@lru_cache(maxsize=32)
def _change_of(columns: tuple[str, ...]) -> Prebuilt[FreezeRequestRow]:
    values: dict[str, BindParameter[object]] = {name: bindparam(f"new_{name}") for name in columns}
    return Prebuilt(
        update(FreezeRequestRow)
        .where(
            FreezeRequestRow.id == bindparam("request_id"),
            FreezeRequestRow.version == bindparam("read_version"),
        )
        .values(version=FreezeRequestRow.version + 1, **values)
        .returning(FreezeRequestRow),
        FreezeRequestRow,
    )


def decisions(connection: Connection, request_id: str) -> list[ActRow]:
    """Return the approvals and rejections of a request, oldest first."""
    return send_decisions(connection, request_id).rows()


def send_decisions(connection: Connection, request_id: str) -> Pending[ActRow]:
    """Send the query for `decisions`."""
    return _DECISIONS.send(connection, request_id=request_id)


def acts(
    connection: Connection,
    request_id: str,
    *,
    heard: Heard = _ALL,
    after: str = "",
    limit: int = 100,
) -> list[ActRow]:
    """Return acts in order; with a leg only that leg's and the request's own.

    What names holds of several partners is the requester's alone.
    """
    query = (
        select(ActRow)
        .where(ActRow.request_id == request_id, ActRow.id > after)
        .order_by(ActRow.id)
        .limit(limit)
    )
    if heard.leg_id is not None:
        query = query.where(
            ActRow.leg_id.is_(None) | (ActRow.leg_id == heard.leg_id),
            ActRow.kind != "mark_same_funds",
            ActRow.id.not_in(unheard_returns(request_id)),
        )
    if not heard.of_left_out:
        query = query.where(ActRow.id.not_in(unheard_acts(request_id)))
    return read(connection, query)


def acts_by_id(connection: Connection, act_ids: Sequence[str]) -> list[ActRow]:
    """Return the named acts in order."""
    query = select(ActRow).where(ActRow.id.in_(act_ids)).order_by(ActRow.id)
    return read(connection, query)


def sent_by(connection: Connection, viewer: Viewer, wanted: NewestRequests) -> list[ListedRequest]:
    """Return requests of a viewer's partner, newest first."""
    return _newest(connection, viewer, wanted, Box.SENT)


def received_by(
    connection: Connection, viewer: Viewer, wanted: NewestRequests
) -> list[ListedRequest]:
    """Return requests of which a viewer may see a leg, newest first; the status is the leg's."""
    return _newest(connection, viewer, wanted, Box.RECEIVED)


def ended_of(connection: Connection, viewer: Viewer, wanted: NewestRequests) -> list[ListedRequest]:
    """Return requests that are over, which a viewer's side sent or was asked in, newest first."""
    found = [
        *_newest(connection, viewer, wanted, Box.SENT_AND_ENDED),
        *_newest(connection, viewer, wanted, Box.RECEIVED_AND_ENDED),
    ]
    return sorted(found, key=lambda row: row.id, reverse=True)[: wanted.limit]


def listed(*, of_asked: bool = False) -> Select[Any]:
    """Return a query for `ListedRequest` rows as `READER` and `PERSON` may read them.

    Args:
        of_asked: The reader has a leg, which is to be joined.
    """
    return select(
        *fields_from(ListedRequest, FreezeRequestRow),
        request_words_are_told_to_reader().label("incident_is_told"),
        (LegRow.status if of_asked else null()).label("leg_status"),
        # Whoever was asked after the approval is told of no address that it left out.
        (_HIDDEN if of_asked else literal(0)).label("hidden_count"),
    )


class Box(Enum):
    """Which requests a list is of."""

    SENT = auto()
    RECEIVED = auto()
    SENT_AND_ENDED = auto()
    RECEIVED_AND_ENDED = auto()


@lru_cache(maxsize=len(Box) * 8)
def listing(
    box: Box, *, is_continued: bool, of_status: bool, of_incident: bool
) -> Prebuilt[ListedRequest]:
    """Return the statement of a list: read along the index of its first column.

    It takes `reader`, `person` and `size`, and `before`, `status` and `incident_id` where it is
    narrowed by them.
    """
    is_asked = box in {Box.RECEIVED, Box.RECEIVED_AND_ENDED}
    is_over = box in {Box.SENT_AND_ENDED, Box.RECEIVED_AND_ENDED}
    request_id = LegRow.request_id if is_asked else FreezeRequestRow.id
    query = listed(of_asked=is_asked)
    if is_asked:
        query = query.join(LegRow, LegRow.request_id == FreezeRequestRow.id).where(
            LegRow.partner == READER, is_seen(LegRow.request_id, READER, PERSON)
        )
    else:
        query = query.where(FreezeRequestRow.requester == READER)
    if is_over:
        query = query.where(FreezeRequestRow.status.in_([literal(each.value) for each in _ENDED]))
    if is_continued:
        query = query.where(request_id < bindparam("before"))
    if of_status:
        status = LegRow.status if box is Box.RECEIVED else FreezeRequestRow.status
        query = query.where(status == bindparam("status"))
    if of_incident:
        query = query.where(FreezeRequestRow.incident_id == bindparam("incident_id"))
    size = bindparam("size", type_=Integer)
    return Prebuilt(query.order_by(request_id.desc()).limit(size), ListedRequest)


def _newest(
    connection: Connection, viewer: Viewer, wanted: NewestRequests, box: Box
) -> list[ListedRequest]:
    statement = listing(
        box,
        is_continued=wanted.before is not None,
        of_status=wanted.status is not None,
        of_incident=wanted.incident_id is not None,
    )
    return statement.rows(
        connection,
        reader=viewer.partner,
        person=person_of(viewer),
        before=wanted.before,
        status=wanted.status,
        incident_id=wanted.incident_id,
        size=wanted.limit,
    )


_ENDED = (
    RequestStatus.REJECTED,
    RequestStatus.WITHDRAWN,
    RequestStatus.EXPIRED,
    RequestStatus.CLOSED,
)


def of_incident(
    connection: Connection, incident_id: str, viewer: Viewer, *, limit: int = 1000
) -> list[str]:
    """Return the ids of an incident's requests that a viewer may see."""
    handle = viewer.partner
    leg = select(LegRow.id).where(
        LegRow.request_id == FreezeRequestRow.id, LegRow.partner == handle
    )
    query = (
        select(FreezeRequestRow.id)
        .where(
            FreezeRequestRow.incident_id == incident_id,
            (FreezeRequestRow.requester == handle) | leg.exists(),
            *seen(FreezeRequestRow.id, viewer),
        )
        .order_by(FreezeRequestRow.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def with_amount(
    connection: Connection, request_id: str, numbers: Sequence[int]
) -> list[StatedAmount]:
    """Return how much the named addresses ask for, where they state an amount or mean all."""
    if not numbers:
        return []
    base = select(*fields_from(StatedAmount, FlaggedAddressRow)).where(
        FlaggedAddressRow.request_id == request_id,
        FlaggedAddressRow.amount.is_not(None) | FlaggedAddressRow.whole_account,
    )
    if len(numbers) > 400:  # noqa: PLR2004 - then one range read is cheaper than many look-ups
        named = FlaggedAddressRow.address_no.between(min(numbers), max(numbers))
    else:
        named = FlaggedAddressRow.address_no.in_(numbers)
    return read_as(connection, StatedAmount, base.where(named))


def set_contested(connection: Connection, request_id: str, *, contested: bool) -> None:
    """Note whether a dispute is open on a request."""
    connection.execute(
        update(FreezeRequestRow)
        .where(FreezeRequestRow.id == request_id)
        .values(contested=contested)
    )


def set_final_since(connection: Connection, request_id: str, moment: datetime | None) -> None:
    """Note since when nothing is expected of any leg; None: something is."""
    connection.execute(
        update(FreezeRequestRow).where(FreezeRequestRow.id == request_id).values(final_since=moment)
    )


def withdrawn_addresses(connection: Connection, request_id: str) -> dict[int, datetime]:
    """Return which addresses were taken back, and when."""
    query = select(WithdrawnAddressRow.address_no, WithdrawnAddressRow.withdrawn_at).where(
        WithdrawnAddressRow.request_id == request_id
    )
    return dict(connection.execute(query).all())


def withdrawals_of(
    connection: Connection, request_id: str, first: int, last: int
) -> list[WithdrawnAddressRow]:
    """Return which addresses from `first` to `last` were taken back, when, and by which act."""
    query = select(WithdrawnAddressRow).where(
        WithdrawnAddressRow.request_id == request_id,
        WithdrawnAddressRow.address_no.between(first, last),
    )
    return read(connection, query)


class WithdrawnTogether(NamedTuple):
    """Addresses that one act took back, in their order; `reason` is None before there were codes.

    `act_id` is the act that proposed it where a second lead approved.
    """

    act_id: str
    reason: WithdrawalReason | None
    numbers: list[int]


def withdrawn_by_act(connection: Connection, request_id: str) -> list[WithdrawnTogether]:
    """Return which addresses were taken back, by the acts that did it, in order."""
    query = (
        select(
            WithdrawnAddressRow.act_id, WithdrawnAddressRow.reason, WithdrawnAddressRow.address_no
        )
        .where(WithdrawnAddressRow.request_id == request_id)
        .order_by(WithdrawnAddressRow.act_id, WithdrawnAddressRow.address_no)
    )
    found: dict[str, WithdrawnTogether] = {}
    for act_id, reason, number in connection.execute(query):
        code = None if reason is None else WithdrawalReason(reason)
        found.setdefault(act_id, WithdrawnTogether(act_id, code, [])).numbers.append(number)
    return list(found.values())


def withdrawal_reasons(connection: Connection, request_ids: Collection[str]) -> dict[str, str]:
    """Return why requests were withdrawn, or the newest of their withdrawn addresses."""
    newest = (
        select(WithdrawnAddressRow.reason)
        .where(WithdrawnAddressRow.request_id == FreezeRequestRow.id)
        .order_by(WithdrawnAddressRow.withdrawn_at.desc(), WithdrawnAddressRow.address_no)
        .limit(1)
        .scalar_subquery()
    )
    reason = func.coalesce(FreezeRequestRow.withdrawal_reason, newest)
    query = select(FreezeRequestRow.id, reason).where(FreezeRequestRow.id.in_(request_ids))
    rows = connection.execute(query).all() if request_ids else []
    return {request_id: found for request_id, found in rows if found is not None}


class WithdrawnNow(NamedTuple):
    """By which act addresses are taken back, when, and why."""

    act_id: str
    at: datetime
    reason: WithdrawalReason


def withdraw_addresses(
    connection: Connection, request_id: str, numbers: Sequence[int], withdrawn: WithdrawnNow
) -> None:
    """Mark addresses as taken back; the request is locked by the caller."""
    connection.execute(
        update(FreezeRequestRow)
        .where(FreezeRequestRow.id == request_id)
        .values(withdrawn_count=FreezeRequestRow.withdrawn_count + len(numbers))
    )
    insert_rows(
        connection,
        WithdrawnAddressRow,
        ("request_id", "address_no", "act_id", "withdrawn_at", "reason"),
        [(request_id, number, *withdrawn) for number in numbers],
    )


def leave_out(connection: Connection, request_id: str, numbers: Sequence[int]) -> None:
    """Mark addresses as left out; legs that there are were told of them before."""
    insert_rows(
        connection,
        LeftOutAddressRow,
        ("request_id", "address_no"),
        [(request_id, number) for number in numbers],
    )
    connection.execute(
        update(LegRow).where(LegRow.request_id == request_id).values(knows_left_out=True)
    )


def left_out_addresses(connection: Connection, request_id: str) -> frozenset[int]:
    """Return which addresses the approval left out."""
    query = select(LeftOutAddressRow.address_no).where(LeftOutAddressRow.request_id == request_id)
    return frozenset(connection.execute(query).scalars())


def ratification(row: FreezeRequestRow) -> Ratification:
    """Return how a request stands with the leads of its requester."""
    if row.unratified_until is not None:
        return Ratification.UNRATIFIED
    return Ratification.PROVISIONAL if row.provisional else Ratification.SETTLED


def due_for_ratification(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return provisional requests that nobody ratified in time."""
    query = (
        select(FreezeRequestRow.id)
        .where(FreezeRequestRow.ratify_by <= now, FreezeRequestRow.provisional)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def due_unratified(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return unratified requests whose time to be ratified after all is past."""
    query = select(FreezeRequestRow.id).where(FreezeRequestRow.unratified_until <= now).limit(limit)
    return list(connection.execute(query).scalars())


def due_for_closing(connection: Connection, final_before: datetime, limit: int = 100) -> list[str]:
    """Return active requests of which nothing was expected since before `final_before`."""
    query = (
        select(FreezeRequestRow.id)
        .where(
            FreezeRequestRow.final_since <= final_before,
            FreezeRequestRow.status == RequestStatus.ACTIVE,
        )
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def flash_places_since(
    connection: Connection, handle: str, since: datetime, *, drill: bool
) -> list[datetime]:
    """Return when `handle` sent flash requests out that are no free followers, oldest first.

    Drills have places of their own: they take none of those for real ones.
    """
    query = (
        select(FreezeRequestRow.submitted_at)
        .where(
            FreezeRequestRow.requester == handle,
            FreezeRequestRow.drill.is_(drill),
            FreezeRequestRow.submitted_at > since,
            FreezeRequestRow.ratify_by.is_not(None),
            ~_follows_ratified(),
        )
        .order_by(FreezeRequestRow.submitted_at)
    )
    return list(connection.execute(query).scalars())


def followed_accounts(connection: Connection, handle: str, incident_id: str) -> int:
    """Return how many accounts the free flash followers of `handle` named in an incident."""
    query = select(func.coalesce(func.sum(FreezeRequestRow.address_count), 0)).where(
        FreezeRequestRow.incident_id == incident_id,
        FreezeRequestRow.requester == handle,
        FreezeRequestRow.ratify_by.is_not(None),
        _follows_ratified(),
    )
    return int(connection.execute(query).scalar_one())


def is_ratified_incident(connection: Connection, handle: str, incident_id: str) -> bool:
    """Tell whether leads of `handle` stand by any of its requests in an incident."""
    query = select(FreezeRequestRow.id).where(
        FreezeRequestRow.incident_id == incident_id,
        FreezeRequestRow.requester == handle,
        *_stood_by(FreezeRequestRow),
    )
    return connection.execute(query.limit(1)).first() is not None


def _stood_by(row: type[FreezeRequestRow]) -> list[ColumnElement[bool]]:
    return [row.decided_at.is_not(None), row.status != RequestStatus.REJECTED]


def _follows_ratified() -> ColumnElement[bool]:
    """Return that leads had approved one of the incident's requests as this one followed it."""
    earlier = aliased(FreezeRequestRow)
    return FreezeRequestRow.follows.is_not(None) & exists().where(
        earlier.incident_id == FreezeRequestRow.incident_id,
        earlier.requester == FreezeRequestRow.requester,
        earlier.decided_at <= FreezeRequestRow.submitted_at,
        *_stood_by(earlier),
    )


def due_for_expiry(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return submitted requests whose time to be approved is past."""
    query = (
        select(FreezeRequestRow.id)
        .where(
            FreezeRequestRow.status == RequestStatus.SUBMITTED, FreezeRequestRow.approve_by <= now
        )
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def count_by_status(connection: Connection) -> dict[str, int]:
    """Return how many requests are in each status; drills are not counted."""
    query = (
        select(FreezeRequestRow.status, func.count())
        .where(~FreezeRequestRow.drill)
        .group_by(FreezeRequestRow.status)
    )
    return dict(connection.execute(query).all())


def submit_act(connection: Connection, request_id: str) -> str | None:
    """Return the act that submitted a request; its evidence is the whole document."""
    return _SUBMIT_ACT.row(connection, request_id=request_id)

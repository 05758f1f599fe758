"""Pages of the freeze ledger: lines and holds of a request or of one leg, shared ones too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    bindparam,
    func,
    literal,
    null,
    select,
    union_all,
)

from coordinator.domain.encumbrance import BLOCKING
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.ledger.hold_clocks import OBLIGES
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_ledger import (
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
    SharedLineRow,
)
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.life_cycle import WithdrawnAddressRow


class ShownLine(NamedTuple):
    """A ledger line as it stands on one request.

    Attributes:
        request_id: The request that it is shown on; `leg_id` and `address_no` are of that one, too.
        is_shared: Whether it was written on another request.
        source_request: The request that it was written on.
        source_requester: Whose that is; None for a line of its own.
    """

    id: str
    request_id: str
    leg_id: str
    partner: str
    report_id: str
    line_no: int
    kind: str
    address_no: int | None
    asset: str | None
    amount: int | None
    withheld: bool
    hold_id: str | None
    code: str | None
    corrects: str | None
    reported_at: datetime
    irregular: str | None
    gateway: str | None
    is_shared: bool
    source_request: str
    source_requester: str | None


class ShownHold(NamedTuple):
    """A hold as one request knows it.

    Attributes:
        request_id: That request; `leg_id` and `address_no` are those of the hold's link to it.
        is_shared: Whether it was opened on another request.
        obliges: Whether an answer is owed on this request, if one is owed at all.
        encumbrances: How many claims stand on it, on whichever request they were attached.
        withdrawn_reason: Why the address, or else the request, was withdrawn, if it was.
        drill: Whether that request is one.
    """

    id: str
    request_id: str
    leg_id: str
    partner: str
    address_no: int
    asset: str
    frozen: int
    released: int
    returned: int
    seized: int
    withheld: bool
    account_level: bool
    basis: str
    frozen_at: datetime
    effective_at: datetime | None
    hold_expires_at: datetime
    reviewed: bool
    same_funds_as: str | None
    lapsed: bool
    kept: str | None
    owed_since: datetime | None
    review_at: datetime | None
    irregular: str | None
    is_shared: bool
    obliges: bool
    encumbrances: int
    withdrawn_reason: str | None
    drill: bool


def lines(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[ShownLine]:
    """Return ledger lines in order, of the whole request or of one leg, shared ones too."""
    statement = _LINES[leg_id is not None]
    return statement.rows(connection, scope=leg_id or request_id, after=after, limit=limit)


def _lines(*, of_leg: bool) -> Select[*tuple[Any, ...]]:
    scope = "leg_id" if of_leg else "request_id"
    own_scope = LedgerLineRow.__table__.c[scope] == bindparam("scope")
    shared_scope = SharedLineRow.__table__.c[scope] == bindparam("scope")
    after, limit = bindparam("after", type_=String), bindparam("limit", type_=Integer)
    own = select(
        *fields_from(ShownLine, LedgerLineRow),
        literal(value=False).label("is_shared"),
        LedgerLineRow.request_id.label("source_request"),
        null().label("source_requester"),
    ).where(own_scope, LedgerLineRow.id > after)
    shared = (
        select(
            *_in_place_of(fields_from(ShownLine, LedgerLineRow), SharedLineRow),
            literal(value=True).label("is_shared"),
            LedgerLineRow.request_id.label("source_request"),
            FreezeRequestRow.requester.label("source_requester"),
        )
        .join(SharedLineRow, SharedLineRow.line_id == LedgerLineRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == LedgerLineRow.request_id)
        .where(shared_scope, SharedLineRow.line_id > after)
    )
    # Each along its own index, so that neither reads more than a page.
    pages = (
        own.order_by(LedgerLineRow.id).limit(limit).subquery(),
        shared.order_by(SharedLineRow.line_id).limit(limit).subquery(),
    )
    both = union_all(*(select(each) for each in pages)).subquery()
    return select(both).order_by(both.c.id).limit(limit)


def holds(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[ShownHold]:
    """Return the holds that count for a request (or one leg of it), shared ones too, by id."""
    query = (
        select(*linked_hold())
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(HoldLinkRow.request_id == request_id, HoldLinkRow.hold_id > after)
    )
    if leg_id is not None:
        query = query.where(HoldLinkRow.leg_id == leg_id)
    return read_as(connection, ShownHold, query.order_by(HoldLinkRow.hold_id).limit(limit))


_STANDING = (
    select(func.count())
    .select_from(EncumbranceRow)
    .where(
        EncumbranceRow.target_id == HoldRow.id,
        EncumbranceRow.status.in_(sorted(status.value for status in BLOCKING)),
    )
    .correlate(HoldRow)
    .scalar_subquery()
)


def linked_hold() -> list[ColumnElement[Any]]:
    """Return the columns of a `ShownHold`, to be selected with the link and its request."""
    columns = _in_place_of(fields_from(ShownHold, HoldRow), HoldLinkRow)
    of_address = (
        select(WithdrawnAddressRow.reason)
        .where(
            WithdrawnAddressRow.request_id == HoldLinkRow.request_id,
            WithdrawnAddressRow.address_no == HoldLinkRow.address_no,
        )
        .scalar_subquery()
    )
    reason = func.coalesce(of_address, FreezeRequestRow.withdrawal_reason)
    return [
        *columns,
        HoldLinkRow.__table__.c.is_shared,
        OBLIGES.label("obliges"),
        _STANDING.label("encumbrances"),
        reason.label("withdrawn_reason"),
        FreezeRequestRow.__table__.c.drill,
    ]


def _in_place_of(
    columns: Sequence[ColumnElement[Any]], link: type[HoldLinkRow | SharedLineRow]
) -> list[ColumnElement[Any]]:
    """Return columns, but as `link` has them what says where it stands."""
    place = {name: link.__table__.c[name] for name in ("request_id", "leg_id", "address_no")}
    return [place.get(column.key or "", column) for column in columns]


# Made once, for what a subquery costs.
_LINES = {of_leg: Prebuilt(_lines(of_leg=of_leg), ShownLine) for of_leg in (False, True)}

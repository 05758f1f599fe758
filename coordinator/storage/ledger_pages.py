"""Pages of the freeze ledger: lines and holds of a request or of one leg, shared ones too."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    literal,
    null,
    select,
    union_all,
)

from coordinator.storage.hold_clocks import OBLIGES
from coordinator.storage.tables.freeze_ledger import (
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
    SharedLineRow,
)
from coordinator.storage.tables.freeze_requests import FreezeRequestRow


def lines(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Return ledger lines in order, of the whole request or of one leg.

    With `is_shared` those that count for it and were written on another request: `request_id`,
    `leg_id` and `address_no` are of this one, `source_request` and `source_requester` of that one.
    """
    given = {"scope": leg_id or request_id, "after": after, "limit": limit}
    return connection.execute(_lines(of_leg=leg_id is not None), given).all()


@cache
def _lines(*, of_leg: bool) -> Select[Any]:
    scope = "leg_id" if of_leg else "request_id"
    own_scope = LedgerLineRow.__table__.c[scope] == bindparam("scope")
    shared_scope = SharedLineRow.__table__.c[scope] == bindparam("scope")
    after, limit = bindparam("after", type_=String), bindparam("limit", type_=Integer)
    own = select(
        LedgerLineRow.__table__,
        literal(value=False).label("is_shared"),
        LedgerLineRow.request_id.label("source_request"),
        null().label("source_requester"),
    ).where(own_scope, LedgerLineRow.id > after)
    shared = (
        select(
            *_in_place_of(LedgerLineRow, SharedLineRow),
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
) -> Sequence[Row[Any]]:
    """Return the holds that count for a request (or one leg of it), shared ones too, by id."""
    query = (
        select(*linked_hold())
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == HoldLinkRow.request_id)
        .where(HoldLinkRow.request_id == request_id, HoldLinkRow.hold_id > after)
    )
    if leg_id is not None:
        query = query.where(HoldLinkRow.leg_id == leg_id)
    return connection.execute(query.order_by(HoldLinkRow.hold_id).limit(limit)).all()


def linked_hold() -> list[ColumnElement[Any]]:
    """Return the columns of a hold as one request knows it: request, leg and address of the link.

    With `is_shared` where it was opened on another, and `obliges` where an answer is owed on this
    one, if it is at all. To be selected with the link and its request.
    """
    columns = _in_place_of(HoldRow, HoldLinkRow)
    return [*columns, HoldLinkRow.__table__.c.is_shared, OBLIGES.label("obliges")]


def _in_place_of(stored: Any, shown: Any) -> list[ColumnElement[Any]]:
    """Return the columns of `stored`, but as `shown` has them what says where it stands."""
    place = {name: shown.__table__.c[name] for name in ("request_id", "leg_id", "address_no")}
    return [place.get(column.name, column) for column in stored.__table__.columns]

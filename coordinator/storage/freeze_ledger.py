"""The freeze ledger's rows.

Loading a leg's balances, booking a report, and the totals of any scope.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from coordinator.domain.freeze_ledger import BookedLine, Booking, Finding, HoldBalance, LegLedger
from coordinator.storage.base import BaseUnits
from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.freeze_ledger import (
    FindingRow,
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
    NothingRow,
)
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from partners.protocol.vocabulary import DeclineCode, HoldBasis, KeptBasis, LineKind

_LINE_COLUMNS = (
    "id",
    "request_id",
    "leg_id",
    "partner",
    "report_id",
    "line_no",
    "kind",
    "address_no",
    "asset",
    "amount",
    "withheld",
    "hold_id",
    "code",
    "corrects",
    "reported_at",
    "usd_cents",
)
_HOLD_COLUMNS = (
    "id",
    "request_id",
    "leg_id",
    "partner",
    "address_no",
    "asset",
    "frozen",
    "released",
    "returned",
    "seized",
    "withheld",
    "ended",
    "account_level",
    "basis",
    "frozen_at",
    "hold_expires_at",
    "lapsed",
    "kept",
    "ended_by",
    "version",
)
_LINK_COLUMNS = ("leg_id", "hold_id", "request_id", "is_shared", "address_no")
_FINDING_COLUMNS = ("leg_id", "address_no", "asset", "request_id", "found", "withheld")
_NOTHING_COLUMNS = ("leg_id", "address_no", "code")


def _balance(row: Row[Any]) -> HoldBalance:
    return HoldBalance(
        id=row.id,
        leg_id=row.leg_id,
        address_no=row.address_no,
        asset=row.asset,
        frozen=row.frozen,
        released=row.released,
        returned=row.returned,
        seized=row.seized,
        withheld=row.withheld,
        ended=row.ended and row.withheld,
        basis=HoldBasis(row.basis),
        frozen_at=row.frozen_at,
        hold_expires_at=row.hold_expires_at,
        account_level=row.account_level,
        lapsed=row.lapsed,
        kept=None if row.kept is None else KeptBasis(row.kept),
        ended_by=None if row.ended_by is None else LineKind(row.ended_by),
    )


def load_leg(connection: Connection, leg_id: str) -> LegLedger:
    """Return a leg's ledger as it stands."""
    ledger = LegLedger(leg_id)
    for row in connection.execute(select(HoldRow.__table__).where(HoldRow.leg_id == leg_id)):
        ledger.holds[row.id] = _balance(row)
    linked = set()
    for row in connection.execute(
        select(HoldLinkRow.__table__).where(HoldLinkRow.leg_id == leg_id)
    ):
        linked.add(row.hold_id)
        if row.is_shared:
            ledger.shared[row.hold_id] = row.address_no
    ledger.unlinked = set(ledger.holds) - linked
    for row in connection.execute(select(FindingRow.__table__).where(FindingRow.leg_id == leg_id)):
        ledger.findings[row.address_no, row.asset] = Finding(
            row.address_no, row.asset, row.found, row.withheld
        )
    for row in connection.execute(select(NothingRow.__table__).where(NothingRow.leg_id == leg_id)):
        ledger.nothing[row.address_no] = DeclineCode(row.code)
    ledger.line = lambda line_id: effective_line(connection, leg_id, line_id)
    return ledger


def effective_line(connection: Connection, leg_id: str, line_id: str) -> BookedLine | None:
    """Return a line with its amount as it stands, that is after its latest correction."""
    row = connection.execute(
        select(LedgerLineRow.__table__).where(
            LedgerLineRow.leg_id == leg_id, LedgerLineRow.id == line_id
        )
    ).one_or_none()
    if row is None:
        return None
    latest = connection.execute(
        select(LedgerLineRow.amount, LedgerLineRow.withheld)
        .where(LedgerLineRow.corrects == line_id, LedgerLineRow.leg_id == leg_id)
        .order_by(LedgerLineRow.id.desc())
        .limit(1)
    ).one_or_none()
    stands = row if latest is None else latest
    shares = row.kind == LineKind.FROZEN and row.amount is None and not row.withheld
    return BookedLine(
        row.id,
        row.line_no,
        LineKind(row.kind),
        row.address_no,
        row.asset,
        stands.amount,
        withheld=stands.withheld,
        hold_id=row.hold_id,
        code=row.code,
        corrects=row.corrects,
        shares=shares,
    )


def holds_of_partner(
    connection: Connection, partner: str, hold_ids: Sequence[str], *, but_leg: str
) -> dict[str, HoldBalance]:
    """Return the named holds of a partner's other legs."""
    found: dict[str, HoldBalance] = {}
    for start in range(0, len(hold_ids), 400):
        query = select(HoldRow.__table__).where(
            HoldRow.id.in_(hold_ids[start : start + 400]),
            HoldRow.partner == partner,
            HoldRow.leg_id != but_leg,
        )
        found |= {row.id: _balance(row) for row in connection.execute(query)}
    return found


def requests_sharing(connection: Connection, hold_id: str) -> frozenset[str]:
    """Return the requests that a hold is linked to."""
    query = select(HoldLinkRow.request_id).where(HoldLinkRow.hold_id == hold_id)
    return frozenset(connection.execute(query).scalars())


def other_legs_sharing(
    connection: Connection, hold_ids: Sequence[str], but_leg: str
) -> list[tuple[str, str]]:
    """Return (leg_id, hold_id) of the links of the named holds to other legs, by leg."""
    found: list[tuple[str, str]] = []
    for start in range(0, len(hold_ids), 400):
        query = select(HoldLinkRow.leg_id, HoldLinkRow.hold_id).where(
            HoldLinkRow.hold_id.in_(hold_ids[start : start + 400]), HoldLinkRow.leg_id != but_leg
        )
        found.extend((leg_id, hold_id) for leg_id, hold_id in connection.execute(query))
    return sorted(found)


def book(  # noqa: PLR0913 - what a booking is stored with
    connection: Connection,
    before: LegLedger,
    booking: Booking,
    *,
    leg: Row[Any],
    report_id: str,
    now: datetime,
    usd: Mapping[int, int | None],
) -> None:
    """Store what an accepted report changes.

    `before` is the ledger as it was loaded, `usd` what lines state to be worth, in cents by line.
    """
    insert_rows(
        connection,
        LedgerLineRow,
        _LINE_COLUMNS,
        [
            (
                line.id,
                leg.request_id,
                leg.id,
                leg.partner,
                report_id,
                line.no,
                line.kind.value,
                line.address_no,
                line.asset,
                line.amount,
                line.withheld,
                line.hold_id,
                line.code,
                line.corrects,
                now,
                usd.get(line.no),
            )
            for line in booking.lines
        ],
    )
    _store_holds(connection, booking, leg)
    _store_links(connection, booking, leg)
    _store_findings(connection, before, booking, leg)
    _store_nothing(connection, before, booking, leg)


def _store_holds(connection: Connection, booking: Booking, leg: Row[Any]) -> None:
    opened = set(booking.opened)
    fresh, changed = [], []
    for hold in booking.touched_holds.values():
        if hold.id in opened:
            fresh.append(_hold_values(hold, leg))
        else:
            changed.append(hold)
    insert_rows(connection, HoldRow, _HOLD_COLUMNS, fresh)
    store_holds(connection, changed)


def _hold_values(hold: HoldBalance, leg: Row[Any]) -> tuple[Any, ...]:
    return (
        hold.id,
        leg.request_id,
        hold.leg_id,
        leg.partner,
        hold.address_no,
        hold.asset,
        hold.frozen,
        hold.released,
        hold.returned,
        hold.seized,
        hold.withheld,
        not hold.is_open,
        hold.account_level,
        hold.basis.value,
        hold.frozen_at,
        hold.hold_expires_at,
        hold.lapsed,
        None if hold.kept is None else hold.kept.value,
        None if hold.ended_by is None else hold.ended_by.value,
        1,
    )


def store_hold(connection: Connection, hold: HoldBalance) -> None:
    """Write a hold as it stands now; its leg or request is locked by the caller."""
    store_holds(connection, [hold])


def store_holds(connection: Connection, holds: Sequence[HoldBalance]) -> None:
    """Write holds as they stand now; their legs or requests are locked by the caller."""
    if holds:
        connection.execute(_SET_HOLD, [_changed_values(hold) for hold in holds])


def _changed_values(hold: HoldBalance) -> dict[str, Any]:
    return {
        "hold_id": hold.id,
        "frozen": hold.frozen,
        "released": hold.released,
        "returned": hold.returned,
        "seized": hold.seized,
        "withheld": hold.withheld,
        "ended": not hold.is_open,
        "account_level": hold.account_level,
        "basis": hold.basis.value,
        "hold_expires_at": hold.hold_expires_at,
        "lapsed": hold.lapsed,
        "kept": None if hold.kept is None else hold.kept.value,
        "ended_by": None if hold.ended_by is None else hold.ended_by.value,
    }


_CHANGED = (
    "frozen",
    "released",
    "returned",
    "seized",
    "withheld",
    "ended",
    "account_level",
    "basis",
    "hold_expires_at",
    "lapsed",
    "kept",
    "ended_by",
)
# Built once and run for many rows: a report may end thousands of holds.
_SET_HOLD = (
    update(HoldRow)
    .where(HoldRow.id == bindparam("hold_id"))
    .values({**{name: bindparam(name) for name in _CHANGED}, "version": HoldRow.version + 1})
)
_UNLINK = delete(HoldLinkRow).where(
    HoldLinkRow.leg_id == bindparam("link_leg"), HoldLinkRow.hold_id == bindparam("link_hold")
)
_UNLINK_ALL = delete(HoldLinkRow).where(HoldLinkRow.hold_id == bindparam("link_hold"))
_SET_FINDING = (
    update(FindingRow)
    .where(
        FindingRow.leg_id == bindparam("of_leg"),
        FindingRow.address_no == bindparam("of_address"),
        FindingRow.asset == bindparam("of_asset"),
    )
    .values(found=bindparam("found"), withheld=bindparam("withheld"))
)


def _store_links(connection: Connection, booking: Booking, leg: Row[Any]) -> None:
    own = [
        (leg.id, hold_id, leg.request_id, False, booking.touched_holds[hold_id].address_no)
        for hold_id in booking.opened
    ]
    shared = [
        (leg.id, hold_id, leg.request_id, True, number)
        for hold_id, number in booking.shared.items()
    ]
    insert_rows(connection, HoldLinkRow, _LINK_COLUMNS, own + shared)
    if booking.unlinked:
        ended = [{"link_leg": leg.id, "link_hold": hold_id} for hold_id in booking.unlinked]
        connection.execute(_UNLINK, ended)
    if booking.voided:
        connection.execute(_UNLINK_ALL, [{"link_hold": hold_id} for hold_id in booking.voided])


def _store_findings(
    connection: Connection, before: LegLedger, booking: Booking, leg: Row[Any]
) -> None:
    fresh: list[tuple[Any, ...]] = []
    changed: list[dict[str, Any]] = []
    for position, finding in booking.touched_findings.items():
        if position in before.findings:
            place = {"of_leg": leg.id, "of_address": finding.address_no, "of_asset": finding.asset}
            changed.append({**place, "found": finding.found, "withheld": finding.withheld})
        else:
            fresh.append(
                (
                    leg.id,
                    finding.address_no,
                    finding.asset,
                    leg.request_id,
                    finding.found,
                    finding.withheld,
                )
            )
    if changed:
        connection.execute(_SET_FINDING, changed)
    insert_rows(connection, FindingRow, _FINDING_COLUMNS, fresh)


def _store_nothing(
    connection: Connection, before: LegLedger, booking: Booking, leg: Row[Any]
) -> None:
    superseded = [n for n in booking.touched_nothing if n in before.nothing]
    for start in range(0, len(superseded), 400):
        connection.execute(
            delete(NothingRow).where(
                NothingRow.leg_id == leg.id,
                NothingRow.address_no.in_(superseded[start : start + 400]),
            )
        )
    insert_rows(
        connection,
        NothingRow,
        _NOTHING_COLUMNS,
        [
            (leg.id, number, code.value)
            for number, code in booking.touched_nothing.items()
            if code is not None
        ],
    )


def lines(
    connection: Connection,
    request_id: str,
    *,
    leg_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Return ledger lines in order, of the whole request or of one leg."""
    query = select(LedgerLineRow.__table__).where(LedgerLineRow.id > after)
    if leg_id is None:
        query = query.where(LedgerLineRow.request_id == request_id)
    else:
        query = query.where(LedgerLineRow.leg_id == leg_id)
    return connection.execute(query.order_by(LedgerLineRow.id).limit(limit)).all()


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
        select(HoldRow.__table__, HoldLinkRow.is_shared)
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .where(HoldLinkRow.request_id == request_id, HoldRow.id > after)
    )
    if leg_id is not None:
        query = query.where(HoldLinkRow.leg_id == leg_id)
    return connection.execute(query.order_by(HoldRow.id).limit(limit)).all()


def open_holds(connection: Connection, request_id: str) -> int:
    """Count the holds that count for a request and still hold something."""
    query = (
        select(func.count(func.distinct(HoldRow.id)))
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .where(HoldLinkRow.request_id == request_id, ~HoldRow.ended)
    )
    return int(connection.execute(query).scalar_one())


def _sum(connection: Connection, column: Any) -> ColumnElement[int]:
    summed: ColumnElement[int]
    if connection.dialect.name == "sqlite":
        # Each row costs a call into Python there, and most of what could have left a hold is 0.
        added = func.sum_units(column, type_=Text()).filter(column != 0)
        summed = func.coalesce(added, "0", type_=BaseUnits())
    else:
        summed = func.sum(column, type_=BaseUnits())
    return summed


Totals = dict[str, dict[str, Any]]


def totals(
    connection: Connection,
    *,
    request_id: str | None = None,
    leg_id: str | None = None,
    incident_id: str | None = None,
    visible_to: str | None = None,
) -> Totals:
    """Return sums by asset over *distinct* holds in scope, and what was found there.

    Args:
        connection: Any.
        request_id: Everything that counts for this request.
        leg_id: Only for this leg.
        incident_id: For all requests of an incident that `visible_to` may see: as requester all
        legs,
            as partner asked its own.
        visible_to: See `incident_id`.
    """
    found_scope: ColumnElement[bool]
    link_scope: ColumnElement[bool]
    if incident_id is not None:
        legs = _visible_legs(incident_id, visible_to or "")
        found_scope = FindingRow.leg_id.in_(legs)
        link_scope = HoldLinkRow.leg_id.in_(legs)
    elif leg_id is not None:
        found_scope = FindingRow.leg_id == leg_id
        link_scope = HoldLinkRow.leg_id == leg_id
    else:
        found_scope = FindingRow.request_id == request_id
        link_scope = HoldLinkRow.request_id == request_id
    return _totals(connection, found_scope, link_scope)


def _visible_legs(incident_id: str, partner: str) -> Select[Any]:
    return (
        select(LegRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(
            FreezeRequestRow.incident_id == incident_id,
            (FreezeRequestRow.requester == partner) | (LegRow.partner == partner),
        )
    )


def _totals(connection: Connection, found_scope: Any, link_scope: Any) -> Totals:
    sums: Totals = {}

    def of(asset: str) -> dict[str, Any]:
        zero = dict.fromkeys(("found", "frozen", "held", "released", "returned", "seized"), 0)
        return sums.setdefault(asset, {**zero, "withheld": 0})

    findings = (
        select(
            FindingRow.asset,
            _sum(connection, FindingRow.found).label("found"),
            func.sum(cast(FindingRow.withheld, Integer)).label("withheld"),
        )
        .where(found_scope)
        .group_by(FindingRow.asset)
    )
    for asset, found, withheld in connection.execute(findings):
        entry = of(asset)
        entry["found"] = found
        entry["withheld"] += int(withheld)
    kept = select(
        HoldRow.asset,
        *(_sum(connection, getattr(HoldRow, n)).label(n) for n in _SUMMED),
        func.sum(cast(HoldRow.withheld, Integer)).label("withheld"),
    ).where(HoldRow.id.in_(select(HoldLinkRow.hold_id).where(link_scope)))
    for row in connection.execute(kept.group_by(HoldRow.asset)):
        entry = of(row.asset)
        for name in _SUMMED:
            entry[name] = getattr(row, name)
        entry["held"] = row.frozen - row.released - row.returned - row.seized
        entry["withheld"] += int(row.withheld)
    return sums


def as_text(sums: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return totals as they stand on the wire: amounts as decimal strings."""
    return {
        asset: {n: (v if n == "withheld" else str(v)) for n, v in entry.items()}
        for asset, entry in sorted(sums.items())
    }


_SUMMED = ("frozen", "released", "returned", "seized")

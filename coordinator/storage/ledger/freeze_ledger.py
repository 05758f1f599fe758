"""The freeze ledger's rows: loading a leg's balances, and booking a report."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    bindparam,
    delete,
    func,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from coordinator.domain.freeze_ledger import BookedLine, Booking, Finding, HoldBalance, LegLedger
from coordinator.domain.usd import worth_after
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.ledger.hold_clocks import Obligation
from coordinator.storage.ledger.shared_lines import show_earlier
from coordinator.storage.tables.freeze_ledger import (
    FindingRow,
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
    NothingRow,
)
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import LeftOutAddressRow, WithdrawnAddressRow
from holdfast.protocol.vocabulary import DeclineCode, HoldBasis, Irregular, KeptBasis, LineKind

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
    "irregular",
)
_LINK_COLUMNS = ("leg_id", "hold_id", "request_id", "is_shared", "address_no")
_FINDING_COLUMNS = ("leg_id", "address_no", "asset", "request_id", "found", "found_usd", "withheld")
_NOTHING_COLUMNS = ("leg_id", "address_no", "code")


class _Changing(NamedTuple):
    """The columns of a hold that later lines and clocks change."""

    frozen: int
    released: int
    returned: int
    seized: int
    frozen_usd: int | None
    held_usd: int | None
    released_usd: int | None
    returned_usd: int | None
    seized_usd: int | None
    withheld: bool
    ended: bool
    account_level: bool
    basis: str
    hold_expires_at: datetime
    reviewed: bool
    lapsed: bool
    kept: str | None
    ended_by: str | None
    review_at: datetime | None
    irregular: str | None


_HOLD_COLUMNS = (
    *("id", "request_id", "leg_id", "partner", "address_no", "asset", "frozen_at", "effective_at"),
    *_Changing._fields,
    *Obligation._fields,
    "version",
)


def _changing(hold: HoldBalance) -> _Changing:
    # By position: names cost twice as much, and thousands come at once.
    return _Changing(
        hold.frozen,
        hold.released,
        hold.returned,
        hold.seized,
        hold.frozen_usd or None,
        hold.held_usd or None,
        hold.released_usd or None,
        hold.returned_usd or None,
        hold.seized_usd or None,
        hold.withheld,
        not hold.is_open,
        hold.account_level,
        hold.basis.value,
        hold.hold_expires_at,
        hold.reviewed,
        hold.lapsed,
        None if hold.kept is None else hold.kept.value,
        None if hold.ended_by is None else hold.ended_by.value,
        hold.review_at,
        None if hold.irregular is None else hold.irregular.value,
    )


class _Link(NamedTuple):
    hold_id: str
    is_shared: bool
    address_no: int


class _Found(NamedTuple):
    address_no: int
    asset: str
    found: int
    withheld: bool
    found_usd: int | None


class _Nothing(NamedTuple):
    address_no: int
    code: str | None


class _LineNow(NamedTuple):
    amount: int | None
    withheld: bool
    usd_cents: int | None


def _with_nothing() -> CompoundSelect[Any]:
    """Return a query for the addresses that a leg answered with nothing, and the code.

    In the same round trip, without a code: those that await no answer, for they were taken back, or
    left out from the start.
    """
    leg_id: BindParameter[str] = bindparam("leg_id")
    answered = select(NothingRow.address_no, NothingRow.code).where(NothingRow.leg_id == leg_id)
    gone = (
        select(row.address_no, null())
        .join(LegRow, LegRow.request_id == row.request_id)
        .where(LegRow.id == leg_id)
        for row in (WithdrawnAddressRow, LeftOutAddressRow)
    )
    return union_all(answered, *gone)


_HOLDS = Prebuilt(select(HoldRow).where(HoldRow.leg_id == bindparam("leg_id")))
_LINKS = Prebuilt(
    select(HoldLinkRow.hold_id, HoldLinkRow.is_shared, HoldLinkRow.address_no).where(
        HoldLinkRow.leg_id == bindparam("leg_id")
    ),
    _Link,
)
_FINDINGS = Prebuilt(
    select(
        FindingRow.address_no,
        FindingRow.asset,
        FindingRow.found,
        FindingRow.withheld,
        FindingRow.found_usd,
    ).where(FindingRow.leg_id == bindparam("leg_id")),
    _Found,
)
_NOTHING = Prebuilt(_with_nothing(), _Nothing)
_LINE = Prebuilt(
    select(LedgerLineRow).where(
        LedgerLineRow.leg_id == bindparam("leg_id"), LedgerLineRow.id == bindparam("line_id")
    )
)
_CORRECTION = Prebuilt(
    select(LedgerLineRow.amount, LedgerLineRow.withheld, LedgerLineRow.usd_cents)
    .where(
        LedgerLineRow.corrects == bindparam("line_id"),
        LedgerLineRow.leg_id == bindparam("leg_id"),
    )
    .order_by(LedgerLineRow.id.desc())
    .limit(1),
    _LineNow,
)
_THEIRS, _OWN_LEG, _OWN = aliased(FreezeRequestRow), aliased(LegRow), aliased(FreezeRequestRow)
#: A drill shares no hold with what is real.
_AS_REAL = (
    select(_OWN.drill)
    .join(_OWN_LEG, _OWN_LEG.request_id == _OWN.id)
    .where(_OWN_LEG.id == bindparam("but_leg"))
    .scalar_subquery()
)
_OF_PARTNER = Prebuilt(
    select(HoldRow)
    .join(_THEIRS, _THEIRS.id == HoldRow.request_id)
    .where(
        HoldRow.partner == bindparam("partner"),
        HoldRow.leg_id != bindparam("but_leg"),
        _THEIRS.drill == _AS_REAL,
    ),
    among=HoldRow.id,
)


def _balance(row: HoldRow) -> HoldBalance:
    return HoldBalance(
        id=row.id,
        leg_id=row.leg_id,
        address_no=row.address_no,
        asset=row.asset,
        frozen=row.frozen,
        released=row.released,
        returned=row.returned,
        seized=row.seized,
        frozen_usd=row.frozen_usd or 0,
        released_usd=row.released_usd or 0,
        returned_usd=row.returned_usd or 0,
        seized_usd=row.seized_usd or 0,
        withheld=row.withheld,
        ended=row.ended and row.withheld,
        basis=HoldBasis(row.basis),
        frozen_at=row.frozen_at,
        effective_at=row.effective_at,
        hold_expires_at=row.hold_expires_at,
        account_level=row.account_level,
        reviewed=row.reviewed,
        lapsed=row.lapsed,
        kept=None if row.kept is None else KeptBasis(row.kept),
        ended_by=None if row.ended_by is None else LineKind(row.ended_by),
        review_at=row.review_at,
        irregular=None if row.irregular is None else Irregular(row.irregular),
    )


def load_leg(connection: Connection, leg: LegRow, named: Iterable[str] = ()) -> LegLedger:
    """Return a leg's ledger as it stands.

    With it come the holds of the partner's other legs that it shares, or that `named` has.
    """
    holds = _HOLDS.send(connection, leg_id=leg.id)
    links = _LINKS.send(connection, leg_id=leg.id)
    findings = _FINDINGS.send(connection, leg_id=leg.id)
    nothing = _NOTHING.send(connection, leg_id=leg.id)
    ledger = LegLedger(leg.id)
    for row in holds.rows():
        ledger.holds[row.id] = _balance(row)
    linked = set()
    for link in links.rows():
        linked.add(link.hold_id)
        if link.is_shared:
            ledger.shared[link.hold_id] = link.address_no
    ledger.unlinked = set(ledger.holds) - linked
    for found in findings.rows():
        ledger.findings[found.address_no, found.asset] = Finding(
            found.address_no, found.asset, found.found, found.withheld, found.found_usd or 0
        )
    for each in nothing.rows():
        if each.code is None:
            ledger.withdrawn.add(each.address_no)
        else:
            ledger.nothing[each.address_no] = DeclineCode(each.code)
    ledger.line = cache(lambda line_id: effective_line(connection, leg.id, line_id))
    wanted = sorted(set(ledger.shared) | (set(named) - set(ledger.holds)))
    ledger.other_holds = _holds_of_other_legs(connection, leg, wanted)
    return ledger


def effective_line(connection: Connection, leg_id: str, line_id: str) -> BookedLine | None:
    """Return a line with its amount as it stands, that is after its latest correction."""
    row = _LINE.row(connection, leg_id=leg_id, line_id=line_id)
    if row is None:
        return None
    latest = _CORRECTION.row(connection, leg_id=leg_id, line_id=line_id)
    stands = row if latest is None else latest
    worth = None if row.usd_cents is None else (row.amount or 0, row.usd_cents)
    cents = worth_after(worth, amount=stands.amount, stated=stands.usd_cents)
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
        usd=cents,
        worth=worth,
    )


def _holds_of_other_legs(
    connection: Connection, leg: LegRow, hold_ids: Sequence[str]
) -> dict[str, HoldBalance]:
    found: dict[str, HoldBalance] = {}
    for some in batches(hold_ids):
        rows = _OF_PARTNER.rows(connection, among=some, partner=leg.partner, but_leg=leg.id)
        found |= {row.id: _balance(row) for row in rows}
    return found


def requests_sharing(connection: Connection, hold_id: str) -> frozenset[str]:
    """Return the requests that a hold is linked to."""
    query = select(HoldLinkRow.request_id).where(HoldLinkRow.hold_id == hold_id)
    return frozenset(connection.execute(query).scalars())


class BookedReport(NamedTuple):
    """An accepted report, as it is stored.

    Attributes:
        id: Of its act.
        leg: The leg that reports.
        at: When it is booked.
        booking: What it changes.
        owed: What is owed about the holds that it opens, by id.
    """

    id: str
    leg: LegRow
    at: datetime
    booking: Booking
    owed: Mapping[str, Obligation]


def store_report(connection: Connection, before: LegLedger, report: BookedReport) -> None:
    """Store what an accepted report changes; `before` is the ledger as it was loaded."""
    leg, booking = report.leg, report.booking
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
                report.id,
                line.no,
                line.kind.value,
                line.address_no,
                line.asset,
                line.amount,
                line.withheld,
                line.hold_id,
                line.code,
                line.corrects,
                report.at,
                line.usd,
                line.irregular,
            )
            for line in booking.lines
        ],
    )
    _store_holds(connection, report)
    _store_links(connection, booking, leg)
    _store_findings(connection, before, booking, leg)
    _store_nothing(connection, before, booking, leg)


def _store_holds(connection: Connection, report: BookedReport) -> None:
    leg, booking = report.leg, report.booking
    holds, opened = booking.touched_holds, set(booking.opened)
    fresh = [
        (
            *(hold.id, leg.request_id, hold.leg_id, leg.partner),
            *(hold.address_no, hold.asset, hold.frozen_at, hold.effective_at),
            *_changing(hold),
            *report.owed[hold.id],
            1,
        )
        for hold in map(holds.__getitem__, booking.opened)
    ]
    insert_rows(connection, HoldRow, _HOLD_COLUMNS, fresh)
    store_holds(connection, [hold for hold in holds.values() if hold.id not in opened])


def store_hold(connection: Connection, hold: HoldBalance) -> None:
    """Write a hold as it stands now; its leg or request is locked by the caller."""
    store_holds(connection, [hold])


def store_holds(connection: Connection, holds: Sequence[HoldBalance]) -> None:
    """Write holds as they stand now; their legs or requests are locked by the caller."""
    if holds:
        changed = [{"hold_id": hold.id, **_changing(hold)._asdict()} for hold in holds]
        connection.execute(_SET_HOLD, changed)


# Built once and run for many rows: a report may end thousands of holds.
_SET_HOLD = (
    update(HoldRow)
    .where(HoldRow.id == bindparam("hold_id"))
    .values(
        {**{name: bindparam(name) for name in _Changing._fields}, "version": HoldRow.version + 1}
    )
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
    .values(
        found=bindparam("found"),
        found_usd=bindparam("found_usd"),
        withheld=bindparam("withheld"),
    )
)


def _store_links(connection: Connection, booking: Booking, leg: LegRow) -> None:
    own = [
        (leg.id, hold_id, leg.request_id, False, booking.touched_holds[hold_id].address_no)
        for hold_id in booking.opened
    ]
    shared = [
        (leg.id, hold_id, leg.request_id, True, number)
        for hold_id, number in booking.shared.items()
    ]
    insert_rows(connection, HoldLinkRow, _LINK_COLUMNS, own + shared)
    show_earlier(connection, booking, leg)
    if booking.unlinked:
        ended = [{"link_leg": leg.id, "link_hold": hold_id} for hold_id in booking.unlinked]
        connection.execute(_UNLINK, ended)
    if booking.voided:
        connection.execute(_UNLINK_ALL, [{"link_hold": hold_id} for hold_id in booking.voided])


def _store_findings(
    connection: Connection, before: LegLedger, booking: Booking, leg: LegRow
) -> None:
    fresh: list[tuple[Any, ...]] = []
    changed: list[dict[str, object]] = []
    for position, finding in booking.touched_findings.items():
        if position in before.findings:
            place = {"of_leg": leg.id, "of_address": finding.address_no, "of_asset": finding.asset}
            sums = {"found": finding.found, "found_usd": finding.found_usd or None}
            changed.append({**place, **sums, "withheld": finding.withheld})
        else:
            fresh.append(
                (
                    leg.id,
                    finding.address_no,
                    finding.asset,
                    leg.request_id,
                    finding.found,
                    finding.found_usd or None,
                    finding.withheld,
                )
            )
    if changed:
        connection.execute(_SET_FINDING, changed)
    insert_rows(connection, FindingRow, _FINDING_COLUMNS, fresh)


def _store_nothing(
    connection: Connection, before: LegLedger, booking: Booking, leg: LegRow
) -> None:
    superseded = [n for n in booking.touched_nothing if n in before.nothing]
    for some in batches(superseded):
        connection.execute(
            delete(NothingRow).where(
                NothingRow.leg_id == leg.id,
                NothingRow.address_no.in_(some),
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


def open_holds(connection: Connection, request_id: str) -> int:
    """Count the holds that count for a request and still hold something."""
    query = (
        select(func.count(func.distinct(HoldRow.id)))
        .join(HoldLinkRow, HoldLinkRow.hold_id == HoldRow.id)
        .where(HoldLinkRow.request_id == request_id, ~HoldRow.ended)
    )
    return int(connection.execute(query).scalar_one())

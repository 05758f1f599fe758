"""Freeze reports.

What a partner found, froze, released and returned, booked whole or refused whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor
from coordinator.domain.asset import parse_asset
from coordinator.domain.chain import Chains
from coordinator.domain.deadline import Policies
from coordinator.domain.freeze_ledger import BookedLine, Booking, Flagged, book
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.hold import obliged
from coordinator.domain.leg import LegAct
from coordinator.domain.permission import Permission, permission_for_line, require
from coordinator.services.access import asked_leg
from coordinator.services.acts import store_act
from coordinator.services.bus import handles
from coordinator.services.endings import refresh_leg
from coordinator.services.ledger_views import shared_line_view
from coordinator.services.legs import (
    LegBooks,
    change_leg,
    leg_view,
    load_books,
    locked_leg,
    record_leg_event,
    require_leg_act,
)
from coordinator.services.moot_disputes import end_moot
from coordinator.services.obligations import first_obligations, settle
from coordinator.services.report_views import booked_views
from coordinator.services.suspended import require_settling
from coordinator.services.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.storage import freeze_ledger as store
from coordinator.storage import freeze_requests as request_store
from coordinator.storage import hold_clocks
from coordinator.storage import partners as partner_store
from coordinator.storage.shared_lines import OtherLink, links_to_other_legs, show_elsewhere
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import canonical_json, payloads
from holdfast.protocol.payloads import (
    FoundLine,
    FrozenLine,
    KeptLine,
    ReleasedLine,
    ReturnedLine,
    SeizedLine,
)
from holdfast.protocol.type_ids import new_ids
from holdfast.protocol.vocabulary import EventType, LegStatus, LineKind, RequestStatus

#: Which event tells of lines of which kind; `nothing` has none of its own but may end a leg.
EVENT_BY_KIND: Mapping[LineKind, EventType] = {
    LineKind.FOUND: EventType.FREEZE_FOUND,
    LineKind.FROZEN: EventType.FREEZE_FROZEN,
    LineKind.RELEASED: EventType.FREEZE_RELEASED,
    LineKind.RETURNED: EventType.FREEZE_RETURNED,
    LineKind.SEIZED: EventType.FREEZE_SEIZED,
    LineKind.KEPT: EventType.FREEZE_KEPT,
    LineKind.CORRECTION: EventType.FREEZE_CORRECTED,
}
#: Lines that may name a hold.
_ABOUT_HOLDS = (FrozenLine, ReleasedLine, ReturnedLine, SeizedLine, KeptLine)
#: What an event carries at most; webhook bodies stay under 20 kB, the rest is in the ledger.
LINES_IN_EVENT = 25
LINES_IN_EVENT_BYTES = 10_000
TOTALS_IN_EVENT_BYTES = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFreeze:
    """A partner's lines about its side of a request."""

    request_id: str
    body: payloads.FreezeReport
    chains: Chains
    policies: Policies


@handles(ReportFreeze, needs=Permission.LEG_REPORT)
def report(command: ReportFreeze, actor: Actor, uow: UnitOfWork) -> Answer:
    """Check the whole report after all its lines, then book it."""
    body = command.body
    for kind in sorted({LineKind(line.kind) for line in body.lines}):
        require(permission_for_line(kind), actor)
    named = {h for x in body.lines if isinstance(x, _ABOUT_HOLDS) and (h := x.hold) is not None}
    request, leg = asked_leg(
        uow, actor, command.request_id, body.content_sha256, holds=sorted(named)
    )
    books = load_books(uow, leg, tuple(named))
    require_settling(actor, body.lines, books.ledger)
    require_leg_act(LegAct.REPORT, books, request, leg)
    booking = _book(command, uow, request, leg, books)
    for hold_id in set(booking.owing) & set(booking.shared):
        # What was answered for another request, before, does not count for this one.
        booking.touched_holds[hold_id] = obliged(booking.touched_holds[hold_id])
    opened = set(booking.opened)
    key = uow.key(request.document_key_id)
    report_id = store_act(uow, actor, LegAct.REPORT.value, request.id, key, leg=leg)
    # Read first: booking a correction to 0 takes the links away of what it voids.
    elsewhere = _links_elsewhere(uow, booking, leg)
    store.book(
        uow.connection,
        books.ledger,
        booking,
        leg=leg,
        report_id=report_id,
        now=uow.now,
        owed=first_obligations(
            [booking.touched_holds[hold_id] for hold_id in booking.opened],
            now=uow.now,
            policies=command.policies,
            withdrawn=booking.owing,
        ),
    )
    # Here, because PostgreSQL is still storing the rows meanwhile.
    lines = canonical_json.dumps(
        booked_views(booking.lines, body.lines, report_id=report_id, leg=leg, reported_at=uow.now)
    )
    show_elsewhere(uow.connection, booking, elsewhere)
    settle(
        uow,
        [hold for hold_id, hold in booking.touched_holds.items() if hold_id not in opened],
        command.policies,
        withdrawn={*booking.owing, *_reopened(uow, books, booking)},
        unlinked=booking.unlinked,
    )
    books.ledger.apply(booking)
    others = {**books.other_holds, **booking.touched_holds}
    books = LegBooks(books.ledger, others)
    status = change_leg(uow, LegAct.REPORT, books, request, leg)
    view = leg_view(leg.id, uow)
    entries = _record(uow, actor, request, leg, status, body, booking, report_id, view)
    uow.set_leaf(ActRow, report_id, entries[0])
    end_moot(uow, request, leg, books, status)
    _tell_sharing_legs(uow, actor, request, body, booking, report_id, elsewhere)
    answer = {"id": report_id, "request_id": request.id, "leg": view}
    return Answer(201, answer, entry=entries[0], spelled={"lines": lines})


def _reopened(uow: UnitOfWork, books: LegBooks, booking: Booking) -> frozenset[str]:
    """Return holds that were empty and are not any more, and were taken back meanwhile.

    Nothing was owed about them then; a correction or a further freeze opened them again.
    """
    known = {**books.other_holds, **books.ledger.holds}
    again = [
        hold_id
        for hold_id, hold in booking.touched_holds.items()
        if hold.is_open and hold_id in known and not known[hold_id].is_open
    ]
    return hold_clocks.taken_back(uow.connection, sorted(again))


def _book(
    command: ReportFreeze, uow: UnitOfWork, request: Row[Any], leg: Row[Any], books: LegBooks
) -> Booking:
    body = command.body
    numbers = sorted(
        {line.address_no for line in body.lines if isinstance(line, FoundLine | FrozenLine)}
        | {hold.address_no for hold in books.ledger.holds.values()}
    )
    flagged = {
        row.address_no: Flagged(row.address_no, row.asset, row.amount)
        for row in request_store.with_amount(uow.connection, request.id, numbers)
    }
    opening = sum(isinstance(line, FrozenLine) and line.hold is None for line in body.lines)
    partner = partner_store.partner(uow.connection, leg.partner)
    jurisdiction = None if partner is None else partner.jurisdiction
    is_over = RequestStatus(request.status) in ENDED
    return book(
        books.ledger,
        body.lines,
        flagged=flagged,
        address_count=request.address_count,
        now=uow.now,
        new_line_id=iter(new_ids("lin", len(body.lines))).__next__,
        new_hold_id=iter(new_ids("hld", opening)).__next__,
        canonical_asset=lambda text: parse_asset(command.chains, text),
        other_holds=books.other_holds,
        request_ended_at=request.ended_at if is_over else None,
        withdrawn_addresses=request_store.withdrawn_addresses(uow.connection, request.id),
        late_window=command.policies.late_report,
        max_hold=command.policies.max_hold(jurisdiction),
        # Without its own request: nobody keeps a hold "for another request" that is this one.
        shared_with=lambda hold_id: store.requests_sharing(uow.connection, hold_id) - {request.id},
        current_status=request.status,
    )


def _record(  # noqa: PLR0913, PLR0917 - what the events are told with
    uow: UnitOfWork,
    actor: Actor,
    request: Row[Any],
    leg: Row[Any],
    status: LegStatus,
    body: payloads.FreezeReport,
    booking: Booking,
    report_id: str,
    view: Mapping[str, Any],
) -> list[Recorded]:
    by_kind: dict[LineKind, list[BookedLine]] = {}
    for line in booking.lines:
        by_kind.setdefault(line.kind, []).append(line)
    leg_state = {"status": status.value, **_shown_totals(view["totals"])}
    recorded = []
    for kind, event in EVENT_BY_KIND.items():
        lines = by_kind.get(kind)
        if not lines:
            continue
        shown = _shown_lines(lines, body, report_id, leg, uow.now)
        recorded.append(
            record_leg_event(
                uow,
                event,
                actor,
                request,
                leg,
                status,
                {
                    "report_id": report_id,
                    "line_count": len(lines),
                    "lines": shown,
                    "leg": leg_state,
                },
            )
        )
    closing = {
        LegStatus.NO_MATCH: EventType.LEG_NO_MATCH,
        LegStatus.DECLINED: EventType.LEG_DECLINED,
    }.get(status)
    if closing is not None or not recorded:
        recorded.append(
            record_leg_event(
                uow,
                closing or EventType.LEG_UNDER_REVIEW,
                actor,
                request,
                leg,
                status,
                {"report_id": report_id, "leg": leg_state},
            )
        )
    return recorded


def _links_elsewhere(uow: UnitOfWork, booking: Booking, leg: Row[Any]) -> list[OtherLink]:
    """Return the links of the report's holds to the partner's other legs."""
    opened = set(booking.opened)
    known = sorted(hold_id for hold_id in booking.touched_holds if hold_id not in opened)
    return links_to_other_legs(uow.connection, known, leg.id)


def _tell_sharing_legs(  # noqa: PLR0913, PLR0917 - what the events are told with
    uow: UnitOfWork,
    actor: Actor,
    source: Row[Any],
    body: payloads.FreezeReport,
    booking: Booking,
    report_id: str,
    elsewhere: Sequence[OtherLink],
) -> None:
    """Show lines about a shared hold on the partner's other legs, too.

    Written once, counted once. That this leg shares a hold is no matter of the others, and who may
    not read the report learns only what became of the funds.
    """
    by_leg: dict[str, dict[str | None, int]] = {}
    for link in elsewhere:
        by_leg.setdefault(link.leg_id, {})[link.hold_id] = link.address_no
    for leg_id, numbers in by_leg.items():
        request, other = locked_leg(uow, leg_id)
        if request is None or other is None:
            continue
        books = load_books(uow, other)
        status = refresh_leg(uow, books, request, other)
        may_read = request.requester == source.requester
        told = [
            line._replace(address_no=numbers[line.hold_id])
            for line in booking.lines
            if line.hold_id in numbers and not line.shares
        ]
        for kind, event in EVENT_BY_KIND.items():
            lines = [line for line in told if line.kind is kind]
            if not lines:
                continue
            data = {
                **({"report_id": report_id} if may_read else {}),
                "line_count": len(lines),
                "lines": [
                    shared_line_view(view, source_request=source.id if may_read else None)
                    for view in _shown_lines(lines, body, report_id, other, uow.now)
                ],
                "shared": True,
                "leg": {"status": status.value},
            }
            record_leg_event(uow, event, actor, request, other, status, data)
        end_moot(uow, request, other, books, status)


def _shown_lines(
    lines: Sequence[BookedLine],
    body: payloads.FreezeReport,
    report_id: str,
    leg: Row[Any],
    reported_at: Any,
) -> list[dict[str, Any]]:
    """Return the first lines of an event, as many as fit; `line_count` tells of all."""
    views = booked_views(
        lines[:LINES_IN_EVENT], body.lines, report_id=report_id, leg=leg, reported_at=reported_at
    )
    left = LINES_IN_EVENT_BYTES
    for number, view in enumerate(views):
        left -= len(canonical_json.dumps(view)) + 1
        if left < 0:
            return views[:number]
    return views


def _shown_totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leg's totals where they fit; cut ones could be taken for all there is."""
    if len(canonical_json.dumps(totals)) > TOTALS_IN_EVENT_BYTES:
        return {"asset_count": len(totals)}
    return {"totals": totals}

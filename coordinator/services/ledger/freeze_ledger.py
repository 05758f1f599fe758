"""Freeze reports: what a partner found, froze, released and returned.

A report is booked as a whole or refused as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from coordinator.domain.actor import Actor
from coordinator.domain.freeze_ledger import (
    BookedLine,
    Booking,
    Flagged,
    LegLedger,
    Rules,
    TellableAmounts,
    book,
)
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.gateway import no_shared_gateway
from coordinator.domain.hold import obliged
from coordinator.domain.irregular import Ends
from coordinator.domain.leg import LegAct, LegFlag, flags_with
from coordinator.domain.permission import Permission, permission_for_line, require
from coordinator.services.core.access import asked_leg, locked_leg
from coordinator.services.core.acts import LegContext, NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.ended_legs import EVENT_OF_ANSWER, recompute_leg
from coordinator.services.ending.moot_disputes import end_moot
from coordinator.services.ledger.hold_limits import limits_on
from coordinator.services.ledger.ledger_views import shared_line_view
from coordinator.services.ledger.obligations import first_obligations, settle
from coordinator.services.ledger.report_views import LineView, booked_views
from coordinator.services.membership.suspended import require_settling
from coordinator.services.requests.freeze_request_views import TotalsView
from coordinator.services.requests.gateways import gateways_of_legs, untold_legs
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.services.requests.legs import (
    change_leg,
    leg_now,
    require_leg_act,
    totals_now,
)
from coordinator.services.restoring.encumbrances import claims_on_leg
from coordinator.services.restoring.return_lines import store_sent
from coordinator.storage.ledger import freeze_ledger as store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.ledger.shared_lines import OtherLink, links_to_other_legs, show_elsewhere
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import gateways as gateway_store
from coordinator.storage.requests.leg_limits import hidden_holds
from coordinator.storage.tables.freeze_requests import ActRow, LegRow
from holdfast.protocol import canonical_json, payloads
from holdfast.protocol.amounts import KnownAssets, format_amount
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.transaction import require_whole
from holdfast.protocol.claims import BLOCKED_BY_KIND
from holdfast.protocol.payloads import (
    CorrectionLine,
    FoundLine,
    FrozenLine,
    KeptLine,
    ReleasedLine,
    ReturnedLine,
    SeizedLine,
)
from holdfast.protocol.type_ids import new_ids
from holdfast.protocol.vocabulary import EventType, LegStatus, LineKind, RequestStatus

#: Which event tells of lines of which kind.
EVENT_BY_KIND: Mapping[LineKind, EventType] = {
    LineKind.FOUND: EventType.FREEZE_FOUND,
    LineKind.FROZEN: EventType.FREEZE_FROZEN,
    LineKind.RELEASED: EventType.FREEZE_RELEASED,
    LineKind.RETURNED: EventType.FREEZE_RETURNED,
    LineKind.SEIZED: EventType.FREEZE_SEIZED,
    LineKind.KEPT: EventType.FREEZE_KEPT,
    LineKind.CORRECTION: EventType.FREEZE_CORRECTED,
    LineKind.NOTHING: EventType.FREEZE_NOTHING,
}
#: Lines that may name a hold.
_ABOUT_HOLDS = (FrozenLine, ReleasedLine, ReturnedLine, SeizedLine, KeptLine)
#: What an event carries at most; webhook bodies stay under 20 kB, the rest is in the ledger.
LINES_IN_EVENT = 25
LINES_IN_EVENT_BYTES = 10_000
#: A line that answers more addresses than these only says how many.
_NUMBERS_IN_EVENT = 100
TOTALS_IN_EVENT_BYTES = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFreeze:
    """A partner's lines about its side of a request."""

    request_id: str
    body: payloads.FreezeReport


@handles(ReportFreeze, needs=Permission.LEG_REPORT)
def report(command: ReportFreeze, actor: Actor, uow: UnitOfWork) -> Answer:
    """Check the whole report after all its lines, then book it."""
    body = command.body
    for kind in sorted(map(LineKind, {line.kind for line in body.lines})):
        require(permission_for_line(kind), actor)
    named = {h for x in body.lines if isinstance(x, _ABOUT_HOLDS) and (h := x.hold) is not None}
    on = asked_leg(uow, actor, command.request_id, body.content_sha256, holds=sorted(named))
    request, leg = on.request, on.leg
    ledger = store.load_leg(uow.connection, leg, named)
    _forget_hidden_holds(uow, actor, ledger)
    require_settling(actor, body.lines, ledger)
    require_leg_act(on, LegAct.REPORT, ledger)
    booking = _book(on, body, ledger)
    for hold_id in set(booking.owing) & set(booking.shared):
        # What was answered for another request, before, does not count for this one.
        booking.touched_holds[hold_id] = obliged(booking.touched_holds[hold_id])
    opened = set(booking.opened)
    booked = _Booked(body, booking, on.store_act(NewAct(LegAct.REPORT.value)), uow.now)
    # Read first: booking a correction to 0 takes the links away of what it voids.
    elsewhere = _links_elsewhere(uow, booking, leg)
    fresh = [booking.touched_holds[hold_id] for hold_id in booking.opened]
    owed = first_obligations(uow, fresh, withdrawn=booking.owing)
    stored = store.BookedReport(booked.report_id, leg, uow.now, booking, owed)
    store.store_report(uow.connection, ledger, stored)
    store_sent(on, body, booking)
    # Here, because PostgreSQL is still storing the rows meanwhile.
    lines = canonical_json.dumps(booked.views(booking.lines, leg))
    show_elsewhere(uow.connection, booking, elsewhere)
    settle(
        uow,
        [hold for hold_id, hold in booking.touched_holds.items() if hold_id not in opened],
        withdrawn={*booking.owing, *_reopened(uow, ledger, booking)},
        unlinked=booking.unlinked,
    )
    ledger.apply(booking)
    flags = leg.flags
    if any(line.irregular for line in booking.lines):
        flags = flags_with(flags, LegFlag.IRREGULAR, holds=True)
    status = change_leg(on, LegAct.REPORT, ledger, flags=flags)
    totals = totals_now(on)
    entries = _record(on, booked, status, totals)
    uow.set_leaf(ActRow, booked.report_id, entries[0])
    end_moot(on, ledger, status)
    _tell_sharing_legs(on, booked, elsewhere)
    answer = {
        "id": booked.report_id,
        "request_id": request.id,
        "leg": leg_now(on, totals=totals),
    }
    return Answer(201, answer, entry=entries[0], spelled={"lines": lines})


def _forget_hidden_holds(uow: UnitOfWork, actor: Actor, ledger: LegLedger) -> None:
    """Take holds out that stand on legs which are limited to others: there are none for the actor.

    What the leg shares already is its own to report on.
    """
    named = [hold_id for hold_id in ledger.other_holds if hold_id not in ledger.shared]
    for hold_id in hidden_holds(uow.connection, actor.viewer, named):
        del ledger.other_holds[hold_id]


class _Source(NamedTuple):
    """On which request a line was written; None: its reader may not know."""

    request_id: str | None


@dataclass(frozen=True, slots=True)
class _Booked:
    """A report that is booked, as its answer and its events tell of it."""

    body: payloads.FreezeReport
    booking: Booking
    report_id: str
    at: datetime

    def views(self, lines: Sequence[BookedLine], leg: LegRow) -> list[LineView]:
        """Return some of its lines as `leg` shows them."""
        return booked_views(
            lines, self.body.lines, report_id=self.report_id, leg=leg, reported_at=self.at
        )

    def told(
        self, lines: Sequence[BookedLine], on: LegContext, source: _Source | None = None
    ) -> dict[str, object]:
        """Return how an event on a leg tells of lines: the first, how many, and where all are.

        Args:
            lines: All of one kind.
            on: The leg whose event it is.
            source: Where they were written, where that is another leg.
        """
        shown = self._shown(lines, on.leg)
        is_cut = len(shown) < len(lines) or any(_names_too_few(each) for each in shown)
        if source is not None:
            shown = [shared_line_view(each, source_request=source.request_id) for each in shown]
        told = {"line_count": len(lines), "lines": shown, "lines_cut": is_cut}
        if is_cut:
            told["href"] = on.uow.link(f"/v1/freeze-requests/{on.request.id}/ledger")
        return told

    def _shown(self, lines: Sequence[BookedLine], leg: LegRow) -> list[LineView]:
        """Return the first lines of an event, as many as fit."""
        told = lines[:LINES_IN_EVENT]
        views = [_as_told(*pair) for pair in zip(told, self.views(told, leg), strict=True)]
        left = LINES_IN_EVENT_BYTES
        for number, view in enumerate(views):
            left -= len(canonical_json.dumps(view)) + 1
            if left < 0:
                return views[:number]
        return views


def _as_told(line: BookedLine, view: LineView) -> LineView:
    """Return a line as an event shows it: of answers how many addresses, and which, if few."""
    if line.kind is not LineKind.NOTHING:
        return view
    told: LineView = {**view, "address_count": len(line.address_nos)}
    if len(line.address_nos) > _NUMBERS_IN_EVENT and told["address_nos"] != "rest":
        del told["address_nos"]
    return told


def _names_too_few(line: LineView) -> bool:
    return "address_count" in line and "address_nos" not in line


def _reopened(uow: UnitOfWork, ledger: LegLedger, booking: Booking) -> frozenset[str]:
    """Return holds that were empty and are not any more, and were withdrawn meanwhile.

    While they were empty nothing was owed about them. A correction or a top-up opened them again.
    """
    known = {**ledger.other_holds, **ledger.holds}
    again = [
        hold_id
        for hold_id, hold in booking.touched_holds.items()
        if hold.is_open and hold_id in known and not known[hold_id].is_open
    ]
    return hold_clocks.withdrawn_holds(uow.connection, sorted(again))


def _tellable(on: LegContext, body: payloads.FreezeReport, ledger: LegLedger) -> TellableAmounts:
    """Return which amounts of a report may be told; no query where no gateway is asked for."""
    uow = on.uow
    connection, policies = uow.connection, uow.policies
    if not policies.amounts_need_gateway:
        return TellableAmounts()
    shared = gateways_of_legs(connection, policies, uow.now, [on.leg])[on.leg.id]
    named = {h for x in body.lines if isinstance(x, _ABOUT_HOLDS) and (h := x.hold) is not None}
    if not shared.amounts_told:
        return TellableAmounts(
            refusal=no_shared_gateway(on.request.requester),
            told_of=gateway_store.holds_told_of(connection, named & ledger.other_holds.keys()),
        )
    for line in body.lines:
        corrected = ledger.line(line.corrects) if isinstance(line, CorrectionLine) else None
        if corrected is not None and corrected.hold_id is not None:
            named.add(corrected.hold_id)
    links = links_to_other_legs(connection, sorted(named), on.leg.id)
    untold = untold_legs(connection, policies, uow.now, [link.leg_id for link in links])
    return TellableAmounts(
        gateway=shared.gateway,
        untold_elsewhere=frozenset(link.hold_id for link in links if link.leg_id in untold),
    )


def _book(on: LegContext, body: payloads.FreezeReport, ledger: LegLedger) -> Booking:
    uow, request, leg = on.uow, on.request, on.leg
    named = {line.address_no for line in body.lines if isinstance(line, FoundLine | FrozenLine)}
    named |= {hold.address_no for hold in ledger.holds.values()}
    if any(isinstance(line, CorrectionLine) for line in body.lines):
        named |= {address_no for address_no, _ in ledger.findings}
    flagged = {
        row.address_no: Flagged(row.address_no, row.asset, row.amount, row.whole_account)
        for row in request_store.with_amount(uow.connection, request.id, sorted(named))
    }
    leaving = _leaving(body, ledger)
    opening = sum(isinstance(line, FrozenLine) and line.hold is None for line in body.lines)
    is_over = RequestStatus(request.status) in ENDED
    rules = Rules(
        flagged=flagged,
        address_count=request.address_count,
        now=uow.now,
        new_line_id=iter(new_ids("lin", len(body.lines))).__next__,
        new_hold_id=iter(new_ids("hld", opening)).__next__,
        canonical_asset=lambda text: parse_asset(uow.chains, text),
        require_transaction=lambda text: require_whole(uow.chains, text),
        amount_text=lambda amount, asset: format_amount(
            amount, KnownAssets(uow.chains).unit(asset), asset=asset
        ),
        noticed_at=leg.queued_at,
        ends=Ends(
            ended_at=request.ended_at if is_over else None,
            withdrawn=request_store.withdrawn_addresses(uow.connection, request.id),
            unratified_at=request.unratified_at,
        ),
        left_out=(
            request_store.left_out_addresses(uow.connection, request.id)
            if is_hidden_from(request, on.leg)
            else ()
        ),
        encumbered=claims_on_leg(uow, leg, leaving) if leaving else {},
        late_window=uow.policies.late_report,
        review_after=uow.policies.review_whole_account_after,
        max_hold=limits_on(on),
        # Without its own request: nobody keeps a hold "for another request" that is this one.
        shared_with=lambda hold_id: store.requests_sharing(uow.connection, hold_id) - {request.id},
        amounts=_tellable(on, body, ledger),
        current_status=request.status,
    )
    return book(ledger, body.lines, rules)


def _leaving(body: payloads.FreezeReport, ledger: LegLedger) -> set[str]:
    """Return the holds out of which a report lets something go, or says that more went."""
    leaving = {line.hold for line in body.lines if isinstance(line, ReleasedLine | ReturnedLine)}
    for line in body.lines:
        old = ledger.line(line.corrects) if isinstance(line, CorrectionLine) else None
        if old is not None and old.hold_id is not None and old.kind in BLOCKED_BY_KIND:
            leaving.add(old.hold_id)
    return leaving


def _record(
    on: LegContext, booked: _Booked, status: LegStatus, totals: TotalsView
) -> list[Recorded]:
    by_kind: dict[LineKind, list[BookedLine]] = {}
    for line in booked.booking.lines:
        by_kind.setdefault(line.kind, []).append(line)
    common = {
        "report_id": booked.report_id,
        "leg": {"status": status.value, **_shown_totals(on, totals)},
    }
    recorded = []
    for kind, event in EVENT_BY_KIND.items():
        lines = by_kind.get(kind)
        if not lines:
            continue
        data = {**booked.told(lines, on), **common}
        recorded.append(on.record(event, data, status=status))
    closing = EVENT_OF_ANSWER.get(status)
    if closing is not None:
        recorded.append(on.record(closing, common, status=status))
    return recorded


def _links_elsewhere(uow: UnitOfWork, booking: Booking, leg: LegRow) -> list[OtherLink]:
    """Return the links of the report's holds to the partner's other legs."""
    opened = set(booking.opened)
    known = sorted(hold_id for hold_id in booking.touched_holds if hold_id not in opened)
    return links_to_other_legs(uow.connection, known, leg.id)


def _tell_sharing_legs(on: LegContext, booked: _Booked, elsewhere: Sequence[OtherLink]) -> None:
    """Show lines about a shared hold on the partner's other legs, too.

    A line is written once and counted once. Other legs do not learn that this leg shares the hold.
    A partner that may not read the report learns only what became of the funds.
    """
    by_leg: dict[str, dict[str | None, int]] = {}
    for link in elsewhere:
        by_leg.setdefault(link.leg_id, {})[link.hold_id] = link.address_no
    for leg_id, numbers in by_leg.items():
        other = locked_leg(on.uow, on.actor, leg_id)
        if other is None:
            continue
        ledger = store.load_leg(on.uow.connection, other.leg)
        status = recompute_leg(other, ledger)
        told = [
            line._replace(address_no=numbers[line.hold_id])
            for line in booked.booking.lines
            if line.hold_id in numbers and not line.shares
        ]
        # Who reads the other leg need not be one of those that this one is limited to.
        is_theirs = other.request.requester == on.request.requester
        may_read = is_theirs and on.leg.limited_at is None
        source = _Source(on.request.id if may_read else None)
        for kind, event in EVENT_BY_KIND.items():
            lines = [line for line in told if line.kind is kind]
            if not lines:
                continue
            data = {
                **({"report_id": booked.report_id} if may_read else {}),
                **booked.told(lines, other, source),
                "shared": True,
                "leg": {"status": status.value},
            }
            other.record(event, data, status=status)
        end_moot(other, ledger, status)


def _shown_totals(on: LegContext, totals: TotalsView) -> dict[str, object]:
    """Return the leg's totals if they fit; of cut ones a part could be mistaken for the whole."""
    if len(canonical_json.dumps(totals)) > TOTALS_IN_EVENT_BYTES:
        href = on.uow.link(f"/v1/freeze-requests/{on.request.id}/legs")
        return {"asset_count": len(totals), "totals_cut": True, "href": href}
    return {"totals": totals}

"""One partner's side: notice delivered, acknowledge, review, decline, and how a leg shows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.domain.actor import Actor
from coordinator.domain.answer_clock import AnswerClock
from coordinator.domain.freeze_ledger import LegLedger, facts_of
from coordinator.domain.hold import HoldBalance
from coordinator.domain.leg import (
    IMPLIES_ACKNOWLEDGEMENT,
    LegAct,
    LegFacts,
    LegFlag,
    counts,
    leg_status,
    require_act,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, locked_leg
from coordinator.services.core.acts import Act, LegContext, RequestContext, store_own_acts
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ledger.obligations import flags_with, settle_final
from coordinator.services.requests.freeze_request_views import (
    LegDetails,
    LegView,
    TotalsView,
    dispute_times,
    evidence_bodies,
    leg_view,
    reply_times,
)
from coordinator.storage.after_freeze import disputes as dispute_store
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks, ledger_totals
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol import payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EventType, LegStatus, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegsDelivered:
    """Notices reached their partners: an endpoint took each, or the partner read it itself."""

    leg_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegUndeliverable:
    """The notice could not be delivered in all its tries; a person must see to it."""

    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegOverdue:
    """Nobody acknowledged in time."""

    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegUnanswered:
    """Not every address had its answer in time."""

    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeLeg:
    """A person or system of the partner has it."""

    request_id: str
    body: payloads.Acknowledgement


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLeg:
    """Somebody is looking into it."""

    request_id: str
    body: payloads.Review


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineLeg:
    """Nothing is or will be frozen, and why."""

    request_id: str
    body: payloads.Decline


@dataclass(frozen=True, slots=True)
class LegBooks:
    """A leg's ledger with the holds of other legs that it shares."""

    ledger: LegLedger
    other_holds: Mapping[str, HoldBalance]

    @property
    def holds_anything(self) -> bool:
        """Whether the leg has a hold, its own or a shared one."""
        return bool(self.ledger.holds or self.ledger.shared)

    def linked(self) -> list[tuple[int, HoldBalance]]:
        """Return (address_no, hold) of every hold that counts for the leg."""
        own = [
            (hold.address_no, hold)
            for hold in self.ledger.holds.values()
            if hold.id not in self.ledger.unlinked
        ]
        return own + [(no, self.other_holds[i]) for i, no in self.ledger.shared.items()]


def contested(books: LegBooks, hold_id: str | None) -> bool:
    """Tell whether a dispute about a hold, or about the whole leg (None), is about anything."""
    return any(hold.is_open and hold_id in {None, hold.id} for _, hold in books.linked())


def load_books(uow: UnitOfWork, leg: LegRow, named: tuple[str, ...] = ()) -> LegBooks:
    """Return a leg's ledger, and the holds of the partner's other legs that it shares or names."""
    ledger = ledger_store.load_leg(uow.connection, leg.id)
    wanted = sorted(set(ledger.shared) | (set(named) - set(ledger.holds)))
    others = ledger_store.holds_of_partner(uow.connection, leg.partner, wanted, but_leg=leg.id)
    return LegBooks(ledger, others)


def _facts(
    books: LegBooks, request: FreezeRequestRow, *, last_act: LegAct | None, ended: bool
) -> LegFacts:
    return facts_of(
        books.ledger,
        address_count=request.address_count,
        last_act=last_act,
        ended=ended,
        other_holds=books.other_holds,
    )


def status_now(
    books: LegBooks, request: FreezeRequestRow, *, last_act: LegAct | None, ended: bool
) -> LegStatus:
    """Return how a leg shows."""
    return leg_status(_facts(books, request, last_act=last_act, ended=ended))


def require_leg_act(on: LegContext, act: LegAct, books: LegBooks) -> None:
    """Refuse an act that the life cycle does not allow now."""
    facts = _facts(books, on.request, last_act=last_act_of(on.leg), ended=on.leg.ended)
    require_act(act, facts=facts, request_status=RequestStatus(on.request.status))


def last_act_of(leg: LegRow) -> LegAct | None:
    """Return the last act that counts for the leg's status."""
    return None if leg.last_act is None else LegAct(leg.last_act)


def change_leg(on: LegContext, act: LegAct, books: LegBooks, **values: Any) -> LegStatus:
    """Write what an allowed act does to the leg, and return how it shows now."""
    uow, leg = on.uow, on.leg
    if counts(act, LegStatus(leg.status), last_act=last_act_of(leg)):
        values["last_act"] = act.value
        if act is not LegAct.DECLINE and leg.decline_code is not None:
            # Whoever looks again takes the decline back, with what it says of where funds went.
            values |= {"decline_code": None, "decline_act_id": None}
    over = set()
    if act in IMPLIES_ACKNOWLEDGEMENT:
        values["acknowledged_at"] = leg.acknowledged_at or uow.now
        values.setdefault("delivered_at", leg.delivered_at or uow.now)
        over.add(LegFlag.OVERDUE)
    if values.get("delivered_at") is not None:
        over.add(LegFlag.UNDELIVERABLE)
    last_act = values.get("last_act", leg.last_act)
    ended = values.get("ended", leg.ended)
    if ended:
        # None can be made good any more: nobody acknowledges or answers after the end.
        over |= {LegFlag.OVERDUE, LegFlag.UNANSWERED, LegFlag.INFO_REQUESTED}
    else:
        is_answered = last_act == LegAct.DECLINE or _speaks_of_all(on, books)
        asks = LegFlag.INFO_REQUESTED in values.get("flags", leg.flags)
        values |= _clock_values(on, is_answered=is_answered, asks=asks)
        if values["answered_at"] is not None:
            over.add(LegFlag.UNANSWERED)
    flags = [flag for flag in values.get("flags", leg.flags) if flag not in over]
    if LegFlag.DISPUTED in flags:
        flags = flags_with(flags, LegFlag.DISPUTED, holds=_is_disputed(on, books))
    status = status_now(
        books,
        on.request,
        last_act=None if last_act is None else LegAct(last_act),
        ended=ended,
    )
    owes = hold_clocks.owed_by_leg(uow.connection, leg.id) > 0 if books.holds_anything else False
    values["flags"] = flags_with(flags, LegFlag.ANSWER_OWED, holds=owes)
    store.change(uow.connection, leg, status=status.value, owes_answer=owes, **values)
    settle_final(uow, on.request)
    return status


def _is_disputed(on: LegContext, books: LegBooks) -> bool:
    open_disputes = dispute_store.open_disputes(on.uow.connection, on.leg.id)
    return any(contested(books, dispute.hold_id) for dispute in open_disputes)


def _speaks_of_all(on: LegContext, books: LegBooks) -> bool:
    """Tell whether the leg's lines speak of every address that was not taken back."""
    return books.ledger.unanswered(on.request.address_count) == 0


def clock_of(leg: LegRow) -> AnswerClock:
    """Return how a leg's clock to its answer stands."""
    return AnswerClock(leg.answer_by, leg.clock_paused_at, leg.answered_at, leg.unanswered_at)


def _clock_values(on: LegContext, *, is_answered: bool, asks: bool) -> dict[str, Any]:
    """Return what becomes of a leg's clock, as columns.

    Args:
        on: The leg, and its request as it is now.
        is_answered: Whether every address has its answer.
        asks: Whether a question of the partner's is open.
    """
    clock = clock_of(on.leg).after(
        on.uow.now,
        is_answered=is_answered,
        waits=asks or on.request.unratified_until is not None,
    )
    return {
        "answer_by": clock.answer_by,
        "clock_paused_at": clock.paused_at,
        "answered_at": clock.answered_at,
    }


def turn_clocks(on: RequestContext, legs: Iterable[LegRow]) -> None:
    """Stop the clocks of legs to their answers, or let them go on, as the request stands now.

    Call it where a request becomes unratified, and where it is ratified after all: meanwhile no
    partner can do what it is asked for.
    """
    for leg in legs:
        if leg.ended or leg.answered_at is not None:
            continue
        asks = LegFlag.INFO_REQUESTED in leg.flags
        values = _clock_values(on.on_leg(leg), is_answered=False, asks=asks)
        if (values["answer_by"], values["clock_paused_at"]) != (
            leg.answer_by,
            leg.clock_paused_at,
        ):
            store.change(on.uow.connection, leg, **values)


def totals_now(on: LegContext) -> TotalsView:
    """Return a leg's totals as the act under way leaves them."""
    return ledger_totals.as_text(ledger_totals.totals(on.uow.connection, leg_id=on.leg.id))


def leg_now(
    on: LegContext, *, totals: TotalsView | None = None, decline_detail: str | None = None
) -> LegView:
    """Return a leg as the act under way leaves it: what a read right after it shows.

    Call it once all events are recorded, for they are counted.

    Args:
        on: The leg as it was read before the act.
        totals: Of `totals_now`, where they are known.
        decline_detail: What the partner says in this very act, which is not stored yet.
    """
    uow = on.uow
    leg = store.get(uow.connection, on.leg.id)
    if leg is None:
        raise AssertionError("changed in this very transaction")
    if decline_detail is None and leg.decline_act_id is not None:
        bodies = evidence_bodies(uow.connection, uow.vault, [leg.decline_act_id])
        decline_detail = bodies.get(leg.decline_act_id, {}).get("detail")
    details = LegDetails(
        uow.leg_numbers(leg),
        totals_now(on) if totals is None else totals,
        decline_detail,
        dispute_times(uow.connection, [leg]).get(leg.id),
        reply_times(uow.connection, [leg]).get(leg.id),
    )
    return leg_view(leg, details)


def _act(on: LegContext, act: LegAct, event: EventType, data: Mapping[str, Any]) -> Answer:
    """Carry out an act of the asked side: check, store, write, record, answer."""
    books = load_books(on.uow, on.leg)
    require_leg_act(on, act, books)
    act_id = on.store_act(Act(act.value))
    is_decline = act is LegAct.DECLINE
    declined = {"decline_code": data["code"], "decline_act_id": act_id} if is_decline else {}
    status = change_leg(on, act, books, **declined)
    recorded = on.record(event, data, status=status, act_id=act_id)
    view = leg_now(on, decline_detail=data.get("detail"))
    body = {"id": act_id, "request_id": on.request.id, "status": status.value, "leg": view}
    return Answer(201, body, entry=recorded)


@handles(AcknowledgeLeg, needs=Permission.LEG_ACKNOWLEDGE)
def acknowledge(command: AcknowledgeLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Say that a person or system of the partner has the request."""
    on = asked_leg(uow, actor, command.request_id, command.body.content_sha256)
    return _act(on, LegAct.ACKNOWLEDGE, EventType.LEG_ACKNOWLEDGED, {})


@handles(ReviewLeg, needs=Permission.LEG_REVIEW)
def review(command: ReviewLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Say that somebody is looking into it."""
    on = asked_leg(uow, actor, command.request_id, command.body.content_sha256)
    return _act(on, LegAct.REVIEW, EventType.LEG_UNDER_REVIEW, {})


@handles(DeclineLeg, needs=Permission.LEG_DECLINE)
def decline(command: DeclineLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Decline with a code; a declined leg may still review or report later."""
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    data = {
        "code": body.code.value,
        "detail": body.detail,
        "retry": body.retry,
        "missing": list(body.missing),
        "next": None if body.next is None else body.next.model_dump(exclude_none=True),
    }
    return _act(on, LegAct.DECLINE, EventType.LEG_DECLINED, data)


@handles(MarkLegsDelivered, needs=Permission.DELIVERY_RECORD)
def mark_delivered(command: MarkLegsDelivered, actor: Actor, uow: UnitOfWork) -> Answer:
    """Record that notices arrived; only the first time counts, and never after an act."""
    return Answer(200, {"delivered": _deliver(uow, actor, command.leg_ids)})


def _deliver(uow: UnitOfWork, actor: Actor, leg_ids: Collection[str]) -> int:
    """Record of legs that their notice arrived; returns how many now show it."""
    requests = request_store.lock_all(uow.connection, store.requests_of(uow.connection, leg_ids))
    legs = [leg for leg in store.get_all(uow.connection, leg_ids) if leg.delivered_at is None]
    for leg in legs:
        if leg.status != LegStatus.QUEUED:
            flags = flags_with(leg.flags, LegFlag.UNDELIVERABLE, holds=False)
            store.change(uow.connection, leg, delivered_at=uow.now, flags=flags)
    queued = [leg for leg in legs if leg.status == LegStatus.QUEUED]
    if not queued:
        return 0
    # Whatever a partner says or freezes is an act, and after the first its leg shows as queued no
    # more: the books of these legs are empty, and something is expected of each before and after.
    status = leg_status(LegFacts(last_act=LegAct.DELIVER))
    store.deliver(uow.connection, queued, status=status, act=LegAct.DELIVER, at=uow.now)
    uow.hold_keys({request.document_key_id for request in requests.values()})
    act_ids = store_own_acts(uow, LegAct.DELIVER.value, queued)
    told = {"delivered_at": format_time(uow.now)}
    for leg, act_id in zip(queued, act_ids, strict=True):
        on = LegContext(uow, actor, requests[leg.request_id], leg)
        on.record(EventType.LEG_DELIVERED, told, status=status, act_id=act_id)
    return len(queued)


@handles(MarkLegUndeliverable, needs=Permission.DELIVERY_RECORD)
def mark_undeliverable(command: MarkLegUndeliverable, actor: Actor, uow: UnitOfWork) -> Answer:
    """Flag a leg whose notice was given up; a later reading by the partner still counts."""
    return _flag(uow, actor, command.leg_id, LegFlag.UNDELIVERABLE, EventType.LEG_UNDELIVERABLE)


@handles(MarkLegOverdue, needs=Permission.TIMER_FIRE)
def mark_overdue(command: MarkLegOverdue, actor: Actor, uow: UnitOfWork) -> Answer:
    """Flag a leg that nobody acknowledged in time."""
    return _flag(uow, actor, command.leg_id, LegFlag.OVERDUE, EventType.LEG_OVERDUE)


@handles(MarkLegUnanswered, needs=Permission.TIMER_FIRE)
def mark_unanswered(command: MarkLegUnanswered, actor: Actor, uow: UnitOfWork) -> Answer:
    """Flag a leg that has addresses without an answer when the time for it is over."""
    return _flag(uow, actor, command.leg_id, LegFlag.UNANSWERED, EventType.LEG_UNANSWERED)


def _flag(uow: UnitOfWork, actor: Actor, leg_id: str, flag: LegFlag, event: EventType) -> Answer:
    on = locked_leg(uow, actor, leg_id)
    if on is None or on.leg.ended or flag.value in on.leg.flags or not _applies(flag, on):
        return Answer(200, {"status": "unchanged"})
    values: dict[str, Any] = {"flags": flags_with(on.leg.flags, flag, holds=True)}
    told: dict[str, Any] = {"flag": flag.value}
    if flag is LegFlag.OVERDUE:
        values["overdue_at"] = uow.now
    if flag is LegFlag.UNANSWERED:
        values["unanswered_at"] = uow.now
        told |= _missing_answers(on)
    store.change(uow.connection, on.leg, **values)
    recorded = on.record(event, told)
    return Answer(200, {"status": on.leg.status}, entry=recorded)


def _applies(flag: LegFlag, on: LegContext) -> bool:
    if flag is LegFlag.OVERDUE:
        return on.leg.acknowledged_at is None and on.leg.acknowledge_by <= on.uow.now
    if flag is LegFlag.UNANSWERED:
        return clock_of(on.leg).is_due(on.uow.now)
    return on.leg.delivered_at is None


def _missing_answers(on: LegContext) -> dict[str, Any]:
    """Return what both sides are told of a leg that is not answered in time."""
    missing = load_books(on.uow, on.leg).ledger.unanswered(on.request.address_count)
    answer_by = on.leg.answer_by
    return {
        "answer_by": None if answer_by is None else format_time(answer_by),
        "unanswered_count": missing,
    }

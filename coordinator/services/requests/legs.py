"""Legs: delivery of the notice, acknowledgement, review, decline, and the status that follows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import FieldFault, InvalidInputError, LedgerBreachError
from coordinator.domain.freeze_ledger import LegLedger, facts_of
from coordinator.domain.leg import (
    IMPLIES_ACKNOWLEDGEMENT,
    LegAct,
    LegFacts,
    LegFlag,
    counts,
    flags_with,
    leg_status,
    require_act,
)
from coordinator.domain.nothing_lines import left_at_fault
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, locked_leg
from coordinator.services.core.acts import LegContext, NewAct, store_own_acts
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.alarms import somebody_has
from coordinator.services.requests.answer_clocks import clock_columns, clock_of
from coordinator.services.requests.freeze_request_views import (
    ActView,
    LegDetails,
    LegView,
    TotalsView,
    dispute_times,
    evidence_bodies,
    indemnity_times,
    leg_view,
    reasons_of_legs,
    reply_times,
)
from coordinator.services.requests.gateways import gateways_of_legs
from coordinator.services.requests.task_views import leg_tasks, settling_task
from coordinator.storage.ending import disputes as dispute_store
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks, ledger_totals
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import info_requests
from coordinator.storage.requests import legs as store
from coordinator.storage.requests import tasks as task_store
from coordinator.storage.requests.leg_limits import limits_of
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol import payloads
from holdfast.protocol.chains.format_errors import TransactionError
from holdfast.protocol.chains.transaction import require_whole
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import (
    Arrival,
    DeclineCode,
    EventType,
    LegStatus,
    RequestStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegsDelivered:
    """Notices reached their partners: an endpoint took each, or the partner read it itself."""

    leg_ids: frozenset[str]
    arrival: Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLegUndeliverable:
    """Every try to deliver the notice failed; a person must look into it."""

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
    """A person or system of the partner has received the request."""

    request_id: str
    body: payloads.Acknowledgement


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLeg:
    """Somebody at the partner is looking into the request."""

    request_id: str
    body: payloads.Review


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineLeg:
    """The partner freezes nothing, and says why."""

    request_id: str
    body: payloads.Decline


#: By whether the partner may say why.
_DECLINES = {LegAct.DECLINE: EventType.LEG_DECLINED, LegAct.CANNOT_SAY: EventType.LEG_CANNOT_SAY}


def _facts(
    ledger: LegLedger, request: FreezeRequestRow, *, last_act: LegAct | None, ended: bool
) -> LegFacts:
    return facts_of(
        ledger,
        address_count=request.address_count,
        last_act=last_act,
        ended=ended,
    )


def status_now(
    ledger: LegLedger, request: FreezeRequestRow, *, last_act: LegAct | None, ended: bool
) -> LegStatus:
    """Return the status of a leg."""
    return leg_status(_facts(ledger, request, last_act=last_act, ended=ended))


def require_leg_act(on: LegContext, act: LegAct, ledger: LegLedger) -> None:
    """Refuse an act that the life cycle does not allow now."""
    facts = _facts(ledger, on.request, last_act=last_act_of(on.leg), ended=on.leg.ended)
    require_act(act, facts=facts, request_status=RequestStatus(on.request.status))


def last_act_of(leg: LegRow) -> LegAct | None:
    """Return the last act that counts for the leg's status."""
    return None if leg.last_act is None else LegAct(leg.last_act)


def change_leg(on: LegContext, act: LegAct, ledger: LegLedger, **values: Any) -> LegStatus:
    """Write what an allowed act does to the leg, and return its new status."""
    uow, leg = on.uow, on.leg
    if counts(act, LegStatus(leg.status), last_act=last_act_of(leg)):
        values["last_act"] = act.value
        if act not in _DECLINES and leg.decline_code is not None:
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
        _end_questions(on)
        # None can be made good any more: nobody acknowledges or answers after the end.
        over |= {LegFlag.OVERDUE, LegFlag.UNANSWERED, LegFlag.INFO_REQUESTED}
    else:
        is_answered = _is_answered(on, ledger, last_act)
        asks = LegFlag.INFO_REQUESTED in values.get("flags", leg.flags)
        clock = clock_columns(on, is_answered=is_answered, asks=asks)
        values |= clock._asdict()
        if clock.answered_at is not None:
            over.add(LegFlag.UNANSWERED)
    flags = [flag for flag in values.get("flags", leg.flags) if flag not in over]
    if LegFlag.DISPUTED in flags:
        flags = flags_with(flags, LegFlag.DISPUTED, holds=_is_disputed(on, ledger))
    status = status_now(
        ledger,
        on.request,
        last_act=None if last_act is None else LegAct(last_act),
        ended=ended,
    )
    owes = _owes_answer(on, ledger)
    values["flags"] = flags_with(flags, LegFlag.ANSWER_OWED, holds=owes)
    values["owed_since"] = (leg.owed_since or uow.now) if owes else None
    values |= _next_looks(ledger)
    values |= store.REACHED if ended or LegFlag.UNDELIVERABLE in over else {}
    store.change(uow.connection, leg, status=status.value, owes_answer=owes, **values)
    settle_final(uow, on.request)
    return status


def _owes_answer(on: LegContext, ledger: LegLedger) -> bool:
    """Tell whether a leg owes an answer about a hold; whoever had that has it no more if not."""
    connection, leg = on.uow.connection, on.leg
    may_owe = bool(ledger.holds or ledger.shared)
    owes = may_owe and hold_clocks.owed_by_leg(connection, leg.id) > 0
    if leg.owes_answer and not owes:
        # It may be owed again, and then nobody has it yet.
        task_store.forget(connection, leg.partner, settling_task(leg).id)
    return owes


def _end_questions(on: LegContext) -> None:
    if LegFlag.INFO_REQUESTED in on.leg.flags:
        info_requests.end_of_leg(on.uow.connection, on.leg.id, on.uow.now)


def _next_looks(ledger: LegLedger) -> dict[str, datetime | None]:
    """Return when the first hold that counts for a leg ends, and when it looks at an account again.

    Of a shared hold each of its legs says so: any of them may extend it, and each act on it is
    told to all of them. A leg that handed its own hold on has no say in it and hears of it no more.
    """
    running = [hold for _, hold in ledger.linked() if hold.is_open and not hold.lapsed]
    reviews = [hold.review_at for hold in running if hold.review_at is not None]
    return {
        "hold_ends_at": min((hold.hold_expires_at for hold in running), default=None),
        "account_review_at": min(reviews, default=None),
    }


def _is_disputed(on: LegContext, ledger: LegLedger) -> bool:
    open_disputes = dispute_store.open_disputes(on.uow.connection, on.leg.id)
    return any(ledger.is_contestable(dispute.hold_id) for dispute in open_disputes)


def _is_answered(on: LegContext, ledger: LegLedger, last_act: str | None) -> bool:
    """Tell whether every address has its answer: it is declined, or a line speaks of each."""
    return last_act in _DECLINES or not ledger.unanswered(on.request.address_count)


def settle_final(uow: UnitOfWork, request: FreezeRequestRow) -> None:
    """Note since when no leg owes anything, or that one does again.

    Call it after the legs were written. Some days later the request closes by itself.
    """
    is_awaited = bool(store.not_final(uow.connection, request.id, limit=1))
    if is_awaited != (request.final_since is None):
        request_store.set_final_since(uow.connection, request.id, None if is_awaited else uow.now)


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
        reasons_of_legs(uow.connection, [leg]).get(leg.request_id),
        indemnity_times(uow.connection, [leg]).get(leg.id),
        reply_times(uow.connection, [leg]).get(leg.id),
        leg_tasks(uow.connection, [leg], on.actor.partner)[leg.id],
        gateways_of_legs(uow.connection, uow.policies, uow.now, [leg])[leg.id],
        limits_of(uow.connection, [leg] if leg.partner == on.actor.partner else []).get(leg.id),
    )
    return leg_view(leg, details)


def _act(on: LegContext, act: LegAct, event: EventType, data: JsonObject) -> Answer:
    """Carry out an act of the asked side: check, store, write, record, answer."""
    ledger = ledger_store.load_leg(on.uow.connection, on.leg)
    require_leg_act(on, act, ledger)
    is_decline = act in _DECLINES
    act_id = on.store_act(NewAct(LegAct.DECLINE.value if is_decline else act.value))
    declined = {"decline_code": data["code"], "decline_act_id": act_id} if is_decline else {}
    status = change_leg(on, act, ledger, **declined)
    recorded = on.record(event, data, status=status, act_id=act_id)
    view = leg_now(on, decline_detail=data.get("detail"))
    body: ActView = {"id": act_id, "request_id": on.request.id, "status": status.value, "leg": view}
    return Answer(201, body, entry=recorded)


@handles(AcknowledgeLeg, needs=Permission.LEG_ACKNOWLEDGE)
def acknowledge(command: AcknowledgeLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Acknowledge the request."""
    on = asked_leg(uow, actor, command.request_id, command.body.content_sha256)
    if actor.kind is ActorKind.PERSON:
        # Whoever acknowledges is awake; what a system acknowledges, nobody has seen.
        somebody_has(uow, actor.partner, Task(TaskKind.ACKNOWLEDGE, on.request.id, on.leg.id))
    return _act(on, LegAct.ACKNOWLEDGE, EventType.LEG_ACKNOWLEDGED, {})


@handles(ReviewLeg, needs=Permission.LEG_REVIEW)
def review(command: ReviewLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Say that the request is under review."""
    on = asked_leg(uow, actor, command.request_id, command.body.content_sha256)
    return _act(on, LegAct.REVIEW, EventType.LEG_UNDER_REVIEW, {})


@handles(DeclineLeg, needs=Permission.LEG_DECLINE)
def decline(command: DeclineLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Decline with a code; a declined leg may still review or report later."""
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    wrong = left_at_fault(body.left_at, noticed_at=on.leg.queued_at, now=uow.now)
    if wrong is not None:
        detail, code = wrong
        raise LedgerBreachError(
            f"left_at {detail}",
            errors=[FieldFault("/left_at", detail, code)],
            current_status=on.leg.status,
        )
    if body.next is not None and body.next.tx is not None:
        _require_transaction(body.next.tx, uow)
    data = {
        "code": body.code.value,
        "detail": body.detail,
        "retry": body.retry,
        "missing": list(body.missing),
        "next": None if body.next is None else body.next.model_dump(exclude_none=True),
        "left_at": optional_time(body.left_at),
    }
    act = LegAct.CANNOT_SAY if body.code is DeclineCode.CANNOT_SAY else LegAct.DECLINE
    return _act(on, act, _DECLINES[act], data)


def _require_transaction(text: str, uow: UnitOfWork) -> None:
    try:
        require_whole(uow.chains, text)
    except TransactionError as error:
        raise InvalidInputError(
            f"next.tx {error.message}",
            errors=[FieldFault("/next/tx", error.message, error.code)],
        ) from None


@handles(MarkLegsDelivered, needs=Permission.DELIVERY_RECORD)
def mark_delivered(command: MarkLegsDelivered, actor: Actor, uow: UnitOfWork) -> Answer:
    """Record that notices arrived; only the first time counts, and never after an act."""
    return Answer(200, {"delivered": _deliver(uow, actor, command)})


def _deliver(uow: UnitOfWork, actor: Actor, command: MarkLegsDelivered) -> int:
    """Record that the notices of legs arrived; return how many legs now show as delivered."""
    leg_ids = command.leg_ids
    requests = request_store.lock_all(uow.connection, store.requests_of(uow.connection, leg_ids))
    legs = [leg for leg in store.get_all(uow.connection, leg_ids) if leg.delivered_at is None]
    for leg in legs:
        if leg.status != LegStatus.QUEUED:
            flags = flags_with(leg.flags, LegFlag.UNDELIVERABLE, holds=False)
            values = {"delivered_at": uow.now, "flags": flags, **store.REACHED}
            store.change(uow.connection, leg, **values)
    queued = [leg for leg in legs if leg.status == LegStatus.QUEUED]
    if not queued:
        return 0
    # Whatever a partner says or freezes is an act, and after the first its leg shows as queued no
    # more: the ledgers of these legs are empty, and something is expected of each before and after.
    status = leg_status(LegFacts(last_act=LegAct.DELIVER))
    store.deliver(uow.connection, queued, status=status, act=LegAct.DELIVER, at=uow.now)
    uow.hold_keys({request.document_key_id for request in requests.values()})
    act_ids = store_own_acts(uow, LegAct.DELIVER.value, queued)
    # Nobody signed that it arrived: the coordinator vouches, and says by what it knows.
    told = {
        "delivered_at": format_time(uow.now),
        "arrival": command.arrival,
        "vouched_by": actor.subject,
    }
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
    seen: dict[str, datetime | str] = {}
    told: JsonObject = {"flag": flag.value}
    if flag is LegFlag.OVERDUE:
        seen["overdue_at"] = uow.now
    if flag is LegFlag.UNANSWERED:
        seen["unanswered_at"] = uow.now
        told |= _missing_answers(on)
    if flag is LegFlag.UNDELIVERABLE:
        seen |= {"unreached_at": uow.now, "unreached_for": on.request.requester}
    flags = flags_with(on.leg.flags, flag, holds=True)
    store.change(uow.connection, on.leg, flags=flags, **seen)
    recorded = on.record(event, told)
    return Answer(200, {"status": on.leg.status}, entry=recorded)


def _applies(flag: LegFlag, on: LegContext) -> bool:
    if flag is LegFlag.OVERDUE:
        return on.leg.acknowledged_at is None and on.leg.acknowledge_by <= on.uow.now
    if flag is LegFlag.UNANSWERED:
        return clock_of(on.leg).is_due(on.uow.now)
    return on.leg.delivered_at is None


def _missing_answers(on: LegContext) -> JsonObject:
    """Return what both sides are told of a leg that is not answered in time."""
    ledger = ledger_store.load_leg(on.uow.connection, on.leg)
    missing = ledger.unanswered(on.request.address_count)
    return {"answer_by": optional_time(on.leg.answer_by), "unanswered_count": missing}

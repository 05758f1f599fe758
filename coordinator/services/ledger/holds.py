"""Holds: signed extensions, requests for one, and the clocks, which nobody can stop."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import InvalidTransitionError, NotFoundError
from coordinator.domain.freeze_request import Action, next_status
from coordinator.domain.hold import (
    HoldBalance,
    ending_due,
    extended,
    lapsed,
    lapses,
    require_worth_asking,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, locked_leg, sent_request
from coordinator.services.core.acts import LegContext, NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import recompute_leg, tell_owed
from coordinator.services.ledger.hold_limits import limits_on
from coordinator.services.ledger.obligations import settle
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import ActView
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.ledger.shared_lines import links_to_other_legs
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tables.freeze_ledger import HoldRow
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol import hold_payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.vocabulary import EventType, HoldBasis, LegStatus, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHold:
    """The holding partner sets a later end, or another basis."""

    request_id: str
    body: hold_payloads.HoldExtension


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForExtension:
    """The requester asks partners to hold longer; the partner decides."""

    request_id: str
    body: hold_payloads.ExtensionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class FireHoldClock:
    """A warning or the end of a hold is due."""

    hold_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOwed:
    """An answer has been owed for so long that both sides are reminded."""

    hold_id: str


class HoldActView(TypedDict):
    """The answer to an extension (`views.HoldActView`)."""

    id: str
    request_id: str
    hold: str
    hold_expires_at: str
    basis: HoldBasis
    status: str


def _own_hold(uow: UnitOfWork, leg: LegRow, hold_id: str) -> HoldBalance:
    ledger = ledger_store.load_leg(uow.connection, leg)
    hold = next((hold for _, hold in ledger.linked() if hold.id == hold_id), None)
    if hold is None:
        raise NotFoundError("you have no such hold on this request", code="no_such_hold")
    return hold


@handles(ExtendHold, needs=Permission.HOLD_EXTEND)
def extend(command: ExtendHold, actor: Actor, uow: UnitOfWork) -> Answer:
    """Set a later end within policy.

    A lapsed hold is in force again, and the answer that the lapse alone had made due is given.
    """
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    request, leg = on.request, on.leg
    next_status(
        RequestStatus(request.status),
        Action.ACT_ON_HOLD,
        ratification=request_store.ratification(request),
    )
    hold = _own_hold(uow, leg, body.hold)
    renewed = extended(
        hold,
        hold_expires_at=body.hold_expires_at,
        basis=body.basis,
        now=uow.now,
        max_hold=limits_on(on),
    )
    act_id = on.store_act(NewAct("extend"))
    ledger_store.store_hold(uow.connection, renewed)
    settle(uow, [renewed])
    status = recompute_leg(on, ledger_store.load_leg(uow.connection, leg))
    ends = {
        "hold": hold.id,
        "hold_expires_at": format_time(renewed.hold_expires_at),
        "basis": renewed.basis.value,
    }
    data = {**ends, "before": format_time(hold.hold_expires_at)}
    recorded = on.record(EventType.HOLD_EXTENDED, data, status=status, act_id=act_id)
    for link in links_to_other_legs(uow.connection, [hold.id], leg.id):
        other = locked_leg(uow, actor, link.leg_id)
        if other is not None:
            shown = recompute_leg(other, ledger_store.load_leg(uow.connection, other.leg))
            told = {**data, "act_id": act_id}
            other.record(EventType.HOLD_EXTENDED, told, status=shown)
    answer: HoldActView = {
        "id": act_id,
        "request_id": request.id,
        "hold": hold.id,
        "hold_expires_at": ends["hold_expires_at"],
        "basis": renewed.basis,
        "status": status.value,
    }
    return Answer(201, answer, entry=recorded)


@handles(AskForExtension, needs=Permission.HOLD_ASK_EXTENSION)
def ask_for_extension(command: AskForExtension, actor: Actor, uow: UnitOfWork) -> Answer:
    """Ask a partner to hold longer; this alone changes nothing."""
    body = command.body
    on_request = sent_request(uow, actor, command.request_id, body.content_sha256)
    request = on_request.request
    if request.status != RequestStatus.ACTIVE:
        raise InvalidTransitionError(
            f"the request is {request.status}; an extension is asked for while it is active",
            current_status=request.status,
        )
    row = hold_clocks.hold(uow.connection, body.hold)
    legs = [] if row is None else hold_clocks.linked_legs(uow.connection, body.hold)
    leg = next((leg for leg in legs if leg.request_id == request.id), None)
    if row is None or leg is None:
        raise NotFoundError("there is no such hold on this request", code="no_such_hold")
    require_worth_asking(
        body.hold_expires_at, present_end=row.hold_expires_at, is_open=not row.ended, now=uow.now
    )
    asked: dict[str, object] = {
        "hold": body.hold,
        "hold_expires_at": format_time(body.hold_expires_at),
        "reason": body.reason,
    }
    on = on_request.on_leg(leg)
    hold_clocks.ask_for_later_end(uow.connection, row, request.id, uow.now)
    act_id = on.store_act(NewAct("ask_extension"))
    asked["evidence"] = proofs_of(on_request, [act_id])
    recorded = on.record(EventType.HOLD_EXTENSION_REQUESTED, asked, act_id=act_id)
    answer: ActView = {"id": act_id, "request_id": request.id, "status": leg.status}
    return Answer(201, answer, entry=recorded)


@handles(FireHoldClock, needs=Permission.TIMER_FIRE)
def fire_clock(command: FireHoldClock, actor: Actor, uow: UnitOfWork) -> Answer:
    """Warn of a hold's end or review, or let it lapse; neither extends or releases anything."""
    on, row = _locked_hold(uow, actor, command.hold_id)
    rang_for = None if row is None else row.next_clock_at
    if on is None or rang_for is None or rang_for > uow.now:
        return Answer(200, {"status": "unchanged"})
    hold = ledger_store.load_leg(uow.connection, on.leg).holds[command.hold_id]
    if lapses(hold, now=uow.now):
        return _lapse(on, hold)
    settle(uow, [hold], rang=True)
    if not hold.is_open:
        return Answer(200, {"status": "unchanged"})
    events = []
    for each in _linked(on, hold.id):
        if hold.review_at is not None and rang_for <= hold.review_at <= uow.now:
            events.append(each.record(EventType.HOLD_REVIEW_DUE, _review(hold)))
        if ending_due(hold, since=rang_for, now=uow.now, warn_before=uow.policies.warn_before):
            events.append(each.record(EventType.HOLD_EXPIRING, _ending(hold, uow.now)))
    return Answer(200, {"status": on.leg.status}, entry=next(iter(events), None))


def _review(hold: HoldBalance) -> dict[str, object]:
    """Return what is told where somebody is to look at a hold again."""
    return {
        "hold": hold.id,
        "review_at": optional_time(hold.review_at),
        "account_level": hold.account_level,
    }


def _ending(hold: HoldBalance, now: datetime) -> dict[str, object]:
    return {
        "hold": hold.id,
        "hold_expires_at": format_time(hold.hold_expires_at),
        "seconds_left": max(int((hold.hold_expires_at - now).total_seconds()), 0),
        "is_review": hold.has_review_date,
    }


def _lapse(on: LegContext, hold: HoldBalance) -> Answer:
    ended = lapsed(hold)
    ledger_store.store_hold(on.uow.connection, ended)
    settle(on.uow, [ended])
    data = {"hold": hold.id, "hold_expires_at": format_time(hold.hold_expires_at)}
    events = []
    for each in _linked(on, hold.id):
        status = recompute_leg(each, ledger_store.load_leg(on.uow.connection, each.leg))
        events.append(each.record(EventType.HOLD_LAPSED, data, status=status))
        tell_owed(each, status, [ended], "lapsed")
    return Answer(200, {"status": "lapsed"}, entry=next(iter(events), None))


def _locked_hold(
    uow: UnitOfWork, actor: Actor, hold_id: str
) -> tuple[LegContext | None, HoldRow | None]:
    """Return a hold's leg, locked with all requests that share the hold, and the hold's row."""
    found = hold_clocks.hold(uow.connection, hold_id)
    if found is None:
        return None, None
    request_store.lock_sharing(
        uow.connection, found.request_id, holds=[found.id], partner=found.partner
    )
    on = locked_leg(uow, actor, found.leg_id)
    return on, hold_clocks.hold(uow.connection, hold_id)


def _linked(on: LegContext, hold_id: str) -> list[LegContext]:
    """Return every leg that a hold counts for, as it is now; `on` is the one it was frozen on."""
    found = []
    for each in hold_clocks.linked_legs(on.uow.connection, hold_id):
        if each.id == on.leg.id:
            found.append(replace(on, leg=each))
            continue
        other = locked_leg(on.uow, on.actor, each.id)
        if other is not None:
            found.append(other)
    return found


@handles(RemindOwed, needs=Permission.TIMER_FIRE)
def remind(command: RemindOwed, actor: Actor, uow: UnitOfWork) -> Answer:
    """Remind both sides that an answer is owed, until it is given."""
    on, row = _locked_hold(uow, actor, command.hold_id)
    if on is None or row is None or not _is_due(row.next_reminder_at, uow.now):
        return Answer(200, {"status": "unchanged"})
    hold = ledger_store.load_leg(uow.connection, on.leg).holds[command.hold_id]
    settle(uow, [hold])
    if row.owed_since is None or not hold.is_open:
        return Answer(200, {"status": "unchanged"})
    why = "lapsed" if hold.lapsed else "withdrawn"
    owing = hold_clocks.withdrawn_legs(uow.connection, hold.id)
    for each in _linked(on, hold.id):
        if not hold.lapsed and each.leg.id not in owing:
            continue  # shared with a request that goes on
        tell_owed(each, LegStatus(each.leg.status), [hold], why)
    return Answer(200, {"status": on.leg.status})


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now

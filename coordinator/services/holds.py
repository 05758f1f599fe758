"""Holds: signed extensions, the requester's asking for one, and the clocks that nobody can stop."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import InvalidTransitionError, NotFoundError
from coordinator.domain.freeze_request import Action, next_status
from coordinator.domain.hold import HoldBalance, extended, lapsed, lapses, require_worth_asking
from coordinator.domain.permission import Permission
from coordinator.services.access import asked_leg, sent_request
from coordinator.services.acts import store_act
from coordinator.services.bus import handles
from coordinator.services.endings import refresh_leg, tell_owed
from coordinator.services.legs import load_books, locked_leg, record_leg_event
from coordinator.services.obligations import settle
from coordinator.services.unit_of_work import Answer, UnitOfWork
from coordinator.storage import freeze_ledger as ledger_store
from coordinator.storage import freeze_requests as request_store
from coordinator.storage import hold_clocks
from coordinator.storage import legs as leg_store
from coordinator.storage import partners as partner_store
from coordinator.storage.shared_lines import links_to_other_legs
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import hold_payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EventType, HoldBasis, LegStatus, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHold:
    """The partner that holds sets a later end, or another ground."""

    request_id: str
    body: hold_payloads.HoldExtension
    policies: Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForExtension:
    """The requester asks partners to hold longer; the partner decides."""

    request_id: str
    body: hold_payloads.ExtensionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class FireHoldClock:
    """A warning or the end of a hold is due."""

    hold_id: str
    policies: Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOwed:
    """An answer has been owed for so long that both sides are reminded."""

    hold_id: str
    policies: Policies


def _own_hold(uow: UnitOfWork, leg: Row[Any], hold_id: str) -> HoldBalance:
    ledger = ledger_store.load_leg(uow.connection, leg.id)
    hold = ledger.holds.get(hold_id)
    if hold is None and hold_id in ledger.shared:
        found = ledger_store.holds_of_partner(
            uow.connection, leg.partner, [hold_id], but_leg=leg.id
        )
        hold = found.get(hold_id)
    if hold is None or hold_id in ledger.unlinked:
        raise NotFoundError("you have no such hold on this request", code="no_such_hold")
    return hold


@handles(ExtendHold, needs=Permission.HOLD_EXTEND)
def extend(command: ExtendHold, actor: Actor, uow: UnitOfWork) -> Answer:
    """Set a later end within policy.

    A lapsed hold is alive again, and what only the lapse owed is met.
    """
    body = command.body
    request, leg = asked_leg(uow, actor, command.request_id, body.content_sha256)
    next_status(RequestStatus(request.status), Action.ACT_ON_HOLD, provisional=request.provisional)
    hold = _own_hold(uow, leg, body.hold)
    partner = partner_store.partner(uow.connection, leg.partner)
    jurisdiction = None if partner is None else partner.jurisdiction
    renewed = extended(
        hold,
        hold_expires_at=body.hold_expires_at,
        basis=body.basis,
        now=uow.now,
        max_hold=command.policies.max_hold(jurisdiction),
    )
    act_id = store_act(uow, actor, "extend", request.id, uow.key(request.document_key_id), leg=leg)
    ledger_store.store_hold(uow.connection, renewed)
    settle(uow, [renewed], command.policies)
    status = refresh_leg(uow, load_books(uow, leg), request, leg)
    data = {
        "act_id": act_id,
        "hold": hold.id,
        "hold_expires_at": format_time(renewed.hold_expires_at),
        "before": format_time(hold.hold_expires_at),
        "basis": renewed.basis.value,
    }
    recorded = record_leg_event(uow, EventType.HOLD_EXTENDED, actor, request, leg, status, data)
    uow.set_leaf(ActRow, act_id, recorded)
    for link in links_to_other_legs(uow.connection, [hold.id], leg.id):
        other_request, other = locked_leg(uow, link.leg_id)
        if other_request is not None and other is not None:
            shown = refresh_leg(uow, load_books(uow, other), other_request, other)
            record_leg_event(uow, EventType.HOLD_EXTENDED, actor, other_request, other, shown, data)
    body_out = {
        "id": act_id,
        "request_id": request.id,
        "hold": hold.id,
        "hold_expires_at": format_time(renewed.hold_expires_at),
        "basis": renewed.basis.value,
        "status": status.value,
    }
    return Answer(201, body_out, entry=recorded)


@handles(AskForExtension, needs=Permission.HOLD_ASK_EXTENSION)
def ask_for_extension(command: AskForExtension, actor: Actor, uow: UnitOfWork) -> Answer:
    """Ask one partner to hold longer; it changes nothing by itself."""
    body = command.body
    request = sent_request(uow, actor, command.request_id, body.content_sha256)
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
    act_id = store_act(
        uow, actor, "ask_extension", request.id, uow.key(request.document_key_id), leg=leg
    )
    recorded = record_leg_event(
        uow,
        EventType.HOLD_EXTENSION_REQUESTED,
        actor,
        request,
        leg,
        LegStatus(leg.status),
        {
            "act_id": act_id,
            "hold": body.hold,
            "hold_expires_at": format_time(body.hold_expires_at),
            "reason": body.reason,
        },
    )
    uow.set_leaf(ActRow, act_id, recorded)
    answer = {"id": act_id, "request_id": request.id, "status": leg.status}
    return Answer(201, answer, entry=recorded)


@handles(FireHoldClock, needs=Permission.TIMER_FIRE)
def fire_clock(command: FireHoldClock, actor: Actor, uow: UnitOfWork) -> Answer:
    """Warn of a hold's end, or let it lapse; nothing extends itself and nothing is let go."""
    found = hold_clocks.hold(uow.connection, command.hold_id)
    if found is None:
        return Answer(200, {"status": "unchanged"})
    request_store.lock_sharing(
        uow.connection, found.request_id, holds=[found.id], partner=found.partner
    )
    request, leg = locked_leg(uow, found.leg_id)
    row = hold_clocks.hold(uow.connection, command.hold_id)
    if request is None or leg is None or row is None or not _is_due(row.next_clock_at, uow.now):
        return Answer(200, {"status": "unchanged"})
    books = load_books(uow, leg)
    hold = books.ledger.holds[command.hold_id]
    if lapses(hold, now=uow.now):
        return _lapse(command, actor, uow, request, leg, hold)
    settle(uow, [hold], command.policies)
    if not hold.is_open:
        return Answer(200, {"status": "unchanged"})
    left = max(int((hold.hold_expires_at - uow.now).total_seconds()), 0)
    data = {
        "hold": hold.id,
        "hold_expires_at": format_time(hold.hold_expires_at),
        "seconds_left": left,
        "is_review": hold.basis is HoldBasis.LEGAL_ORDER,
    }
    recorded = None
    for each_request, each_leg in _linked(uow, hold.id, request, leg):
        event = record_leg_event(
            uow,
            EventType.HOLD_EXPIRING,
            actor,
            each_request,
            each_leg,
            LegStatus(each_leg.status),
            data,
        )
        recorded = recorded or event
    return Answer(200, {"status": leg.status}, entry=recorded)


def _lapse(  # noqa: PLR0913, PLR0917 - what the event is told with
    command: FireHoldClock,
    actor: Actor,
    uow: UnitOfWork,
    request: Row[Any],
    leg: Row[Any],
    hold: HoldBalance,
) -> Answer:
    ended = lapsed(hold)
    ledger_store.store_hold(uow.connection, ended)
    settle(uow, [ended], command.policies)
    recorded = None
    for each_request, each_leg in _linked(uow, hold.id, request, leg):
        status = refresh_leg(uow, load_books(uow, each_leg), each_request, each_leg)
        event = record_leg_event(
            uow,
            EventType.HOLD_LAPSED,
            actor,
            each_request,
            each_leg,
            status,
            {"hold": hold.id, "hold_expires_at": format_time(hold.hold_expires_at)},
        )
        recorded = recorded or event
        tell_owed(uow, actor, each_request, each_leg, status, [ended], "lapsed")
    return Answer(200, {"status": "lapsed"}, entry=recorded)


def _linked(
    uow: UnitOfWork, hold_id: str, request: Row[Any], leg: Row[Any]
) -> list[tuple[Row[Any], Row[Any]]]:
    """Return (request, leg) of every leg that a hold counts for."""
    found = []
    for each in hold_clocks.linked_legs(uow.connection, hold_id):
        if each.id == leg.id:
            found.append((request, leg_store.get(uow.connection, leg.id) or leg))
            continue
        other_request, other = locked_leg(uow, each.id)
        if other_request is not None and other is not None:
            found.append((other_request, other))
    return found


@handles(RemindOwed, needs=Permission.TIMER_FIRE)
def remind(command: RemindOwed, actor: Actor, uow: UnitOfWork) -> Answer:
    """Recall that an answer is owed, to both sides, until it is given."""
    found = hold_clocks.hold(uow.connection, command.hold_id)
    if found is None:
        return Answer(200, {"status": "unchanged"})
    request_store.lock_sharing(
        uow.connection, found.request_id, holds=[found.id], partner=found.partner
    )
    request, leg = locked_leg(uow, found.leg_id)
    row = hold_clocks.hold(uow.connection, command.hold_id)
    if request is None or leg is None or row is None or not _is_due(row.next_reminder_at, uow.now):
        return Answer(200, {"status": "unchanged"})
    hold = load_books(uow, leg).ledger.holds[command.hold_id]
    settle(uow, [hold], command.policies)
    if row.owed_since is None or not hold.is_open:
        return Answer(200, {"status": "unchanged"})
    why = "lapsed" if hold.lapsed else "withdrawn"
    owing = hold_clocks.legs_taking_back(uow.connection, hold.id)
    for each_request, each_leg in _linked(uow, hold.id, request, leg):
        if not hold.lapsed and each_leg.id not in owing:
            continue  # shared with a request that goes on
        tell_owed(uow, actor, each_request, each_leg, LegStatus(each_leg.status), [hold], why)
    return Answer(200, {"status": leg.status})


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now

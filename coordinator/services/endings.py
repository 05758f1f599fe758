"""How a request that went out ends: every leg is told, and legs that hold owe an answer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.hold import HoldBalance, obliged
from coordinator.domain.leg import LegAct
from coordinator.services.legs import (
    LegBooks,
    change_leg,
    last_act_of,
    load_books,
    locked_leg,
    record_leg_event,
)
from coordinator.services.obligations import settle
from coordinator.services.unit_of_work import UnitOfWork
from coordinator.storage import freeze_ledger as ledger_store
from coordinator.storage import hold_clocks
from coordinator.storage import legs as store
from holdfast.protocol.vocabulary import EventType, LegStatus

#: What an event names at most; webhook bodies stay under 20 kB, the rest is in the list.
ADDRESSES_IN_EVENT = 500
_ANSWERED = {
    LegStatus.NO_MATCH: EventType.LEG_NO_MATCH,
    LegStatus.DECLINED: EventType.LEG_DECLINED,
}


def all_legs(uow: UnitOfWork, request_id: str) -> list[Row[Any]]:
    """Return every leg of a request, at most as many as partners can be asked."""
    found: list[Row[Any]] = []
    while page := store.of_request(uow.connection, request_id, after=found[-1].id if found else ""):
        found.extend(page)
    return found


def end_legs(  # noqa: PLR0913 - what an end is told with
    uow: UnitOfWork,
    actor: Actor,
    request: Row[Any],
    event: EventType,
    policies: Policies,
    *,
    reason: str | None,
) -> None:
    """Tell every leg that the request ended; each open hold owes a release, a return or `kept`."""
    for leg in all_legs(uow, request.id):
        books = load_books(uow, leg)
        owing = oblige(uow, actor, leg, [h for _, h in books.linked() if h.is_open], policies)
        status = change_leg(uow, LegAct.WITHDRAW, books, request, leg, ended=True)
        tell_taken_back(uow, request, leg, event, status, None, reason)
        if status is LegStatus.WITHDRAWN and leg.status != LegStatus.WITHDRAWN:
            record_leg_event(uow, EventType.LEG_WITHDRAWN, actor, request, leg, status, {})
        tell_owed(uow, actor, request, leg, status, owing, "withdrawn")


def take_addresses_back(  # noqa: PLR0913, PLR0917 - what the act is told with
    uow: UnitOfWork,
    actor: Actor,
    request: Row[Any],
    numbers: Sequence[int],
    reason: str,
    policies: Policies,
) -> None:
    """Tell every leg which addresses were taken back; what it holds on them owes an answer.

    No other answer is awaited about them, which may have been the last that was.
    """
    named = set(numbers)
    for leg in all_legs(uow, request.id):
        books = load_books(uow, leg)
        touched = [h for no, h in books.linked() if no in named and h.is_open]
        owing = oblige(uow, actor, leg, touched, policies)
        status = LegStatus(leg.status)
        if owing or last_act_of(leg) is LegAct.REPORT:
            status = refresh_leg(uow, books, request, leg)
        tell_taken_back(uow, request, leg, EventType.REQUEST_WITHDRAWN, status, numbers, reason)
        answered = _ANSWERED.get(status)
        if answered is not None and leg.status != status:
            record_leg_event(uow, answered, actor, request, leg, status, {"why": "withdrawn"})
        tell_owed(uow, actor, request, leg, status, owing, "withdrawn")


def refresh_leg(uow: UnitOfWork, books: LegBooks, request: Row[Any], leg: Row[Any]) -> LegStatus:
    """Write a leg's flags and status anew after its holds changed without an act on it."""
    return change_leg(uow, LegAct.WITHDRAW, books, request, leg)


def oblige(
    uow: UnitOfWork,
    actor: Actor,
    leg: Row[Any],
    holds: Sequence[HoldBalance],
    policies: Policies,
) -> list[HoldBalance]:
    """Take earlier answers back and return the holds of a leg that owe one now.

    The requests that share a hold with the leg's are locked by the caller (`lock_sharing`): where
    one of them was taken back before, an answer that is taken back is owed to it again.
    """
    renewed = [obliged(hold) for hold in holds]
    answered = [hold for hold in holds if hold.kept is not None]
    ledger_store.store_holds(uow.connection, [obliged(hold) for hold in answered])
    owing = settle(uow, renewed, policies, withdrawn=[hold.id for hold in renewed])
    _refresh_sharing(uow, actor, leg, [obliged(hold) for hold in answered])
    return [hold for hold in renewed if owing.get(hold.id)]


def _refresh_sharing(
    uow: UnitOfWork, actor: Actor, leg: Row[Any], holds: Sequence[HoldBalance]
) -> None:
    """Write the partner's other legs anew that share holds whose answer was taken back."""
    sharing: dict[str, list[HoldBalance]] = {}
    for hold in holds:
        for linked in hold_clocks.linked_legs(uow.connection, hold.id):
            if linked.id != leg.id:
                sharing.setdefault(linked.id, []).append(hold)
    for leg_id, shared in sorted(sharing.items()):
        request, other = locked_leg(uow, leg_id)
        if request is None or other is None:
            continue
        status = refresh_leg(uow, load_books(uow, other), request, other)
        owing = [h for h in shared if leg_id in hold_clocks.legs_taking_back(uow.connection, h.id)]
        if not other.owes_answer:
            tell_owed(uow, actor, request, other, status, owing, "withdrawn")


def tell_owed(  # noqa: PLR0913, PLR0917 - what the event is told with
    uow: UnitOfWork,
    actor: Actor,
    request: Row[Any],
    leg: Row[Any],
    status: LegStatus,
    owing: Sequence[HoldBalance],
    why: str,
) -> None:
    """Tell both sides that answers are owed, where any are."""
    if not owing:
        return
    named = owing[:25]
    numbers = hold_clocks.numbers_on_leg(uow.connection, leg.id, [hold.id for hold in named])
    shown = [
        {
            "hold": hold.id,
            "address_no": numbers.get(hold.id, hold.address_no),
            "asset": hold.asset,
            "held": None if hold.withheld else str(hold.held),
        }
        for hold in named
    ]
    data = {"why": why, "hold_count": len(owing), "holds": shown}
    record_leg_event(uow, EventType.ANSWER_OWED, actor, request, leg, status, data)


def named_addresses(request: Row[Any], numbers: Sequence[int] | None) -> dict[str, Any]:
    """Return how an event names addresses (None: all), the first of them where they are many."""
    if numbers is None:
        return {"addresses": "all", "address_count": request.address_count}
    shown: dict[str, Any] = {
        "addresses": list(numbers[:ADDRESSES_IN_EVENT]),
        "address_count": len(numbers),
        "addresses_cut": len(numbers) > ADDRESSES_IN_EVENT,
    }
    if shown["addresses_cut"]:
        shown["href"] = f"/v1/freeze-requests/{request.id}/addresses"
    return shown


def tell_taken_back(  # noqa: PLR0913, PLR0917 - what the event is told with
    uow: UnitOfWork,
    request: Row[Any],
    leg: Row[Any] | store.NewLeg,
    event: EventType,
    status: LegStatus,
    numbers: Sequence[int] | None,
    reason: str | None,
) -> None:
    """Tell a partner that the request ended (numbers None), or which addresses are withdrawn."""
    uow.record(
        event,
        {
            "requester": request.requester,
            "status": status.value,
            **named_addresses(request, numbers),
            "reason": reason,
            "content_sha256": request.content_sha256,
        },
        key=uow.key(request.document_key_id),
        audience=[leg.partner],
        request_id=request.id,
        leg=leg,
        urgency=request.urgency,
    )

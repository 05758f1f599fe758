"""What the end of a request means for its legs: each is told, and those that hold owe an answer."""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from coordinator.domain.freeze_ledger import LegLedger
from coordinator.domain.hold import HoldBalance, obliged
from coordinator.domain.leg import LegAct
from coordinator.services.core.access import locked_leg
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.ledger.obligations import settle
from coordinator.services.requests.legs import change_leg
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.requests import legs as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.vocabulary import EventType, LegStatus

#: What an event names at most; webhook bodies stay under 20 kB, the rest is in the list.
ADDRESSES_IN_EVENT = 500
_HOLDS_IN_EVENT = 25
_ANSWERED = {
    LegStatus.NO_MATCH: EventType.LEG_NO_MATCH,
    LegStatus.DECLINED: EventType.LEG_DECLINED,
}


def all_legs(uow: UnitOfWork, request_id: str) -> list[LegRow]:
    """Return every leg of a request, at most as many as partners can be asked."""
    found: list[LegRow] = []
    while page := store.of_request(uow.connection, request_id, after=found[-1].id if found else ""):
        found.extend(page)
    return found


def end_legs(on: RequestContext, event: EventType, *, reason: str | None) -> None:
    """Tell every leg that the request ended; each open hold owes a release, a return or `kept`."""
    for leg in all_legs(on.uow, on.request.id):
        on_leg = on.on_leg(leg)
        ledger = ledger_store.load_leg(on.uow.connection, leg)
        owing = oblige(on_leg, [h for _, h in ledger.linked() if h.is_open])
        status = change_leg(on_leg, LegAct.WITHDRAW, ledger, ended=True)
        on.tell_partner(leg, event, withdrawal(on.request, None, reason, status))
        if status is LegStatus.WITHDRAWN and leg.status != LegStatus.WITHDRAWN:
            on_leg.record(EventType.LEG_WITHDRAWN, {}, status=status)
        tell_owed(on_leg, status, owing, "withdrawn")


def withdraw_from_legs(on: RequestContext, numbers: Sequence[int], reason: str) -> None:
    """Tell every leg which addresses were withdrawn; what it holds on them owes an answer.

    Nothing else is awaited about these addresses, so the leg may now be answered.
    """
    named = set(numbers)
    for leg in all_legs(on.uow, on.request.id):
        on_leg = on.on_leg(leg)
        ledger = ledger_store.load_leg(on.uow.connection, leg)
        touched = [h for no, h in ledger.linked() if no in named and h.is_open]
        owing = oblige(on_leg, touched)
        status = LegStatus(leg.status)
        if owing or ledger.spoken_for():
            status = recompute_leg(on_leg, ledger)
        told = withdrawal(on.request, numbers, reason, status)
        on.tell_partner(leg, EventType.REQUEST_WITHDRAWN, told)
        answered = _ANSWERED.get(status)
        if answered is not None and leg.status != status:
            on_leg.record(answered, {"why": "withdrawn"}, status=status)
        tell_owed(on_leg, status, owing, "withdrawn")


def recompute_leg(on: LegContext, ledger: LegLedger) -> LegStatus:
    """Update a leg's flags and status after its holds changed without an act on it."""
    return change_leg(on, LegAct.WITHDRAW, ledger)


def oblige(on: LegContext, holds: Sequence[HoldBalance]) -> list[HoldBalance]:
    """Void earlier answers about holds, and return those that owe one now.

    The requests that share a hold with the leg's are locked by the caller (`lock_sharing`): where
    one of them was withdrawn before, a voided answer is owed to it again.
    """
    renewed = [obliged(hold) for hold in holds]
    answered = [hold for hold in holds if hold.kept is not None]
    ledger_store.store_holds(on.uow.connection, [obliged(hold) for hold in answered])
    owing = settle(on.uow, renewed, withdrawn=[hold.id for hold in renewed])
    _recompute_sharing(on, [obliged(hold) for hold in answered])
    return [hold for hold in renewed if owing.get(hold.id)]


def _recompute_sharing(on: LegContext, holds: Sequence[HoldBalance]) -> None:
    """Update the partner's other legs that share holds whose answers were voided."""
    uow = on.uow
    sharing: dict[str, list[HoldBalance]] = {}
    for hold in holds:
        for linked in hold_clocks.linked_legs(uow.connection, hold.id):
            if linked.id != on.leg.id:
                sharing.setdefault(linked.id, []).append(hold)
    for leg_id, shared in sorted(sharing.items()):
        other = locked_leg(uow, on.actor, leg_id)
        if other is None:
            continue
        status = recompute_leg(other, ledger_store.load_leg(uow.connection, other.leg))
        owing = [h for h in shared if leg_id in hold_clocks.withdrawn_legs(uow.connection, h.id)]
        if not other.leg.owes_answer:
            tell_owed(other, status, owing, "withdrawn")


def tell_owed(on: LegContext, status: LegStatus, owing: Sequence[HoldBalance], why: str) -> None:
    """Tell both sides which holds owe an answer, if any do."""
    if not owing:
        return
    named = owing[:_HOLDS_IN_EVENT]
    numbers = hold_clocks.numbers_on_leg(on.uow.connection, on.leg.id, [hold.id for hold in named])
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
    on.record(EventType.ANSWER_OWED, data, status=status)


class NamedAddresses(TypedDict):
    """How an event names addresses.

    Attributes:
        addresses: Of many, the first ones.
        address_count: How many there are.
        addresses_cut: Whether there are more than are named; absent where all are meant.
        href: Where the rest is found.
    """

    addresses: Literal["all"] | Sequence[int]
    address_count: int
    addresses_cut: NotRequired[bool]
    href: NotRequired[str]


class Withdrawn(NamedAddresses):
    """What a partner is told when a request ends or addresses go."""

    reason: str | None
    status: LegStatus


def named_addresses(request: FreezeRequestRow, numbers: Sequence[int] | None) -> NamedAddresses:
    """Return how an event names addresses (None: all); of many, only the first."""
    if numbers is None:
        return {"addresses": "all", "address_count": request.address_count}
    shown: NamedAddresses = {
        "addresses": list(numbers[:ADDRESSES_IN_EVENT]),
        "address_count": len(numbers),
        "addresses_cut": len(numbers) > ADDRESSES_IN_EVENT,
    }
    if shown["addresses_cut"]:
        shown["href"] = f"/v1/freeze-requests/{request.id}/addresses"
    return shown


def withdrawal(
    request: FreezeRequestRow,
    numbers: Sequence[int] | None,
    reason: str | None,
    status: LegStatus,
) -> Withdrawn:
    """Return what a partner is told when a request ends (numbers None) or addresses go.

    Args:
        request: The one that ends, or has fewer addresses now.
        numbers: The addresses that are withdrawn; None for all.
        reason: As the requester states it.
        status: How the partner's leg shows now.
    """
    return {**named_addresses(request, numbers), "reason": reason, "status": status}

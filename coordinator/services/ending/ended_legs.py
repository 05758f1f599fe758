"""What the end of a request means for its legs: each is told, and those that hold owe an answer."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, NotRequired, TypedDict

from coordinator.domain.freeze_ledger import LegLedger
from coordinator.domain.hold import HoldBalance, obliged
from coordinator.domain.leg import LegAct
from coordinator.services.core.access import locked_leg
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.ledger.obligations import settle
from coordinator.services.requests.act_proofs import ActProof
from coordinator.services.requests.left_out import address_counts
from coordinator.services.requests.legs import change_leg
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.vocabulary import EventType, LegStatus, WithdrawalReason

#: What an event names at most; webhook bodies stay under 20 kB, the rest is in the list.
ADDRESSES_IN_EVENT = 500
_HOLDS_IN_EVENT = 25
#: What tells that a leg is answered, with nothing frozen on it.
EVENT_OF_ANSWER: Mapping[LegStatus, EventType] = {
    LegStatus.NO_MATCH: EventType.LEG_NO_MATCH,
    LegStatus.CANNOT_SAY: EventType.LEG_CANNOT_SAY,
    LegStatus.DECLINED: EventType.LEG_DECLINED,
}


class Why(NamedTuple):
    """Why a request ends, or addresses go.

    Attributes:
        text: In the words of whoever ended it; None where nothing was said.
        code: Of a withdrawal; None of what closes.
        evidence: What proves it to those whom it obliges; none of the coordinator's own acts.
    """

    text: str | None
    code: WithdrawalReason | None = None
    evidence: Sequence[ActProof] = ()

    def told(self) -> "ToldReason":
        """Return the members by which events say it."""
        told: ToldReason = {"reason": self.text}
        if self.code is not None:
            told["reason_code"] = self.code
        if self.evidence:
            told["evidence"] = self.evidence
        return told


class ToldReason(TypedDict):
    """Why a request ends, or addresses go, as an event says it.

    `evidence_cut`: there is no room for the acts behind it, and `href` is where they are read.
    """

    reason: str | None
    reason_code: NotRequired[WithdrawalReason]
    evidence: NotRequired[Sequence[ActProof]]
    evidence_cut: NotRequired[bool]


def all_legs(uow: UnitOfWork, request_id: str) -> list[LegRow]:
    """Return every leg of a request, at most as many as partners can be asked."""
    found: list[LegRow] = []
    while page := store.of_request(uow.connection, request_id, after=found[-1].id if found else ""):
        found.extend(page)
    return found


def end_legs(on: RequestContext, event: EventType, why: Why) -> None:
    """Tell every leg that the request ended; each open hold owes a release, a return or `kept`."""
    for leg in all_legs(on.uow, on.request.id):
        on_leg = on.on_leg(leg)
        ledger = ledger_store.load_leg(on.uow.connection, leg)
        owing = oblige(on_leg, [h for _, h in ledger.linked() if h.is_open])
        status = change_leg(on_leg, LegAct.WITHDRAW, ledger, ended=True)
        told: Withdrawn = {**all_addresses(on.request, leg), **why.told(), "status": status}
        on.tell_partner(leg, event, told)
        if status is LegStatus.WITHDRAWN and leg.status != LegStatus.WITHDRAWN:
            on_leg.record(EventType.LEG_WITHDRAWN, {}, status=status)
        tell_owed(on_leg, status, owing, "withdrawn")


def withdraw_from_legs(on: RequestContext, numbers: Sequence[int], why: Why) -> None:
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
        told = withdrawal(on, numbers, why, status)
        on.tell_partner(leg, EventType.REQUEST_WITHDRAWN, told)
        answered = EVENT_OF_ANSWER.get(status)
        if answered is not None and leg.status != status:
            on_leg.record(answered, {"why": "withdrawn"}, status=status)
        tell_owed(on_leg, status, owing, "withdrawn")


def recompute_leg(on: LegContext, ledger: LegLedger) -> LegStatus:
    """Update a leg's flags and status after its holds changed without an act on it."""
    return change_leg(on, LegAct.WITHDRAW, ledger)


def free_of_owing(on: LegContext) -> LegStatus:
    """Settle what a leg owed for having frozen while its request was unratified, now it is not."""
    if not on.leg.owes_answer:
        return LegStatus(on.leg.status)
    ledger = ledger_store.load_leg(on.uow.connection, on.leg)
    holds = [hold for _, hold in ledger.linked() if hold.is_open]
    settle(on.uow, holds, unlinked=[hold.id for hold in holds])
    return recompute_leg(on, ledger)


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
    data: dict[str, object] = {
        "why": why,
        "hold_count": len(owing),
        "holds": shown,
        "holds_cut": len(owing) > len(shown),
    }
    if data["holds_cut"]:
        data["href"] = on.uow.link(f"/v1/freeze-requests/{on.request.id}/holds")
    reasons = request_store.withdrawal_reasons(on.uow.connection, [on.request.id])
    if why == "withdrawn" and on.request.id in reasons:
        data["reason_code"] = reasons[on.request.id]
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


class Withdrawn(NamedAddresses, ToldReason):
    """What a partner is told when a request ends or addresses go."""

    status: LegStatus


def all_addresses(request: FreezeRequestRow, leg: LegRow) -> NamedAddresses:
    """Return how an event names all addresses that the partner of a leg was asked about."""
    return {"addresses": "all", "address_count": address_counts(request, leg)[0]}


def named_addresses(on: RequestContext, numbers: Sequence[int] | None) -> NamedAddresses:
    """Return how an event names addresses (None: all that went out); of many, only the first."""
    request = on.request
    if numbers is None:
        count = request.address_count - request.left_out_count
        return {"addresses": "all", "address_count": count}
    shown: NamedAddresses = {
        "addresses": list(numbers[:ADDRESSES_IN_EVENT]),
        "address_count": len(numbers),
        "addresses_cut": len(numbers) > ADDRESSES_IN_EVENT,
    }
    if shown["addresses_cut"]:
        shown["href"] = on.uow.link(f"/v1/freeze-requests/{request.id}/addresses")
    return shown


def withdrawal(
    on: RequestContext, numbers: Sequence[int], why: Why, status: LegStatus
) -> Withdrawn:
    """Return what a partner is told when addresses go.

    Args:
        on: The request that has fewer addresses now.
        numbers: The addresses that are withdrawn.
        why: As the requester states it.
        status: How the partner's leg shows now.
    """
    return {**named_addresses(on, numbers), **why.told(), "status": status}

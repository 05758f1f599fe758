"""Flash requests that nobody ratified in time: nobody freezes more on them, and nothing is let go.

A missed ratification must not free the thief. The request stays, unratified, and a lead may still
ratify it; only after that time it withdraws itself.
"""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import Why, all_legs, free_of_owing
from coordinator.services.ending.withdrawals import withdraw_all
from coordinator.services.requests.answer_clocks import turn_clocks
from coordinator.services.requests.notices import approvals_shown
from coordinator.storage.requests import freeze_requests as store
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EventType, WithdrawalReason

#: What the partners asked are told while nobody's approval stands behind a request.
ADVICE = "freeze nothing new, release nothing yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissRatification:
    """Nobody ratified a flash request in time."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawUnratified:
    """Nobody ratified it after that, either: it withdraws itself."""

    request_id: str


@handles(MissRatification, needs=Permission.TIMER_FIRE)
def miss(command: MissRatification, actor: Actor, uow: UnitOfWork) -> Answer:
    """Mark a flash request as unratified; does nothing where somebody was quicker."""
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or not row.provisional or row.ratify_by is None or row.ratify_by > uow.now:
        return Answer(200, {"status": "unchanged"})
    return make_unratified(
        RequestContext(uow, actor, row), NewAct("unratify"), why="nobody ratified it in time"
    )


@handles(WithdrawUnratified, needs=Permission.TIMER_FIRE)
def lapse(command: WithdrawUnratified, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw an unratified request; does nothing where somebody was quicker."""
    store.lock_sharing(uow.connection, command.request_id)
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or row.unratified_until is None or row.unratified_until > uow.now:
        return Answer(200, {"status": "unchanged"})
    on = RequestContext(uow, actor, row)
    why = Why("nobody ratified it in time", WithdrawalReason.NOT_RATIFIED)
    return withdraw_all(on, Action.EXPIRE, NewAct("lapse"), why)


def make_unratified(on: RequestContext, act: NewAct, *, why: str) -> Answer:
    """Mark a provisional request as unratified, and tell its requester and the partners asked.

    Holds stand and nobody owes an answer; nothing new is frozen on it.

    Args:
        on: The request, locked.
        act: The coordinator's own.
        why: For people.
    """
    uow = on.uow
    until = uow.now + uow.policies.unratified_for
    changed = on.move(
        on.after(Action.MISS_RATIFICATION), unratified_at=uow.now, unratified_until=until
    )
    told: dict[str, object] = {"unratified_until": format_time(until), "reason": why}
    _, recorded = changed.act(act, EventType.REQUEST_UNRATIFIED, told)
    legs = all_legs(uow, on.request.id)
    turn_clocks(changed, legs)
    for leg in legs:
        data = {**told, "advice": ADVICE, "status": leg.status}
        changed.tell_partner(leg, EventType.REQUEST_UNRATIFIED, data)
    return Answer(200, {"status": changed.request.status}, entry=recorded)


def stand_behind(on: RequestContext) -> None:
    """Take a request that was unratified for ratified: `on` has it as it is now.

    The partners asked may freeze on it again, so they are told, with the proof. Their clocks go on,
    and what they froze meanwhile owes no answer for that any more.
    """
    approvals = approvals_shown(on.uow, on.request)
    turn_clocks(on, all_legs(on.uow, on.request.id))
    for leg in all_legs(on.uow, on.request.id):
        status = free_of_owing(on.on_leg(leg))
        data = {"status": status, "approvals": approvals}
        on.tell_partner(leg, EventType.REQUEST_RATIFIED, data)

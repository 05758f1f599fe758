"""What is owed about holds: an answer after a withdrawal or a lapse; and when to remind of it.

Each hold has its own obligation. It is met once nothing is held, by a `kept` line, or, if the hold
only lapsed, by an extension.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from coordinator.domain.deadline import Policies
from coordinator.domain.hold import HoldBalance, next_warning, owes_answer
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.ledger.hold_clocks import Obligation


def next_clock(hold: HoldBalance, now: datetime, policies: Policies) -> datetime | None:
    """Return when a hold's next warning, its end or its review is due; None: no clock runs."""
    if not hold.is_open or hold.lapsed:
        return None
    end = _next_of_end(hold, now, policies)
    if hold.review_at is None or hold.review_at <= now:
        return end
    return hold.review_at if end is None else min(end, hold.review_at)


def _next_of_end(hold: HoldBalance, now: datetime, policies: Policies) -> datetime | None:
    warning = next_warning(hold, now=now, warn_before=policies.warn_before)
    if warning is not None:
        return warning
    if hold.hold_expires_at > now:
        return hold.hold_expires_at
    # A review date only reminds, once.
    return None if hold.has_review_date else hold.hold_expires_at


def settle(
    uow: UnitOfWork,
    holds: Iterable[HoldBalance],
    *,
    withdrawn: Iterable[str] = (),
    unlinked: Iterable[str] = (),
    rang: bool = False,
) -> dict[str, bool]:
    """Bring obligations and clocks of `holds` up to date; returns which of them owe an answer now.

    A clock that is due and did not ring yet stays due: nobody's act makes a reminder fall silent.

    Args:
        uow: The transaction under way.
        holds: As they stand after the act.
        withdrawn: Ids of holds whose address or request is withdrawn by this very act.
        unlinked: Ids of holds that this act keeps for another request: what was owed for the one
            that they leave is met.
        rang: Whether what is due of their clocks is told by this very act.
    """
    now_withdrawn = set(withdrawn)
    left = sorted(unlinked)
    freed = set(left) - hold_clocks.withdrawn_holds(uow.connection, left)
    balances = {hold.id: hold for hold in holds}
    if not balances:
        return {}
    owing: dict[str, bool] = {}
    changes: dict[str, Obligation] = {}
    for hold_id, before in hold_clocks.obligations(uow.connection, sorted(balances)).items():
        withdrawn_at = before.withdrawn_at or (uow.now if hold_id in now_withdrawn else None)
        if hold_id in freed:
            withdrawn_at = None
        hold = balances[hold_id]
        owed = _obligation(before, hold, withdrawn_at, uow.now, uow.policies)
        if not rang and owed.next_clock_at != before.next_clock_at:
            owed = _keep_due(before, owed, hold, uow.now)
        owing[hold_id] = owed.owed_since is not None
        if owed != before:
            changes[hold_id] = owed
    hold_clocks.set_obligations(uow.connection, changes)
    return owing


def first_obligations(
    uow: UnitOfWork, holds: Iterable[HoldBalance], *, withdrawn: Collection[str]
) -> dict[str, Obligation]:
    """Return by id what is owed about holds that an act opens, to be stored with them.

    Args:
        uow: The transaction under way.
        holds: The new ones.
        withdrawn: Ids of those whose address or request was withdrawn before.
    """
    known: dict[tuple[object, ...], Obligation] = {}
    owed: dict[str, Obligation] = {}
    for hold in holds:
        withdrawn_at = uow.now if hold.id in withdrawn else None
        # Thousands come with one report, and most are alike in all that counts here.
        alike = (
            *(hold.is_open, hold.lapsed, hold.kept, hold.has_review_date),
            *(hold.hold_expires_at, hold.review_at, withdrawn_at),
        )
        found = known.get(alike)
        if found is None:
            found = _obligation(Obligation(), hold, withdrawn_at, uow.now, uow.policies)
            if hold.is_open and hold.has_review_date and hold.hold_expires_at <= uow.now:
                # Its review is past as the freeze is reported: somebody is to look at it now.
                found = found._replace(next_clock_at=hold.hold_expires_at)
            known[alike] = found
        owed[hold.id] = found
    return owed


def _keep_due(before: Obligation, owed: Obligation, hold: HoldBalance, now: datetime) -> Obligation:
    due = before.next_clock_at
    if due is None or due > now or not hold.is_open or hold.lapsed:
        return owed
    return owed._replace(next_clock_at=due)


def _obligation(
    before: Obligation,
    hold: HoldBalance,
    withdrawn_at: datetime | None,
    now: datetime,
    policies: Policies,
) -> Obligation:
    owes = owes_answer(hold, withdrawn=withdrawn_at is not None)
    return Obligation(
        withdrawn_at=withdrawn_at,
        owed_since=(before.owed_since or now) if owes else None,
        next_reminder_at=_reminder(before, now, policies) if owes else None,
        next_clock_at=next_clock(hold, now, policies),
    )


def _reminder(before: Obligation, now: datetime, policies: Policies) -> datetime:
    due = before.next_reminder_at
    return due if due is not None and due > now else now + policies.remind_owed

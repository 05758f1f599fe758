"""What waits for people and systems: which right doing it takes, and what it is urgent for.

A caller is shown what it may do, and nothing else: who only reads has no tasks, and who had a hand
in what is to be decided is not asked to decide (`storage.reading.waiting_tasks`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.permission import Permission, permissions_of
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.vocabulary import Urgency

#: What doing a task takes; whoever may not do it neither sees it nor can have it.
NEEDS: Mapping[TaskKind, Permission] = MappingProxyType(
    {
        TaskKind.APPROVE: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.RATIFY: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_ADDITION: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_WITHDRAWAL: Permission.FREEZE_REQUEST_WITHDRAW,
        TaskKind.REPLY: Permission.INFO_REQUEST_ANSWER,
        TaskKind.RESOLVE: Permission.DISPUTE_RESOLVE,
        TaskKind.WITHDRAW: Permission.FREEZE_REQUEST_WITHDRAW,
        TaskKind.ACKNOWLEDGE: Permission.LEG_ACKNOWLEDGE,
        TaskKind.ANSWER: Permission.LEG_REPORT,
        TaskKind.SETTLE: Permission.HOLD_KEEP,
        TaskKind.HOLD_ENDS: Permission.HOLD_EXTEND,
        TaskKind.REVIEW_ACCOUNT: Permission.HOLD_EXTEND,
        TaskKind.ANSWER_EXTENSION: Permission.HOLD_EXTEND,
        TaskKind.CONSIDER_RELEASE: Permission.HOLD_RELEASE,
        TaskKind.REACH_PARTNER: Permission.FREEZE_REQUEST_SUBMIT,
        TaskKind.DECIDE_GRANT: Permission.GRANT_APPROVE,
        TaskKind.CHECK_ROOT_RESET: Permission.REVOCATION_MAKE,
        TaskKind.DECIDE_RETURN: Permission.RETURN_APPROVE,
        TaskKind.ANSWER_RETURN: Permission.RETURN_ANSWER,
        TaskKind.CONFIRM_RETURN: Permission.RETURN_CONFIRM,
        TaskKind.DECIDE_DESTINATION: Permission.DESTINATION_APPROVE,
        TaskKind.MEND_ENDPOINT: Permission.WEBHOOK_ENDPOINT_CHANGE,
    }
)
#: Within so long something ends today.
_TODAY = timedelta(days=1)
_MONEY = frozenset(
    {
        TaskKind.APPROVE,
        TaskKind.RATIFY,
        TaskKind.DECIDE_ADDITION,
        TaskKind.REPLY,
        TaskKind.ACKNOWLEDGE,
        TaskKind.ANSWER,
        TaskKind.REACH_PARTNER,
    }
)
_WRONGLY_FROZEN = frozenset(
    {
        TaskKind.RESOLVE,
        TaskKind.WITHDRAW,
        TaskKind.DECIDE_WITHDRAWAL,
        TaskKind.SETTLE,
        TaskKind.REVIEW_ACCOUNT,
        TaskKind.CONSIDER_RELEASE,
    }
)


def strip_of(
    kind: TaskKind, urgency: Urgency | None, *, due_at: datetime | None, now: datetime
) -> Strip:
    """Return what a task is urgent for.

    Money can leave while a flash or urgent request is not out, not read or not answered, and while
    no notice arrives at all; of a routine request its deadline says how soon somebody looks.

    Args:
        kind: Of the task.
        urgency: Of its request; None where it is about none.
        due_at: Its deadline; None where no clock runs.
        now: The present moment.
    """
    if kind is TaskKind.MEND_ENDPOINT or (kind in _MONEY and urgency is not Urgency.ROUTINE):
        return Strip.CAN_LEAVE
    if kind in _WRONGLY_FROZEN:
        return Strip.WRONGLY_FROZEN
    return Strip.TODAY if due_at is not None and due_at <= now + _TODAY else Strip.REST


def kinds_for(actor: Actor) -> frozenset[TaskKind]:
    """Return which tasks an actor may do; a telephone call takes a person."""
    may = permissions_of(actor)
    kinds = {kind for kind, needs in NEEDS.items() if needs in may}
    if actor.kind is not ActorKind.PERSON:
        kinds.discard(TaskKind.REACH_PARTNER)
    return frozenset(kinds)

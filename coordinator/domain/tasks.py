"""What waits for people: which right doing it takes, who is shown it, and how urgent it is.

A role is shown what it may do. Whoever submitted or proposed something is shown that it waits, with
the reason why somebody else decides; and who only reads is shown whatever it may read.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.permission import GRANTS, Permission, is_allowed
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.vocabulary import Role, Urgency

#: What doing a task takes; whoever may not do it cannot have it.
NEEDS: Mapping[TaskKind, Permission] = MappingProxyType(
    {
        TaskKind.APPROVE: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.RATIFY: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_ADDITION: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_WITHDRAWAL: Permission.FREEZE_REQUEST_WITHDRAW,
        TaskKind.REPLY: Permission.INFO_REQUEST_ANSWER,
        TaskKind.RESOLVE: Permission.DISPUTE_RESOLVE,
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
        TaskKind.MEND_ENDPOINT: Permission.WEBHOOK_ENDPOINT_CHANGE,
    }
)
#: What two pairs of eyes decide on, or a person for the organisation: never a machine.
DECISIONS = frozenset(
    {
        TaskKind.APPROVE,
        TaskKind.RATIFY,
        TaskKind.DECIDE_ADDITION,
        TaskKind.DECIDE_WITHDRAWAL,
        TaskKind.DECIDE_GRANT,
    }
)
#: What takes reading something that not everybody in the organisation reads.
_READING: Mapping[TaskKind, Permission] = MappingProxyType(
    {
        TaskKind.DECIDE_GRANT: Permission.GRANT_APPROVE,
        TaskKind.MEND_ENDPOINT: Permission.WEBHOOK_ENDPOINT_READ,
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
        TaskKind.DECIDE_WITHDRAWAL,
        TaskKind.SETTLE,
        TaskKind.REVIEW_ACCOUNT,
        TaskKind.CONSIDER_RELEASE,
    }
)


def strip_of(
    kind: TaskKind, urgency: Urgency | None, *, until: datetime | None, now: datetime
) -> Strip:
    """Return what a task is urgent for.

    Money can leave while a flash or urgent request is not out, not read or not answered, and while
    no notice arrives at all; of a routine request its deadline says how soon somebody looks.

    Args:
        kind: Of the task.
        urgency: Of its request; None where it is about none.
        until: Its deadline; None where no clock runs.
        now: The present moment.
    """
    if kind is TaskKind.MEND_ENDPOINT or (kind in _MONEY and urgency is not Urgency.ROUTINE):
        return Strip.CAN_LEAVE
    if kind in _WRONGLY_FROZEN:
        return Strip.WRONGLY_FROZEN
    return Strip.TODAY if until is not None and until <= now + _TODAY else Strip.REST


def shown_to(actor: Actor) -> Mapping[TaskKind, str | None]:
    """Return which tasks an actor is shown.

    All of a kind (None), or of a decision those in which the person named had a hand.
    """
    reads = actor.kind is ActorKind.PERSON and Role.AUDITOR in actor.roles
    shown: dict[TaskKind, str | None] = {}
    for kind, needs in NEEDS.items():
        may_read = kind not in _READING or is_allowed(_READING[kind], actor)
        if may_read and (reads or is_allowed(needs, actor)):
            shown[kind] = None
        elif may_read and kind in DECISIONS:
            shown[kind] = actor.person
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Who had a hand in what is to be decided.

    Attributes:
        person: Who submitted or proposed it; None of what is no decision.
        subject: The same, or that person's system.
        key_proposer: Who proposed the grant of the key that it was signed with.
        gains: Whom a proposed grant gives something.
        has_decided: The actor that is asked about has decided on it already.
    """

    person: str | None = None
    subject: str | None = None
    key_proposer: str | None = None
    gains: Collection[str | None] = ()
    has_decided: bool = False


def why_not(kind: TaskKind, actor: Actor, hands: Hands) -> str | None:
    """Return why an actor may not do a task that is there, in a sentence; None: it may."""
    hand = _hand_in(kind, actor, hands) if kind in DECISIONS else None
    if hand is not None:
        return f"{hand}; another security lead decides"
    if not is_allowed(NEEDS[kind], actor):
        return f"This takes {_roles_that_may(kind)}"
    if actor.kind is not ActorKind.PERSON and kind in {*DECISIONS, TaskKind.REACH_PARTNER}:
        return "This takes a person"
    return None


def _hand_in(kind: TaskKind, actor: Actor, hands: Hands) -> str | None:
    if actor.person == hands.person:
        verb = "submitted" if kind in {TaskKind.APPROVE, TaskKind.RATIFY} else "proposed"
        is_own = hands.subject in {hands.person, actor.subject}
        return f"You {verb} this" if is_own else f"A system of yours {verb} this"
    if actor.person == hands.key_proposer:
        return "A grant of yours made the key that signed this"
    if actor.person in hands.gains:
        return "You would gain from this grant"
    return "You have decided on this" if hands.has_decided else None


def _roles_that_may(kind: TaskKind) -> str:
    names = {Role.SECURITY_LEAD: "a security lead", Role.COMPLIANCE: "compliance"}
    may = [role for role in Role if NEEDS[kind] in GRANTS[role] and role is not Role.SYSTEM]
    words = [names.get(role, f"an {role.value}") for role in may]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

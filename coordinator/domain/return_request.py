"""The life of a return request: one table, and what may be accepted and sent on it.

Source: docs/restitution.md. Nothing is promised twice: what was accepted on one return request and
not sent yet is not there for another.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import ReturnStatus


class ReturnAction(StrEnum):
    """What can happen to a return request."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"  # nobody approved it in time
    ACCEPT = "accept"  # all of it
    ACCEPT_PART = "accept_part"
    REFUSE = "refuse"
    SEND = "send"  # a returned line names it
    SUSPEND = "suspend"  # a claim or a dispute stands in the way
    LIFT = "lift"  # nothing does any more
    PREVAIL = "prevail"  # what stands in the way prevails
    REVOKE = "revoke"  # by the requester, while nothing is sent
    RECEIVE = "receive"
    MISS = "miss"  # what was sent did not arrive


_S, _A = ReturnStatus, ReturnAction
#: (status, action) -> status; None: as before it was suspended. What is not here is refused.
TRANSITIONS: Mapping[tuple[ReturnStatus, ReturnAction], ReturnStatus | None] = MappingProxyType(
    {
        (_S.SUBMITTED, _A.APPROVE): _S.OPEN,
        (_S.SUBMITTED, _A.REJECT): _S.REJECTED,
        (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SUBMITTED, _A.EXPIRE): _S.EXPIRED,
        (_S.OPEN, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.OPEN, _A.ACCEPT): _S.ACCEPTED,
        (_S.OPEN, _A.ACCEPT_PART): _S.PARTIAL,
        (_S.OPEN, _A.REFUSE): _S.REFUSED,
        (_S.ACCEPTED, _A.SEND): _S.ACCEPTED,
        (_S.ACCEPTED, _A.SUSPEND): _S.SUSPENDED,
        (_S.ACCEPTED, _A.REVOKE): _S.REVOKED,
        (_S.ACCEPTED, _A.RECEIVE): _S.SETTLED,
        (_S.ACCEPTED, _A.MISS): _S.CONTESTED,
        (_S.PARTIAL, _A.SEND): _S.PARTIAL,
        (_S.PARTIAL, _A.SUSPEND): _S.SUSPENDED,
        (_S.PARTIAL, _A.REVOKE): _S.REVOKED,
        (_S.PARTIAL, _A.RECEIVE): _S.SETTLED,
        (_S.PARTIAL, _A.MISS): _S.CONTESTED,
        # What was sent all the same is told, and does not lift anything.
        (_S.SUSPENDED, _A.SEND): _S.SUSPENDED,
        (_S.SUSPENDED, _A.LIFT): None,
        (_S.SUSPENDED, _A.PREVAIL): _S.REFUSED,
        (_S.CONTESTED, _A.SEND): _S.CONTESTED,
        (_S.CONTESTED, _A.RECEIVE): _S.SETTLED,
    }
)
#: What is accepted, and may still be sent.
PROMISED = frozenset({_S.ACCEPTED, _S.PARTIAL, _S.SUSPENDED, _S.CONTESTED})
#: What nobody does anything about any more.
ENDED = frozenset({_S.REJECTED, _S.WITHDRAWN, _S.EXPIRED, _S.REFUSED, _S.REVOKED, _S.SETTLED})


def next_status(
    status: ReturnStatus, action: ReturnAction, *, before: ReturnStatus | None = None
) -> ReturnStatus:
    """Return the status after an action.

    Args:
        status: As it is.
        action: What happens.
        before: Of a suspended one: what it was before.

    Raises:
        InvalidTransitionError: If a return request as it is does not take it.
    """
    if (status, action) not in TRANSITIONS:
        takes = sorted({each.value for at, each in TRANSITIONS if at is status})
        what = f"it takes: {', '.join(takes)}" if takes else "nothing more happens to it"
        raise InvalidTransitionError(
            f"the return request is {status.value}: {what}",
            code="return_status",
            current_status=status.value,
        )
    after = TRANSITIONS[status, action] or before
    if after is None:
        raise ValueError("what is suspended was something before")
    return after


class Asked(NamedTuple):
    """How much is asked back.

    Attributes:
        amount: Base units over all holds; None: all that is held.
        holds: The holds that it is asked of, as they stand now, by id.
    """

    amount: int | None
    holds: Mapping[str, "Free"]


class Free(NamedTuple):
    """What there is of one hold.

    Attributes:
        held: Base units; None: the amount is withheld.
        promised: Of that, what other return requests were promised and is not sent yet.
    """

    held: int | None
    promised: int


class Fault(NamedTuple):
    """What is wrong with one part of an answer: its place, which member, a code and a sentence."""

    place: int
    member: str
    code: str
    detail: str


def faults_of(parts: Collection[tuple[str, int | None]], asked: Asked) -> list[Fault]:
    """Return what keeps parts from being accepted, each as (hold, amount)."""
    found = []
    for place, (hold, amount) in enumerate(parts):
        free = asked.holds.get(hold)
        if free is None:
            detail = "is no hold that it is asked of and that you hold something on"
            found.append(Fault(place, "hold", "no_such_hold", detail))
        elif free.held is None and amount is not None:
            detail = "must be null: the amount of this hold is withheld"
            found.append(Fault(place, "amount", "withheld", detail))
        elif free.held is not None and amount is None:
            detail = "is needed: the amount of this hold is told"
            found.append(Fault(place, "amount", "amount_missing", detail))
        elif amount == 0:
            found.append(Fault(place, "amount", "zero_amount", "must be at least 1"))
        elif free.held is not None and amount is not None and amount > free.held - free.promised:
            promised = f", of which {free.promised} is promised already" if free.promised else ""
            detail = f"is more than there is: {free.held} is held{promised}"
            found.append(Fault(place, "amount", "beyond_held", detail))
    return found


def accepted_sum(parts: Iterable[tuple[str, int | None]]) -> int:
    """Return how much parts come to, in base units; withheld ones count nothing."""
    return sum(amount or 0 for _, amount in parts)


def is_all(parts: Collection[tuple[str, int | None]], asked: Asked) -> bool:
    """Tell whether parts are all that is asked."""
    if asked.amount is not None:
        return accepted_sum(parts) == asked.amount and all(each is not None for _, each in parts)
    said = dict(parts)
    return said.keys() == asked.holds.keys() and all(
        said[hold] == free.held for hold, free in asked.holds.items()
    )

"""What may become of a claim on recovered funds: one table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import ClaimStatus


class ClaimAct(StrEnum):
    """What is done with a claim."""

    VERIFY = "verify"
    REJECT = "reject"
    OBJECT = "object"
    ALLOCATE = "allocate"
    PAY = "pay"
    FAIL = "fail"


_S, _A = ClaimStatus, ClaimAct
#: Whatever is not here is refused.
TRANSITIONS: Mapping[tuple[ClaimStatus, ClaimAct], ClaimStatus] = MappingProxyType(
    {
        (_S.RECEIVED, _A.VERIFY): _S.VERIFIED,
        (_S.RECEIVED, _A.REJECT): _S.REJECTED,
        (_S.VERIFIED, _A.REJECT): _S.REJECTED,
        (_S.VERIFIED, _A.OBJECT): _S.OBJECTION,
        (_S.REJECTED, _A.OBJECT): _S.OBJECTION,
        (_S.OBJECTION, _A.VERIFY): _S.VERIFIED,
        (_S.VERIFIED, _A.ALLOCATE): _S.ALLOCATED,
        # A later pool, or a payout of a part while another is due.
        (_S.ALLOCATED, _A.ALLOCATE): _S.ALLOCATED,
        (_S.PAID, _A.ALLOCATE): _S.ALLOCATED,
        (_S.FAILED, _A.ALLOCATE): _S.ALLOCATED,
        (_S.ALLOCATED, _A.PAY): _S.PAID,
        (_S.FAILED, _A.PAY): _S.PAID,
        (_S.ALLOCATED, _A.FAIL): _S.FAILED,
        (_S.FAILED, _A.FAIL): _S.FAILED,
        (_S.OBJECTION, _A.REJECT): _S.REJECTED,
    }
)
#: Somebody has yet to decide.
UNDECIDED = frozenset({ClaimStatus.RECEIVED, ClaimStatus.OBJECTION})
#: It counts: another claim of the same loss is a double of it.
COUNTING = frozenset({_S.VERIFIED, _S.ALLOCATED, _S.PAID, _S.FAILED})


#: Money is, or may be, paid on it.
PAYABLE = COUNTING | UNDECIDED


def next_status(current: ClaimStatus, act: ClaimAct) -> ClaimStatus:
    """Return the status after an act.

    Raises:
        InvalidTransitionError: If a claim as it stands does not take it.
    """
    after = TRANSITIONS.get((current, act))
    if after is None:
        raise InvalidTransitionError(
            f"a claim that is {current.value} takes no {act.value}", current_status=current.value
        )
    return after


def takes(current: ClaimStatus, act: ClaimAct) -> bool:
    """Tell whether a claim takes an act as it stands."""
    return (current, act) in TRANSITIONS

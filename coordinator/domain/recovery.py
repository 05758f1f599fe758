"""Deposits that went to the wrong place: who may do what with one, and what it may cost.

Two tables: of the request, which is one signed document and goes out once, and of each deposit in
it. What is not in them is refused. Source: docs/recovery.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from holdfast.protocol.vocabulary import DepositStatus, RecoveryStatus


class RequestAct(StrEnum):
    """What can happen to a recovery request as a whole."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    SPEAK = "speak"  # either side, of deposits


class DepositAct(StrEnum):
    """What can happen to one deposit of it; the lines of answers and replies by their kinds."""

    FIND = "found"
    MISS = "not_found"
    NEED = "needs"
    DECLINE = "declined"
    RETURN = "returned"
    SUPPLY = "supplied"
    CONFIRM = "confirmed"
    CONTEST = "not_received"
    WITHDRAW = "withdrawn"


class Awaits(StrEnum):
    """Whose turn it is."""

    PARTNER = "partner"
    REQUESTER = "requester"


_R, _D, _A = RecoveryStatus, DepositStatus, DepositAct

REQUEST_TRANSITIONS: Mapping[tuple[RecoveryStatus, RequestAct], RecoveryStatus] = MappingProxyType(
    {
        (_R.SUBMITTED, RequestAct.APPROVE): _R.OPEN,
        (_R.SUBMITTED, RequestAct.REJECT): _R.REJECTED,
        (_R.SUBMITTED, RequestAct.WITHDRAW): _R.WITHDRAWN,
        (_R.SUBMITTED, RequestAct.EXPIRE): _R.EXPIRED,
        (_R.OPEN, RequestAct.SPEAK): _R.OPEN,
    }
)

DEPOSIT_TRANSITIONS: Mapping[tuple[DepositStatus, DepositAct], DepositStatus] = MappingProxyType(
    {
        (_D.OPEN, _A.FIND): _D.FOUND,
        (_D.OPEN, _A.MISS): _D.NOT_FOUND,
        (_D.OPEN, _A.NEED): _D.NEEDS,
        (_D.OPEN, _A.DECLINE): _D.DECLINED,
        (_D.OPEN, _A.WITHDRAW): _D.WITHDRAWN,
        (_D.NEEDS, _A.FIND): _D.FOUND,
        (_D.NEEDS, _A.MISS): _D.NOT_FOUND,
        (_D.NEEDS, _A.NEED): _D.NEEDS,
        (_D.NEEDS, _A.DECLINE): _D.DECLINED,
        (_D.NEEDS, _A.SUPPLY): _D.OPEN,
        (_D.NEEDS, _A.WITHDRAW): _D.WITHDRAWN,
        (_D.FOUND, _A.NEED): _D.NEEDS,
        (_D.FOUND, _A.DECLINE): _D.DECLINED,
        (_D.FOUND, _A.RETURN): _D.RETURNED,
        (_D.FOUND, _A.WITHDRAW): _D.WITHDRAWN,
        # Somebody looked again, or has more to show.
        (_D.NOT_FOUND, _A.FIND): _D.FOUND,
        (_D.NOT_FOUND, _A.SUPPLY): _D.OPEN,
        (_D.NOT_FOUND, _A.WITHDRAW): _D.WITHDRAWN,
        (_D.DECLINED, _A.FIND): _D.FOUND,
        (_D.DECLINED, _A.SUPPLY): _D.OPEN,
        (_D.DECLINED, _A.WITHDRAW): _D.WITHDRAWN,
        (_D.RETURNED, _A.CONFIRM): _D.CONFIRMED,
        (_D.RETURNED, _A.CONTEST): _D.CONTESTED,
        (_D.CONTESTED, _A.CONFIRM): _D.CONFIRMED,
        (_D.CONTESTED, _A.RETURN): _D.RETURNED,
    }
)

#: What the partner asked does; all else is the requester's.
PARTNERS_ACTS = frozenset({_A.FIND, _A.MISS, _A.NEED, _A.DECLINE, _A.RETURN})
#: Whose turn it is; nobody's in states that are not here.
AWAITED: Mapping[DepositStatus, Awaits] = MappingProxyType(
    {
        _D.OPEN: Awaits.PARTNER,
        _D.FOUND: Awaits.PARTNER,
        _D.CONTESTED: Awaits.PARTNER,
        _D.NEEDS: Awaits.REQUESTER,
        _D.RETURNED: Awaits.REQUESTER,
    }
)
#: A deposit in one of these has been given back, or is said to have been.
GIVEN_BACK = frozenset({_D.RETURNED, _D.CONTESTED, _D.CONFIRMED})


@dataclass(frozen=True, slots=True)
class RecoveryClocks:
    """How long either side has; data of the policies."""

    approve_within: timedelta
    answer_within: timedelta
    reply_within: timedelta
    return_within: timedelta
    confirm_within: timedelta

    def due_at(self, status: DepositStatus, now: datetime) -> datetime | None:
        """Return until when whose turn it is should have acted on a deposit that came to be so."""
        match status:
            case DepositStatus.OPEN | DepositStatus.CONTESTED:
                return now + self.answer_within
            case DepositStatus.FOUND:
                return now + self.return_within
            case DepositStatus.NEEDS:
                return now + self.reply_within
            case DepositStatus.RETURNED:
                return now + self.confirm_within
            case _:
                return None


def next_request_status(current: RecoveryStatus, act: RequestAct) -> RecoveryStatus:
    """Return the status of a request after an act.

    Raises:
        InvalidTransitionError: If it does not take it.
    """
    after = REQUEST_TRANSITIONS.get((current, act))
    if after is None:
        raise InvalidTransitionError(
            f"a recovery request that is {current.value} takes no {act.value}",
            current_status=current.value,
        )
    return after


def next_deposit_status(no: int, current: DepositStatus, act: DepositAct) -> DepositStatus:
    """Return the status of a deposit after an act.

    Raises:
        InvalidTransitionError: If it does not take it; names the deposit.
    """
    after = DEPOSIT_TRANSITIONS.get((current, act))
    if after is None:
        raise InvalidTransitionError(
            f"deposit {no} is {current.value.replace('_', ' ')}: it takes no"
            f" {act.value.replace('_', ' ')}",
            current_status=current.value,
        )
    return after


def require_fee_within(no: int, fee: int, *, accepted: int, stated: int | None) -> None:
    """Refuse a fee above what the requester accepts, or above what was stated before.

    Raises:
        ConflictError: `fee_above_accepted`, `fee_raised`.
    """
    if fee > accepted:
        raise ConflictError(
            f"deposit {no}: the requester accepts a fee of {accepted} at most; say `needs` with"
            " `higher_fee`, or decline it as `uneconomic`",
            code="fee_above_accepted",
        )
    if stated is not None and fee > stated:
        raise ConflictError(
            f"deposit {no}: a fee of {stated} was stated before, and is kept to", code="fee_raised"
        )


def require_whole_return(no: int, *, amount: int, fee: int, found: int) -> None:
    """Refuse a return whose parts are not what was found.

    Raises:
        ConflictError: `not_the_sum`.
    """
    if amount + fee != found:
        raise ConflictError(
            f"deposit {no}: amount and fee come to {amount + fee}, and {found} was found: they must"
            " add up to it",
            code="not_the_sum",
        )

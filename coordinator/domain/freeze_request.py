"""The life cycle of a freeze request: one table, and one function that reads it.

Whether it is ratified is part of the state: a flash request is `active` before anybody approves it.
If nobody ratifies it in time it is not over, for that would free the thief: it is unratified, and
takes nothing that widens it. Source: docs/life-cycle.md.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import RequestStatus


class Action(StrEnum):
    """What can happen to a request."""

    SUBMIT = "submit"
    SUBMIT_FLASH = "submit_flash"
    APPROVE = "approve"  # the quorum is still open
    MEET_QUORUM = "meet_quorum"  # the approval that meets it; ratifies a provisional request
    REJECT = "reject"
    WITHDRAW = "withdraw"
    WITHDRAW_SOME = "withdraw_some"
    EXPIRE = "expire"  # approve_within, or the time of an unratified request, has passed
    MISS_RATIFICATION = "miss_ratification"  # ratify_by has passed, or the requester is suspended
    ADD_PARTNERS = "add_partners"
    RAISE_SUPPORT = "raise_support"
    GIVE_INDEMNITY = "give_indemnity"
    RENEW_FLAGS = "renew_flags"
    ASK_GUEST = "ask_guest"  # an organisation that is no member; only once leads approved
    CLOSE = "close"
    REPORT = "report"  # lines about what happened, whenever it did
    ACT_ON_HOLD = "act_on_hold"  # extensions
    ERASE = "erase"  # of what it says; it stays what it was


class Ratification(StrEnum):
    """How an active request stands with the leads of its requester."""

    SETTLED = "settled"  # approved, or not out yet, or over
    PROVISIONAL = "provisional"  # out, and to be ratified
    UNRATIFIED = "unratified"  # out, and not ratified in time: nothing new is frozen on it


State = tuple[RequestStatus, Ratification]

_SUBMITTED: State = (RequestStatus.SUBMITTED, Ratification.SETTLED)
_ACTIVE: State = (RequestStatus.ACTIVE, Ratification.SETTLED)
_PROVISIONAL: State = (RequestStatus.ACTIVE, Ratification.PROVISIONAL)
_UNRATIFIED: State = (RequestStatus.ACTIVE, Ratification.UNRATIFIED)
_REJECTED: State = (RequestStatus.REJECTED, Ratification.SETTLED)
_WITHDRAWN: State = (RequestStatus.WITHDRAWN, Ratification.SETTLED)
_EXPIRED: State = (RequestStatus.EXPIRED, Ratification.SETTLED)
_CLOSED: State = (RequestStatus.CLOSED, Ratification.SETTLED)

#: (status, ratification, action) -> (status, ratification). What is not here is refused.
TRANSITIONS: Mapping[tuple[RequestStatus | None, Ratification, Action], State] = MappingProxyType(
    {
        (None, Ratification.SETTLED, Action.SUBMIT): _SUBMITTED,
        (None, Ratification.SETTLED, Action.SUBMIT_FLASH): _PROVISIONAL,
        (*_SUBMITTED, Action.APPROVE): _SUBMITTED,
        (*_SUBMITTED, Action.MEET_QUORUM): _ACTIVE,
        (*_SUBMITTED, Action.REJECT): _REJECTED,
        (*_SUBMITTED, Action.WITHDRAW): _WITHDRAWN,
        (*_SUBMITTED, Action.EXPIRE): _EXPIRED,
        (*_PROVISIONAL, Action.MISS_RATIFICATION): _UNRATIFIED,
        (*_UNRATIFIED, Action.EXPIRE): _WITHDRAWN,
        (*_SUBMITTED, Action.RAISE_SUPPORT): _SUBMITTED,
        **{
            (*state, action): after
            for state in (_PROVISIONAL, _UNRATIFIED)
            for action, after in (
                (Action.APPROVE, state),
                (Action.MEET_QUORUM, _ACTIVE),
                (Action.REJECT, _WITHDRAWN),
            )
        },
        (*_ACTIVE, Action.CLOSE): _CLOSED,
        (*_ACTIVE, Action.ASK_GUEST): _ACTIVE,
        **{(*state, Action.ADD_PARTNERS): state for state in (_ACTIVE, _PROVISIONAL)},
        **{
            (*state, action): after
            for state in (_ACTIVE, _PROVISIONAL, _UNRATIFIED)
            for action, after in (
                (Action.WITHDRAW, _WITHDRAWN),
                (Action.WITHDRAW_SOME, state),
                (Action.RAISE_SUPPORT, state),
                (Action.GIVE_INDEMNITY, state),
                (Action.RENEW_FLAGS, state),
                (Action.REPORT, state),
                (Action.ACT_ON_HOLD, state),
            )
        },
        **{
            (*state, action): state
            for state in (_WITHDRAWN, _CLOSED)
            for action in (Action.ACT_ON_HOLD, Action.REPORT)
        },
        **{(*state, Action.ERASE): state for state in (_WITHDRAWN, _CLOSED, _REJECTED, _EXPIRED)},
    }
)

#: A request that went out and is over: holds may remain.
ENDED = frozenset({RequestStatus.WITHDRAWN, RequestStatus.CLOSED})


def next_status(
    current: RequestStatus | None,
    action: Action,
    *,
    ratification: Ratification = Ratification.SETTLED,
) -> State:
    """Return (status, ratification) after `action`.

    Args:
        current: The status as it is; None before submission.
        action: What is to happen.
        ratification: Whether it went out before its approval, and waits for it.

    Raises:
        InvalidTransitionError: If the table has no such step; it carries the status as it is.
    """
    after = TRANSITIONS.get((current, ratification, action))
    if after is None:
        shown = _shown(current, ratification)
        raise InvalidTransitionError(
            f"a request that is {shown} cannot take: {action.replace('_', ' ')}",
            current_status=current.value if current else None,
        )
    return after


def _shown(current: RequestStatus | None, ratification: Ratification) -> str:
    if current is None:
        return "not yet submitted"
    is_settled = ratification is Ratification.SETTLED
    return current.value if is_settled else f"{current.value} ({ratification.value})"


def require_in_time(
    current: RequestStatus,
    *,
    approve_by: datetime,
    unratified_until: datetime | None,
    now: datetime,
) -> None:
    """Refuse to decide on a request after its time.

    Whether the timer has fired already makes no difference. Taking back is never too late, and a
    flash request may be ratified after `ratify_by`, until it withdraws itself.

    Args:
        current: The status as it is.
        approve_by: Until when a submitted request is decided on.
        unratified_until: Until when an unratified one may still be ratified; None of any other.
        now: The moment of the act.

    Raises:
        InvalidTransitionError: If the time is over; it says when it was, and what happens next.
    """
    if unratified_until is not None and unratified_until <= now:
        ended_at, what = unratified_until, "ratify it ended at {}: the request withdraws itself"
    elif current is RequestStatus.SUBMITTED and approve_by <= now:
        ended_at, what = approve_by, "decide on it ended at {}: the request expires"
    else:
        return
    raise InvalidTransitionError(
        f"the time to {what.format(format_time(ended_at))}; submit it anew if it is still wanted",
        code="too_late",
        current_status=current.value,
    )


def require_widenable(
    current: RequestStatus,
    *,
    ratification: Ratification,
    ratify_by: datetime | None,
    now: datetime,
) -> None:
    """Refuse to ask more partners where the request takes none.

    A request that nobody ratified by `ratify_by` reaches nobody else, whether or not the timer has
    fired already.

    Raises:
        InvalidTransitionError: If it is not active, or not ratified in time.
    """
    is_due = ratify_by is not None and ratify_by <= now
    if ratification is Ratification.UNRATIFIED or (
        ratification is Ratification.PROVISIONAL and is_due
    ):
        raise _not_ratified(current, Ratification.UNRATIFIED, "add partners")
    next_status(current, Action.ADD_PARTNERS, ratification=ratification)


def _not_ratified(
    current: RequestStatus, ratification: Ratification, action: str
) -> InvalidTransitionError:
    return InvalidTransitionError(
        f"a request that is {_shown(current, ratification)} cannot take: {action}; another"
        " security lead ratifies or rejects it (approvals) first, or you withdraw it",
        code="not_ratified",
        current_status=current.value,
    )


def require_erasable(
    current: RequestStatus, *, open_holds: int, owes: bool, ratification: Ratification
) -> None:
    """Refuse to erase what is still needed by somebody.

    Args:
        current: Its status.
        open_holds: Holds that count for it and hold something.
        owes: Whether an answer is owed, or a dispute is open.
        ratification: As it stands.

    Raises:
        InvalidTransitionError: If the request is not over.
        ConflictError: If a hold is open, or something is still to be answered.
    """
    next_status(current, Action.ERASE, ratification=ratification)
    if open_holds:
        raise ConflictError(
            "holds are still open on it: what it says is needed until all are released, returned"
            " or seized",
            code="holds_open",
            current_status=current.value,
        )
    if owes:
        raise ConflictError(
            "an answer is still owed on it, or a dispute is open; what it says is needed",
            code="answers_owed",
            current_status=current.value,
        )


def require_closable(
    current: RequestStatus,
    *,
    open_holds: int,
    ratification: Ratification = Ratification.SETTLED,
) -> State:
    """Return (status, ratification) after a lead closes the request.

    Raises:
        InvalidTransitionError: If the request is not active, or nobody ratified it: closing would
            spare it the second pair of eyes.
        ConflictError: If a hold is still open: closing may not hide frozen funds.
    """
    if ratification is not Ratification.SETTLED:
        raise _not_ratified(current, ratification, "close")
    after = next_status(current, Action.CLOSE)
    if open_holds:
        holds = "1 hold is" if open_holds == 1 else f"{open_holds} holds are"
        raise ConflictError(
            f"{holds} still open: a request closes once all are released, returned or seized;"
            " withdraw it if the funds should be let go",
            code="holds_open",
            current_status=current.value,
        )
    return after

"""The life cycle of a freeze request: one table, and one function that reads it.

`provisional` is part of the state: a flash request is `active` before anybody approves it, and must
be ratified. Source: docs/life-cycle.md.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
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
    EXPIRE = "expire"  # approve_within, or ratify_by, has passed
    ADD_PARTNERS = "add_partners"
    CLOSE = "close"
    REPORT = "report"  # any line
    ACT_ON_HOLD = "act_on_hold"  # lines and extensions on existing holds; corrections
    REPORT_CROSSING = "report_crossing"  # found and frozen lines from before the end


State = tuple[RequestStatus, bool]

_SUBMITTED: State = (RequestStatus.SUBMITTED, False)
_ACTIVE: State = (RequestStatus.ACTIVE, False)
_PROVISIONAL: State = (RequestStatus.ACTIVE, True)
_REJECTED: State = (RequestStatus.REJECTED, False)
_WITHDRAWN: State = (RequestStatus.WITHDRAWN, False)
_EXPIRED: State = (RequestStatus.EXPIRED, False)
_CLOSED: State = (RequestStatus.CLOSED, False)

#: (status, provisional, action) -> (status, provisional). What is not here is refused.
TRANSITIONS: Mapping[tuple[RequestStatus | None, bool, Action], State] = MappingProxyType(
    {
        (None, False, Action.SUBMIT): _SUBMITTED,
        (None, False, Action.SUBMIT_FLASH): _PROVISIONAL,
        (*_SUBMITTED, Action.APPROVE): _SUBMITTED,
        (*_SUBMITTED, Action.MEET_QUORUM): _ACTIVE,
        (*_SUBMITTED, Action.REJECT): _REJECTED,
        (*_SUBMITTED, Action.WITHDRAW): _WITHDRAWN,
        (*_SUBMITTED, Action.EXPIRE): _EXPIRED,
        (*_PROVISIONAL, Action.APPROVE): _PROVISIONAL,
        (*_PROVISIONAL, Action.MEET_QUORUM): _ACTIVE,
        (*_PROVISIONAL, Action.REJECT): _WITHDRAWN,
        (*_PROVISIONAL, Action.EXPIRE): _WITHDRAWN,
        (*_ACTIVE, Action.CLOSE): _CLOSED,
        **{
            (*state, action): after
            for state in (_ACTIVE, _PROVISIONAL)
            for action, after in (
                (Action.WITHDRAW, _WITHDRAWN),
                (Action.WITHDRAW_SOME, state),
                (Action.ADD_PARTNERS, state),
                (Action.REPORT, state),
                (Action.ACT_ON_HOLD, state),
            )
        },
        **{
            (*state, action): state
            for state in (_WITHDRAWN, _CLOSED)
            for action in (Action.ACT_ON_HOLD, Action.REPORT_CROSSING)
        },
    }
)

#: A request that went out and is over: holds may remain.
ENDED = frozenset({RequestStatus.WITHDRAWN, RequestStatus.CLOSED})


def next_status(
    current: RequestStatus | None, action: Action, *, provisional: bool = False
) -> State:
    """Return (status, provisional) after `action`.

    Args:
        current: The status as it is; None before submission.
        action: What is to happen.
        provisional: Whether the request went out before its approval.

    Raises:
        InvalidTransitionError: If the table has no such step; it carries the status as it is.
    """
    after = TRANSITIONS.get((current, provisional, action))
    if after is None:
        shown = _shown(current, provisional=provisional)
        raise InvalidTransitionError(
            f"a request that is {shown} cannot take: {action.replace('_', ' ')}",
            current_status=current.value if current else None,
        )
    return after


def _shown(current: RequestStatus | None, *, provisional: bool) -> str:
    if current is None:
        return "not yet submitted"
    return f"{current.value} (provisional)" if provisional else current.value


def require_in_time(
    current: RequestStatus,
    *,
    provisional: bool,
    approve_by: datetime,
    ratify_by: datetime | None,
    now: datetime,
) -> None:
    """Refuse to decide on a request, or to widen it, after its time.

    Whether the timer has fired already makes no difference. Taking back is never too late.

    Args:
        current: The status as it is.
        provisional: Whether the request went out before its approval.
        approve_by: Until when a submitted request is decided on.
        ratify_by: Until when a provisional one is ratified.
        now: The moment of the act.

    Raises:
        InvalidTransitionError: If the time is over; it says when it was, and what happens next.
    """
    if provisional and ratify_by is not None and ratify_by <= now:
        ended_at, what = ratify_by, "ratify it ended at {}: the request withdraws itself"
    elif current is RequestStatus.SUBMITTED and approve_by <= now:
        ended_at, what = approve_by, "decide on it ended at {}: the request expires"
    else:
        return
    raise InvalidTransitionError(
        f"the time to {what.format(format_time(ended_at))}; submit it anew if it is still wanted",
        code="too_late",
        current_status=current.value,
    )


def require_closable(
    current: RequestStatus, *, open_holds: int, provisional: bool = False
) -> State:
    """Return (status, provisional) after a lead closes the request.

    Raises:
        InvalidTransitionError: If the request is not active, or nobody ratified it: closing would
            spare it the second pair of eyes.
        ConflictError: If a hold is still open: closing may not hide frozen funds.
    """
    if current is RequestStatus.ACTIVE and provisional:
        raise InvalidTransitionError(
            "a request that is active (provisional) cannot take: close; another security lead"
            " ratifies or rejects it (approvals) first, or you withdraw it",
            code="not_ratified",
            current_status=current.value,
        )
    after = next_status(current, Action.CLOSE, provisional=provisional)
    if open_holds:
        holds = "1 hold is" if open_holds == 1 else f"{open_holds} holds are"
        raise ConflictError(
            f"{holds} still open: a request closes once all are released, returned or seized;"
            " withdraw it if the funds should be let go",
            code="holds_open",
            current_status=current.value,
        )
    return after


def is_crossing(frozen_at: datetime | None, *, ended_at: datetime) -> bool:
    """Tell whether a freeze was made before the request ended, so that the two messages crossed."""
    return frozen_at is not None and frozen_at < ended_at


def takes_late_lines(*, ended_at: datetime, now: datetime, window: timedelta) -> bool:
    """Tell whether `found` and crossing `frozen` lines are still taken after the end."""
    return now <= ended_at + window

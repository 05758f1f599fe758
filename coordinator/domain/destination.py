"""Accounts of a member that money may be sent back to: how they come about, when one is used.

A hijacked desk that names its own account would have the loot sent to the thief. So a destination
is registered by two persons, proven by a transfer that arrived, and waits before it is used.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import DestinationStatus, WhyNotUsable


class DestinationAction(StrEnum):
    """What can happen to a destination."""

    APPROVE = "approve"
    REJECT = "reject"
    PROVE = "prove"
    CLOSE = "close"


_S, _A = DestinationStatus, DestinationAction
#: What is not here is refused.
TRANSITIONS: Mapping[tuple[DestinationStatus, DestinationAction], DestinationStatus] = (
    MappingProxyType(
        {
            (_S.PROPOSED, _A.APPROVE): _S.REGISTERED,
            (_S.PROPOSED, _A.REJECT): _S.REJECTED,
            (_S.PROPOSED, _A.CLOSE): _S.CLOSED,
            (_S.REGISTERED, _A.PROVE): _S.PROVEN,
            (_S.REGISTERED, _A.CLOSE): _S.CLOSED,
            (_S.PROVEN, _A.CLOSE): _S.CLOSED,
        }
    )
)
#: What is over: the same account may be registered anew.
OVER = frozenset({_S.REJECTED, _S.EXPIRED, _S.CLOSED})
_REFUSED: Mapping[DestinationAction, str] = MappingProxyType(
    {
        _A.APPROVE: "only a proposed one is approved",
        _A.REJECT: "only a proposed one is rejected",
        _A.PROVE: "a test transfer is confirmed once, after another person approved it",
        _A.CLOSE: "nothing of it is left to close",
    }
)
_BY_STATUS: Mapping[DestinationStatus, WhyNotUsable] = MappingProxyType(
    {
        _S.PROPOSED: WhyNotUsable.PROPOSED,
        _S.REGISTERED: WhyNotUsable.UNPROVEN,
        _S.REJECTED: WhyNotUsable.REJECTED,
        _S.EXPIRED: WhyNotUsable.EXPIRED,
        _S.CLOSED: WhyNotUsable.CLOSED,
    }
)


def present_status(
    stored: DestinationStatus, *, decide_by: datetime, now: datetime
) -> DestinationStatus:
    """Return how a destination stands now: a proposal ends by its time alone."""
    is_late = stored is _S.PROPOSED and decide_by <= now
    return _S.EXPIRED if is_late else stored


def next_status(status: DestinationStatus, action: DestinationAction) -> DestinationStatus:
    """Return the status after an action.

    Raises:
        InvalidTransitionError: If a destination as it is does not take it.
    """
    after = TRANSITIONS.get((status, action))
    if after is None:
        raise InvalidTransitionError(
            f"the destination is {status.value}: {_REFUSED[action]}",
            code="destination_status",
            current_status=status.value,
        )
    return after


def why_not_usable(
    status: DestinationStatus, *, usable_at: datetime | None, now: datetime
) -> WhyNotUsable | None:
    """Return why nothing may be sent to a destination now; None: it may be used."""
    why = _BY_STATUS.get(status)
    if why is None and (usable_at is None or now < usable_at):
        return WhyNotUsable.TOO_NEW
    return why

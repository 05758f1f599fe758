"""What may become of a changed payout account: one table.

An approved one waits before it is in force, so that whoever is robbed of an account notices in
time. In force it is by its date alone: nobody has to act then.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import PayoutChangeStatus


class PayoutChangeAct(StrEnum):
    """What is done with a proposed account."""

    APPROVE = "approve"
    REJECT = "reject"


_S, _A = PayoutChangeStatus, PayoutChangeAct
#: Whatever is not here is refused.
TRANSITIONS: Mapping[tuple[PayoutChangeStatus, PayoutChangeAct], PayoutChangeStatus] = (
    MappingProxyType(
        {
            (_S.PROPOSED, _A.APPROVE): _S.APPROVED,
            (_S.PROPOSED, _A.REJECT): _S.REJECTED,
            (_S.APPROVED, _A.REJECT): _S.REJECTED,
        }
    )
)


def status_at(
    stored: PayoutChangeStatus, in_force_at: datetime | None, now: datetime
) -> PayoutChangeStatus:
    """Return where a change stands at a time: an approved one is in force from its date on."""
    if stored is _S.APPROVED and in_force_at is not None and in_force_at <= now:
        return _S.IN_FORCE
    return stored


def next_status(current: PayoutChangeStatus, act: PayoutChangeAct) -> PayoutChangeStatus:
    """Return the status after an act; `current` as `status_at` has it.

    Raises:
        InvalidTransitionError: If a change as it stands does not take it.
    """
    after = TRANSITIONS.get((current, act))
    if after is None:
        raise InvalidTransitionError(
            f"a change that is {current.value} takes no {act.value}", current_status=current.value
        )
    return after

"""Every cell of the table of changed payout accounts, and when one is in force."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.domain.errors import InvalidTransitionError
from coordinator.domain.payout_change import PayoutChangeAct, next_status, status_at
from holdfast.protocol.vocabulary import PayoutChangeStatus as S

_AT = datetime(2026, 3, 2, tzinfo=UTC)
_ALLOWED = {
    (S.PROPOSED, "approve"): S.APPROVED,
    (S.PROPOSED, "reject"): S.REJECTED,
    (S.APPROVED, "reject"): S.REJECTED,
}


@pytest.mark.parametrize("act", PayoutChangeAct)
@pytest.mark.parametrize("current", S)
def test_every_cell_is_as_the_table_says(current: S, act: PayoutChangeAct) -> None:
    expected = _ALLOWED.get((current, act.value))
    if expected is not None:
        assert next_status(current, act) is expected
        return
    with pytest.raises(InvalidTransitionError, match=f"{current.value} takes no {act.value}"):
        next_status(current, act)


def test_only_what_was_approved_comes_into_force_and_not_before_its_time() -> None:
    second = timedelta(seconds=1)
    assert status_at(S.APPROVED, _AT, _AT - second) is S.APPROVED
    assert status_at(S.APPROVED, _AT, _AT) is S.IN_FORCE
    assert status_at(S.PROPOSED, None, _AT) is S.PROPOSED
    assert status_at(S.REJECTED, None, _AT) is S.REJECTED

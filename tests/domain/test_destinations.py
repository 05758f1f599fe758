"""A destination's table, cell by cell, and when one may be used."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from coordinator.domain.destination import (
    DestinationAction,
    next_status,
    present_status,
    why_not_usable,
)
from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import DestinationStatus, WhyNotUsable

S, A = DestinationStatus, DestinationAction
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
#: The table a second time, flat.
EXPECTED = {
    (S.PROPOSED, A.APPROVE): S.REGISTERED,
    (S.PROPOSED, A.REJECT): S.REJECTED,
    (S.PROPOSED, A.CLOSE): S.CLOSED,
    (S.REGISTERED, A.PROVE): S.PROVEN,
    (S.REGISTERED, A.CLOSE): S.CLOSED,
    (S.PROVEN, A.CLOSE): S.CLOSED,
}


@pytest.mark.parametrize(("status", "action"), [*product(S, A)])
def test_every_cell_of_the_table(status: DestinationStatus, action: DestinationAction) -> None:
    if (status, action) in EXPECTED:
        assert next_status(status, action) is EXPECTED[status, action]
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_status(status, action)
    assert refused.value.current_status == status


@pytest.mark.parametrize("status", S)
def test_a_proposal_alone_ends_by_its_time(status: DestinationStatus) -> None:
    assert present_status(status, decide_by=NOW + timedelta(seconds=1), now=NOW) is status
    late = present_status(status, decide_by=NOW, now=NOW)
    assert late is (S.EXPIRED if status is S.PROPOSED else status)


@pytest.mark.parametrize(
    ("status", "usable_in", "why"),
    [
        (S.PROPOSED, None, WhyNotUsable.PROPOSED),
        (S.REGISTERED, 0, WhyNotUsable.UNPROVEN),
        (S.REGISTERED, 1, WhyNotUsable.UNPROVEN),
        (S.PROVEN, None, WhyNotUsable.TOO_NEW),
        (S.PROVEN, 1, WhyNotUsable.TOO_NEW),
        (S.PROVEN, 0, None),
        (S.PROVEN, -1, None),
        (S.REJECTED, None, WhyNotUsable.REJECTED),
        (S.EXPIRED, None, WhyNotUsable.EXPIRED),
        (S.CLOSED, -1, WhyNotUsable.CLOSED),
    ],
)
def test_one_is_used_once_it_is_proven_and_its_wait_is_over(
    status: DestinationStatus, usable_in: int | None, why: WhyNotUsable | None
) -> None:
    usable_at = None if usable_in is None else NOW + timedelta(seconds=usable_in)
    assert why_not_usable(status, usable_at=usable_at, now=NOW) is why

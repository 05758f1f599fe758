"""Every cell of a claim's table, and what a claim is worth."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.claim import ClaimAct, next_status, takes
from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.pool_sums import value_of
from holdfast.protocol.vocabulary import ClaimStatus

S = ClaimStatus
#: The table a second time, by act.
EXPECTED = {
    "verify": {S.RECEIVED: S.VERIFIED, S.OBJECTION: S.VERIFIED},
    "reject": {S.RECEIVED: S.REJECTED, S.VERIFIED: S.REJECTED, S.OBJECTION: S.REJECTED},
    "object": {S.VERIFIED: S.OBJECTION, S.REJECTED: S.OBJECTION},
    "allocate": dict.fromkeys((S.VERIFIED, S.ALLOCATED, S.PAID, S.FAILED), S.ALLOCATED),
    "pay": {S.ALLOCATED: S.PAID, S.FAILED: S.PAID},
    "fail": {S.ALLOCATED: S.FAILED, S.FAILED: S.FAILED},
}


@pytest.mark.parametrize(("status", "act"), [*product(ClaimStatus, ClaimAct)])
def test_a_claim_goes_where_the_table_says_and_nowhere_else(
    status: ClaimStatus, act: ClaimAct
) -> None:
    after = EXPECTED[act.value].get(status)
    assert takes(status, act) == (after is not None)
    if after is not None:
        assert next_status(status, act) is after
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_status(status, act)
    assert refused.value.current_status == status.value


UNITS = st.integers(1, 2**256 - 1)


@given(amount=UNITS, price=UNITS, unit=UNITS)
def test_a_claim_is_worth_its_price_exactly_rounded_down(
    amount: int, price: int, unit: int
) -> None:
    worth = value_of(amount, Fraction(price, 10**18) / Fraction(unit, 10**18))
    assert worth * unit <= amount * price < (worth + 1) * unit

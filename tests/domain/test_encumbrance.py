"""Encumbrances: every cell of their table, and what they leave free."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.encumbrance import (
    BLOCKED_BY_KIND,
    BLOCKING,
    TRANSITIONS,
    Claim,
    EncumbranceAct,
    encumbered_amount,
    free_of,
    is_against,
    next_status,
)
from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import Blocked, EncumbranceStatus, LineKind

_S, _A = EncumbranceStatus, EncumbranceAct
#: As ADR 0082 has it, written a second time.
EXPECTED = {
    (None, _A.ATTACH): _S.STANDING,
    (_S.STANDING, _A.REVIEW): _S.STANDING,
    (_S.STANDING, _A.MISS_REVIEW): _S.REVIEW_DUE,
    (_S.STANDING, _A.LIFT): _S.LIFTED,
    (_S.REVIEW_DUE, _A.REVIEW): _S.STANDING,
    (_S.REVIEW_DUE, _A.LIFT): _S.LIFTED,
}


@pytest.mark.parametrize(("status", "act"), [*itertools.product((None, *_S), _A)])
def test_every_cell_is_allowed_or_refused_as_written(
    status: EncumbranceStatus | None, act: EncumbranceAct
) -> None:
    after = EXPECTED.get((status, act))
    if after is not None:
        assert next_status(status, act) is after
        return
    with pytest.raises(InvalidTransitionError) as refusal:
        next_status(status, act)
    assert refusal.value.current_status == (None if status is None else status.value)


def test_the_table_has_no_more_cells_and_a_date_that_passed_blocks_on() -> None:
    assert dict(TRANSITIONS) == EXPECTED
    assert set(_S) - {_S.LIFTED} == BLOCKING


def test_a_line_is_one_of_what_is_blocked_where_it_lets_something_leave() -> None:
    leaving = {LineKind.RELEASED: Blocked.RELEASE, LineKind.RETURNED: Blocked.RETURN}
    assert leaving == BLOCKED_BY_KIND


_AMOUNTS = st.none() | st.integers(1, 2**256 - 1)
_CLAIMS = st.lists(
    st.builds(Claim, st.just("enc_1"), _AMOUNTS, st.frozensets(st.sampled_from(Blocked))),
    max_size=4,
)


@given(st.integers(0, 2**256 - 1), _CLAIMS, st.sampled_from(Blocked), st.data())
def test_what_is_free_may_go_and_one_unit_more_may_not(
    held: int, claims: list[Claim], what: Blocked, data: st.DataObject
) -> None:
    free = free_of(held, claims, what)
    assert free is not None
    assert 0 <= free <= held
    stands = [claim for claim in claims if what in claim.blocks]
    going = data.draw(st.integers(0, held))
    against = is_against(held - going, claims, what)
    if not stands:
        assert (free, against) == (held, False)
    elif going > free:
        assert against
    elif free:
        assert not against
    taken = encumbered_amount(held, claims)
    assert taken is not None
    assert free >= held - taken


@given(_CLAIMS, st.sampled_from(Blocked))
def test_of_what_nobody_knows_nothing_goes_beside_a_claim(
    claims: list[Claim], what: Blocked
) -> None:
    stands = any(what in claim.blocks for claim in claims)
    assert is_against(None, claims, what) is stands
    assert free_of(None, claims, what) == (0 if stands else None)
    assert encumbered_amount(None, claims) == (None if claims else 0)

"""What an approval may leave out: every set of addresses of a small request, taken or refused."""

from collections.abc import Callable
from itertools import chain, combinations

import pytest

from coordinator.domain.errors import CoordinatorError
from coordinator.domain.left_out import (
    named,
    require_may_leave_out,
    require_may_let_go,
    require_same,
)

COUNT = 4
NUMBERS = range(COUNT + 1)  # the last is none of the request's
SETS = [frozenset(s) for s in chain.from_iterable(combinations(NUMBERS, n) for n in range(5))]
OWN = [each for each in SETS if COUNT not in each]


def _refused(rule: Callable[[], None]) -> tuple[str, str]:
    """Return code and words of a refusal; empty where there is none."""
    try:
        rule()
    except CoordinatorError as error:
        return error.code, error.message
    return "", ""


@pytest.mark.parametrize("withdrawn", [each for each in OWN if len(each) < COUNT])
@pytest.mark.parametrize("numbers", [each for each in SETS if each])
def test_what_is_left_out_is_there_and_not_gone_and_leaves_something(
    numbers: frozenset[int], withdrawn: frozenset[int]
) -> None:
    if COUNT in numbers:
        expected = "invalid_input"
    elif numbers & withdrawn:
        expected = "withdrawn_already"
    elif not set(range(COUNT)) - numbers - withdrawn:
        expected = "nothing_left"
    else:
        expected = ""
    code, _ = _refused(
        lambda: require_may_leave_out(
            sorted(numbers), address_count=COUNT, withdrawn=withdrawn, current_status="active"
        )
    )
    assert code == expected


@pytest.mark.parametrize("first", OWN)
@pytest.mark.parametrize("second", OWN)
def test_only_the_same_addresses_make_one_quorum(
    first: frozenset[int], second: frozenset[int]
) -> None:
    code, words = _refused(lambda: require_same(first, second, current_status="submitted"))
    assert code == ("" if first == second else "other_left_out")
    told = f'"except": {sorted(first)}' if first else "leave out none"
    assert (told in words) is (first != second)


@pytest.mark.parametrize("held", [set(), {1}, {1, 2}])
@pytest.mark.parametrize("approvals", [1, 2, 3])
@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_what_takes_more_leads_to_let_go_takes_them_at_ratification_too(
    held: set[int], approvals: int, quorum: int
) -> None:
    leads = {"approvals": approvals, "quorum": quorum}
    code, words = _refused(lambda: require_may_let_go(held, **leads, current_status="active"))
    assert code == ("held_meanwhile" if held and approvals < quorum else "")
    assert (named(held) in words) is bool(code)


def test_many_addresses_are_not_all_named() -> None:
    assert named([]) == "no address"
    assert named([3]) == "address 3"
    assert named([7, 3]) == "addresses 3, 7"
    assert named(range(12)) == "addresses 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    with pytest.raises(CoordinatorError) as refused:
        require_same(range(500), [], current_status=None)
    assert len(refused.value.message) < 300

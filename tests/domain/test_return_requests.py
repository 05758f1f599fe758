"""A return request's table, cell by cell, and what may be promised."""

from itertools import product

import pytest

from coordinator.domain.errors import InvalidTransitionError
from coordinator.domain.return_request import (
    Asked,
    Free,
    ReturnAction,
    faults_of,
    is_all,
    next_status,
)
from holdfast.protocol.vocabulary import ReturnStatus

S, A = ReturnStatus, ReturnAction
#: The table a second time, flat.
EXPECTED = {
    (S.SUBMITTED, A.APPROVE): S.OPEN,
    (S.SUBMITTED, A.REJECT): S.REJECTED,
    (S.SUBMITTED, A.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, A.EXPIRE): S.EXPIRED,
    (S.OPEN, A.WITHDRAW): S.WITHDRAWN,
    (S.OPEN, A.ACCEPT): S.ACCEPTED,
    (S.OPEN, A.ACCEPT_PART): S.PARTIAL,
    (S.OPEN, A.REFUSE): S.REFUSED,
    **{
        (status, action): after
        for status in (S.ACCEPTED, S.PARTIAL)
        for action, after in (
            (A.SEND, status),
            (A.SUSPEND, S.SUSPENDED),
            (A.REVOKE, S.REVOKED),
            (A.RECEIVE, S.SETTLED),
            (A.MISS, S.CONTESTED),
        )
    },
    (S.SUSPENDED, A.SEND): S.SUSPENDED,
    (S.SUSPENDED, A.LIFT): S.PARTIAL,
    (S.SUSPENDED, A.PREVAIL): S.REFUSED,
    (S.CONTESTED, A.SEND): S.CONTESTED,
    (S.CONTESTED, A.RECEIVE): S.SETTLED,
}


@pytest.mark.parametrize(("status", "action"), [*product(S, A)])
def test_every_cell_of_the_table(status: ReturnStatus, action: ReturnAction) -> None:
    if (status, action) in EXPECTED:
        assert next_status(status, action, before=S.PARTIAL) is EXPECTED[status, action]
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_status(status, action, before=S.PARTIAL)
    assert (refused.value.code, refused.value.current_status) == ("return_status", status)


def test_what_is_suspended_goes_on_as_it_was() -> None:
    assert next_status(S.SUSPENDED, A.LIFT, before=S.ACCEPTED) is S.ACCEPTED
    with pytest.raises(ValueError, match="was something before"):
        next_status(S.SUSPENDED, A.LIFT)


HELD = Asked(None, {"one": Free(700, 0), "two": Free(300, 200), "three": Free(None, 0)})


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (("one", 700), None),
        (("one", 1), None),
        (("two", 100), None),
        (("three", None), None),
        (("one", 701), "beyond_held"),
        (("two", 101), "beyond_held"),
        (("one", 0), "zero_amount"),
        (("one", None), "amount_missing"),
        (("three", 5), "withheld"),
        (("four", 5), "no_such_hold"),
    ],
)
def test_a_part_is_what_there_is_and_nobody_else_was_promised(
    part: tuple[str, int | None], code: str | None
) -> None:
    found = [each.code for each in faults_of([part], HELD)]
    assert found == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("amount", "parts", "whole"),
    [
        (None, [("one", 700), ("two", 300), ("three", None)], True),
        (None, [("one", 700), ("two", 300)], False),
        (None, [("one", 699), ("two", 300), ("three", None)], False),
        (800, [("one", 700), ("two", 100)], True),
        (800, [("one", 700), ("two", 99)], False),
        (700, [("one", 700), ("three", None)], False),
    ],
)
def test_all_is_all_that_is_asked(
    amount: int | None, parts: list[tuple[str, int | None]], *, whole: bool
) -> None:
    assert is_all(parts, Asked(amount, HELD.holds)) is whole

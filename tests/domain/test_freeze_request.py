"""The request's life cycle: every cell of the table, and every cell that is not in it."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from coordinator.domain.freeze_request import (
    TRANSITIONS,
    Action,
    Ratification,
    next_status,
    require_closable,
    require_erasable,
    require_in_time,
    require_widenable,
)
from holdfast.protocol.vocabulary import RequestStatus

S = RequestStatus
A = Action
SETTLED, PROVISIONAL, UNRATIFIED = Ratification
EVERY_CELL = list(product([None, *RequestStatus], Ratification, Action))
END = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = END - timedelta(days=9)

#: The table, written out a second time and flat, so that a change in one shows.
EXPECTED = {
    (None, SETTLED, A.SUBMIT): (S.SUBMITTED, SETTLED),
    (None, SETTLED, A.SUBMIT_FLASH): (S.ACTIVE, PROVISIONAL),
    (S.SUBMITTED, SETTLED, A.APPROVE): (S.SUBMITTED, SETTLED),
    (S.SUBMITTED, SETTLED, A.MEET_QUORUM): (S.ACTIVE, SETTLED),
    (S.SUBMITTED, SETTLED, A.REJECT): (S.REJECTED, SETTLED),
    (S.SUBMITTED, SETTLED, A.WITHDRAW): (S.WITHDRAWN, SETTLED),
    (S.SUBMITTED, SETTLED, A.EXPIRE): (S.EXPIRED, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.APPROVE): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, PROVISIONAL, A.MEET_QUORUM): (S.ACTIVE, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.REJECT): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.MISS_RATIFICATION): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, PROVISIONAL, A.WITHDRAW): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.WITHDRAW_SOME): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, PROVISIONAL, A.ADD_PARTNERS): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, PROVISIONAL, A.REPORT): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, PROVISIONAL, A.ACT_ON_HOLD): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, UNRATIFIED, A.APPROVE): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, UNRATIFIED, A.MEET_QUORUM): (S.ACTIVE, SETTLED),
    (S.ACTIVE, UNRATIFIED, A.REJECT): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, UNRATIFIED, A.EXPIRE): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, UNRATIFIED, A.WITHDRAW): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, UNRATIFIED, A.WITHDRAW_SOME): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, UNRATIFIED, A.REPORT): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, UNRATIFIED, A.ACT_ON_HOLD): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, SETTLED, A.WITHDRAW): (S.WITHDRAWN, SETTLED),
    (S.ACTIVE, SETTLED, A.WITHDRAW_SOME): (S.ACTIVE, SETTLED),
    (S.ACTIVE, SETTLED, A.ADD_PARTNERS): (S.ACTIVE, SETTLED),
    (S.ACTIVE, SETTLED, A.CLOSE): (S.CLOSED, SETTLED),
    (S.ACTIVE, SETTLED, A.ASK_GUEST): (S.ACTIVE, SETTLED),
    (S.ACTIVE, SETTLED, A.REPORT): (S.ACTIVE, SETTLED),
    (S.ACTIVE, SETTLED, A.ACT_ON_HOLD): (S.ACTIVE, SETTLED),
    (S.SUBMITTED, SETTLED, A.RAISE_SUPPORT): (S.SUBMITTED, SETTLED),
    (S.ACTIVE, SETTLED, A.RAISE_SUPPORT): (S.ACTIVE, SETTLED),
    (S.ACTIVE, SETTLED, A.RENEW_FLAGS): (S.ACTIVE, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.RAISE_SUPPORT): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, PROVISIONAL, A.RENEW_FLAGS): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, UNRATIFIED, A.RAISE_SUPPORT): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, UNRATIFIED, A.RENEW_FLAGS): (S.ACTIVE, UNRATIFIED),
    (S.ACTIVE, SETTLED, A.GIVE_INDEMNITY): (S.ACTIVE, SETTLED),
    (S.ACTIVE, PROVISIONAL, A.GIVE_INDEMNITY): (S.ACTIVE, PROVISIONAL),
    (S.ACTIVE, UNRATIFIED, A.GIVE_INDEMNITY): (S.ACTIVE, UNRATIFIED),
    (S.WITHDRAWN, SETTLED, A.ACT_ON_HOLD): (S.WITHDRAWN, SETTLED),
    (S.WITHDRAWN, SETTLED, A.REPORT): (S.WITHDRAWN, SETTLED),
    (S.CLOSED, SETTLED, A.ACT_ON_HOLD): (S.CLOSED, SETTLED),
    (S.CLOSED, SETTLED, A.REPORT): (S.CLOSED, SETTLED),
    (S.WITHDRAWN, SETTLED, A.ERASE): (S.WITHDRAWN, SETTLED),
    (S.CLOSED, SETTLED, A.ERASE): (S.CLOSED, SETTLED),
    (S.REJECTED, SETTLED, A.ERASE): (S.REJECTED, SETTLED),
    (S.EXPIRED, SETTLED, A.ERASE): (S.EXPIRED, SETTLED),
}


def test_the_table_is_the_one_of_the_design() -> None:
    assert dict(TRANSITIONS) == EXPECTED


@pytest.mark.parametrize(("status", "ratification", "action"), EVERY_CELL)
def test_a_step_in_the_table_is_taken_and_any_other_refused_with_the_status_as_it_is(
    status: RequestStatus | None, ratification: Ratification, action: Action
) -> None:
    expected = EXPECTED.get((status, ratification, action))
    if expected is not None:
        assert next_status(status, action, ratification=ratification) == expected
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_status(status, action, ratification=ratification)
    assert refused.value.current_status == (status.value if status else None)
    assert (status.value if status else "not yet submitted") in refused.value.message
    for waits in (PROVISIONAL, UNRATIFIED):
        is_said = f"({waits.value})" in refused.value.message
        assert is_said == (ratification is waits and status is not None)


def test_the_table_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[S.EXPIRED, SETTLED, A.APPROVE] = (S.ACTIVE, SETTLED)  # type: ignore[index]


def test_every_status_can_be_reached() -> None:
    reached = {status for status, _ in TRANSITIONS.values()}
    assert reached == set(RequestStatus)


def test_rejected_and_expired_requests_take_nothing_but_their_erasure() -> None:
    taken = {action for status, _, action in TRANSITIONS if status in (S.REJECTED, S.EXPIRED)}
    assert taken == {A.ERASE}


@pytest.mark.parametrize(
    ("status", "open_holds", "owes", "code"),
    [
        (S.CLOSED, 1, False, "holds_open"),
        (S.WITHDRAWN, 0, True, "answers_owed"),
        (S.ACTIVE, 0, False, "invalid_transition"),
        (S.SUBMITTED, 0, False, "invalid_transition"),
    ],
)
def test_what_somebody_needs_is_not_erased(
    status: RequestStatus, open_holds: int, *, owes: bool, code: str
) -> None:
    with pytest.raises((ConflictError, InvalidTransitionError)) as refused:
        require_erasable(status, open_holds=open_holds, owes=owes, ratification=SETTLED)
    assert (refused.value.code, refused.value.current_status) == (code, status.value)


@pytest.mark.parametrize(("open_holds", "said"), [(1, "1 hold is"), (3, "3 holds are")])
def test_a_request_with_open_holds_does_not_close(open_holds: int, said: str) -> None:
    with pytest.raises(ConflictError, match=said) as refused:
        require_closable(S.ACTIVE, open_holds=open_holds)
    assert refused.value.code == "holds_open"
    assert refused.value.current_status == "active"


def test_a_request_without_open_holds_closes() -> None:
    assert require_closable(S.ACTIVE, open_holds=0) == (S.CLOSED, SETTLED)


def test_a_request_that_is_not_active_does_not_close_even_without_holds() -> None:
    with pytest.raises(InvalidTransitionError):
        require_closable(S.SUBMITTED, open_holds=0)


@pytest.mark.parametrize("ratification", [PROVISIONAL, UNRATIFIED])
@pytest.mark.parametrize("open_holds", [0, 1])
def test_a_request_that_nobody_ratified_does_not_close_and_is_told_what_comes_first(
    open_holds: int, ratification: Ratification
) -> None:
    with pytest.raises(InvalidTransitionError, match="ratifies or rejects") as refused:
        require_closable(S.ACTIVE, open_holds=open_holds, ratification=ratification)
    assert (refused.value.code, refused.value.current_status) == ("not_ratified", "active")


@pytest.mark.parametrize("ratification", Ratification)
@pytest.mark.parametrize("status", RequestStatus)
def test_more_partners_are_asked_by_what_is_active_and_not_past_its_ratification(
    status: RequestStatus, ratification: Ratification
) -> None:
    for is_due in (False, True):
        ratify_by = END if is_due else END + timedelta(microseconds=1)
        may = (status, ratification, A.ADD_PARTNERS) in EXPECTED
        state: dict[str, Any] = {"ratification": ratification, "ratify_by": ratify_by, "now": END}
        if may and not (is_due and ratification is PROVISIONAL):
            require_widenable(status, **state)
            continue
        with pytest.raises(InvalidTransitionError) as refused:
            require_widenable(status, **state)
        is_late = ratification is UNRATIFIED or (is_due and ratification is PROVISIONAL)
        assert refused.value.code == ("not_ratified" if is_late else "invalid_transition")


@pytest.mark.parametrize(
    ("status", "times", "what"),
    [
        (S.SUBMITTED, {"approve_by": END, "unratified_until": None}, "expires"),
        (S.ACTIVE, {"approve_by": LONG_AGO, "unratified_until": END}, "withdraws itself"),
    ],
)
def test_what_is_undecided_is_too_late_from_its_deadline_on(
    status: RequestStatus, times: dict[str, Any], what: str
) -> None:
    """A submitted request has one deadline, an unratified one the other."""
    require_in_time(status, now=END - timedelta(microseconds=1), **times)
    with pytest.raises(InvalidTransitionError) as refused:
        require_in_time(status, now=END, **times)
    assert (refused.value.code, refused.value.current_status) == ("too_late", status)
    assert "2026-11-22T12:00:00Z" in refused.value.message
    assert what in refused.value.message


def test_what_is_decided_or_provisional_knows_no_deadline() -> None:
    for status in (S.ACTIVE, S.CLOSED):
        require_in_time(status, approve_by=LONG_AGO, unratified_until=None, now=END)

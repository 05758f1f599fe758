"""The request's life cycle: every cell of the table, and every cell that is not in it."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from coordinator.domain.freeze_request import (
    TRANSITIONS,
    Action,
    is_crossing,
    next_status,
    require_closable,
    require_in_time,
    takes_late_lines,
)
from holdfast.protocol.vocabulary import RequestStatus

S = RequestStatus
A = Action
EVERY_CELL = list(product([None, *RequestStatus], [False, True], Action))
END = datetime(2026, 11, 22, 12, tzinfo=UTC)

#: The table, written out a second time and flat, so that a change in one shows.
EXPECTED = {
    (None, False, A.SUBMIT): (S.SUBMITTED, False),
    (None, False, A.SUBMIT_FLASH): (S.ACTIVE, True),
    (S.SUBMITTED, False, A.APPROVE): (S.SUBMITTED, False),
    (S.SUBMITTED, False, A.MEET_QUORUM): (S.ACTIVE, False),
    (S.SUBMITTED, False, A.REJECT): (S.REJECTED, False),
    (S.SUBMITTED, False, A.WITHDRAW): (S.WITHDRAWN, False),
    (S.SUBMITTED, False, A.EXPIRE): (S.EXPIRED, False),
    (S.ACTIVE, True, A.APPROVE): (S.ACTIVE, True),
    (S.ACTIVE, True, A.MEET_QUORUM): (S.ACTIVE, False),
    (S.ACTIVE, True, A.REJECT): (S.WITHDRAWN, False),
    (S.ACTIVE, True, A.EXPIRE): (S.WITHDRAWN, False),
    (S.ACTIVE, True, A.WITHDRAW): (S.WITHDRAWN, False),
    (S.ACTIVE, True, A.WITHDRAW_SOME): (S.ACTIVE, True),
    (S.ACTIVE, True, A.ADD_PARTNERS): (S.ACTIVE, True),
    (S.ACTIVE, True, A.REPORT): (S.ACTIVE, True),
    (S.ACTIVE, True, A.ACT_ON_HOLD): (S.ACTIVE, True),
    (S.ACTIVE, False, A.WITHDRAW): (S.WITHDRAWN, False),
    (S.ACTIVE, False, A.WITHDRAW_SOME): (S.ACTIVE, False),
    (S.ACTIVE, False, A.ADD_PARTNERS): (S.ACTIVE, False),
    (S.ACTIVE, False, A.CLOSE): (S.CLOSED, False),
    (S.ACTIVE, False, A.REPORT): (S.ACTIVE, False),
    (S.ACTIVE, False, A.ACT_ON_HOLD): (S.ACTIVE, False),
    (S.WITHDRAWN, False, A.ACT_ON_HOLD): (S.WITHDRAWN, False),
    (S.WITHDRAWN, False, A.REPORT_CROSSING): (S.WITHDRAWN, False),
    (S.CLOSED, False, A.ACT_ON_HOLD): (S.CLOSED, False),
    (S.CLOSED, False, A.REPORT_CROSSING): (S.CLOSED, False),
}


def test_the_table_is_the_one_of_the_design() -> None:
    assert dict(TRANSITIONS) == EXPECTED


@pytest.mark.parametrize(("status", "provisional", "action"), EVERY_CELL)
def test_a_step_in_the_table_is_taken_and_any_other_refused_with_the_status_as_it_is(
    status: RequestStatus | None, *, provisional: bool, action: Action
) -> None:
    expected = EXPECTED.get((status, provisional, action))
    if expected is not None:
        assert next_status(status, action, provisional=provisional) == expected
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_status(status, action, provisional=provisional)
    assert refused.value.current_status == (status.value if status else None)
    assert (status.value if status else "not yet submitted") in refused.value.message
    assert ("provisional" in refused.value.message) == (provisional and status is not None)


def test_the_table_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[S.EXPIRED, False, A.APPROVE] = (S.ACTIVE, False)  # type: ignore[index]


def test_every_status_can_be_reached() -> None:
    reached = {status for status, _ in TRANSITIONS.values()}
    assert reached == set(RequestStatus)


def test_rejected_and_expired_requests_take_nothing_more() -> None:
    assert not [key for key in TRANSITIONS if key[0] in (S.REJECTED, S.EXPIRED)]


@pytest.mark.parametrize(("open_holds", "said"), [(1, "1 hold is"), (3, "3 holds are")])
def test_a_request_with_open_holds_does_not_close(open_holds: int, said: str) -> None:
    with pytest.raises(ConflictError, match=said) as refused:
        require_closable(S.ACTIVE, open_holds=open_holds)
    assert refused.value.code == "holds_open"
    assert refused.value.current_status == "active"


def test_a_request_without_open_holds_closes() -> None:
    assert require_closable(S.ACTIVE, open_holds=0) == (S.CLOSED, False)


def test_a_request_that_is_not_active_does_not_close_even_without_holds() -> None:
    with pytest.raises(InvalidTransitionError):
        require_closable(S.SUBMITTED, open_holds=0)


@pytest.mark.parametrize("open_holds", [0, 1])
def test_a_request_that_nobody_ratified_does_not_close_and_is_told_what_comes_first(
    open_holds: int,
) -> None:
    with pytest.raises(InvalidTransitionError, match="ratifies or rejects") as refused:
        require_closable(S.ACTIVE, open_holds=open_holds, provisional=True)
    assert (refused.value.code, refused.value.current_status) == ("not_ratified", "active")


@pytest.mark.parametrize(
    ("frozen_at", "crossed"),
    [(END - timedelta(microseconds=1), True), (END, False), (None, False)],
)
def test_messages_crossed_if_the_freeze_precedes_the_end(
    frozen_at: datetime | None, *, crossed: bool
) -> None:
    assert is_crossing(frozen_at, ended_at=END) is crossed


@pytest.mark.parametrize(("hours", "taken"), [(0, True), (24, True), (25, False)])
def test_crossing_lines_are_taken_within_the_window(hours: int, *, taken: bool) -> None:
    now = END + timedelta(hours=hours)
    assert takes_late_lines(ended_at=END, now=now, window=timedelta(hours=24)) is taken


@pytest.mark.parametrize(
    ("status", "provisional", "what"),
    [(S.SUBMITTED, False, "expires"), (S.ACTIVE, True, "withdraws itself")],
)
def test_what_is_undecided_is_too_late_from_its_deadline_on(
    status: RequestStatus, what: str, *, provisional: bool
) -> None:
    """A provisional request has one deadline, the one to ratify; a submitted one the other."""
    later = END + timedelta(days=1)
    times = {"approve_by": later, "ratify_by": END} if provisional else {"approve_by": END}
    by = {"provisional": provisional, "ratify_by": None, **times}
    require_in_time(status, now=END - timedelta(microseconds=1), **by)  # type: ignore[arg-type]
    with pytest.raises(InvalidTransitionError) as refused:
        require_in_time(status, now=END, **by)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.current_status) == ("too_late", status)
    assert "2026-11-22T12:00:00Z" in refused.value.message
    assert what in refused.value.message


def test_what_is_decided_knows_no_deadline() -> None:
    long_ago = END - timedelta(days=9)
    for status in (S.ACTIVE, S.CLOSED):
        require_in_time(status, provisional=False, approve_by=long_ago, ratify_by=long_ago, now=END)

"""Misplaced deposits: every cell of both tables, and every cell that is not in them; the sums."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from coordinator.domain.recovery import (
    AWAITED,
    DEPOSIT_TRANSITIONS,
    PARTNERS_ACTS,
    REQUEST_TRANSITIONS,
    Awaits,
    DepositAct,
    RecoveryClocks,
    RequestAct,
    next_deposit_status,
    next_request_status,
    require_fee_within,
    require_whole_return,
)
from holdfast.protocol.vocabulary import DepositStatus, RecoveryStatus

R, D, A = RecoveryStatus, DepositStatus, DepositAct
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)

#: Both tables, written out a second time, so that a change in one shows.
REQUESTS = {
    (R.SUBMITTED, RequestAct.APPROVE): R.OPEN,
    (R.SUBMITTED, RequestAct.REJECT): R.REJECTED,
    (R.SUBMITTED, RequestAct.WITHDRAW): R.WITHDRAWN,
    (R.SUBMITTED, RequestAct.EXPIRE): R.EXPIRED,
    (R.OPEN, RequestAct.SPEAK): R.OPEN,
}
#: In the order of `DepositAct`; "-" is refused.
DEPOSITS = {
    D.OPEN: "found not_found needs declined - - - - withdrawn",
    D.NEEDS: "found not_found needs declined - open - - withdrawn",
    D.FOUND: "- - needs declined returned - - - withdrawn",
    D.NOT_FOUND: "found - - - - open - - withdrawn",
    D.DECLINED: "found - - - - open - - withdrawn",
    D.RETURNED: "- - - - - - confirmed contested -",
    D.CONTESTED: "- - - - returned - confirmed - -",
    D.CONFIRMED: "- - - - - - - - -",
    D.WITHDRAWN: "- - - - - - - - -",
}


@pytest.mark.parametrize(("status", "act"), list(product(RecoveryStatus, RequestAct)))
def test_each_cell_of_a_request(status: RecoveryStatus, act: RequestAct) -> None:
    expected = REQUESTS.get((status, act))
    assert REQUEST_TRANSITIONS.get((status, act)) is expected
    if expected is not None:
        assert next_request_status(status, act) is expected
        return
    with pytest.raises(InvalidTransitionError) as refused:
        next_request_status(status, act)
    assert refused.value.current_status == status.value


@pytest.mark.parametrize(("status", "act"), list(product(DepositStatus, DepositAct)))
def test_each_cell_of_a_deposit(status: DepositStatus, act: DepositAct) -> None:
    expected = DEPOSITS[status].split()[list(DepositAct).index(act)]
    if expected != "-":
        assert next_deposit_status(3, status, act).value == expected
        return
    assert (status, act) not in DEPOSIT_TRANSITIONS
    with pytest.raises(InvalidTransitionError, match="deposit 3 is ") as refused:
        next_deposit_status(3, status, act)
    assert refused.value.current_status == status.value


def test_whoever_s_turn_it_is_has_an_act_and_a_time() -> None:
    clocks = RecoveryClocks(
        approve_within=DAY,
        answer_within=2 * DAY,
        reply_within=3 * DAY,
        return_within=4 * DAY,
        confirm_within=5 * DAY,
    )
    due = {status: clocks.due_at(status, NOON) for status in DepositStatus}
    assert {status for status, at in due.items() if at is not None} == set(AWAITED)
    assert due[D.OPEN] == due[D.CONTESTED] == NOON + 2 * DAY
    assert (due[D.NEEDS], due[D.FOUND]) == (NOON + 3 * DAY, NOON + 4 * DAY)
    assert due[D.RETURNED] == NOON + 5 * DAY
    for status, side in AWAITED.items():
        acts = {act for (each, act) in DEPOSIT_TRANSITIONS if each is status}
        own = acts & PARTNERS_ACTS if side is Awaits.PARTNER else acts - PARTNERS_ACTS
        assert own - {A.WITHDRAW} or status is D.CONTESTED


def test_a_fee_is_within_what_is_accepted_and_what_was_stated() -> None:
    require_fee_within(0, 10, accepted=10, stated=None)
    require_fee_within(0, 9, accepted=10, stated=9)
    with pytest.raises(ConflictError) as above:
        require_fee_within(0, 11, accepted=10, stated=None)
    assert above.value.code == "fee_above_accepted"
    with pytest.raises(ConflictError) as raised:
        require_fee_within(0, 10, accepted=10, stated=9)
    assert raised.value.code == "fee_raised"


@pytest.mark.parametrize(("amount", "fee"), [(89, 10), (91, 10), (100, 1)])
def test_what_goes_back_and_the_fee_are_what_was_found(amount: int, fee: int) -> None:
    require_whole_return(0, amount=90, fee=10, found=100)
    with pytest.raises(ConflictError) as refused:
        require_whole_return(0, amount=amount, fee=fee, found=100)
    assert refused.value.code == "not_the_sum"

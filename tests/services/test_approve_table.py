"""Every act on a request in every status, by the API: allowed ones move it, others do not."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.domain.freeze_request import TRANSITIONS, Action
from coordinator.services.ending.closing import CloseByItself, ExpireFreezeRequest
from coordinator.services.ending.withdrawals import LapseProvisional
from holdfast.protocol.vocabulary import RequestStatus
from tests.services.request_cast import DAY, Ask, Desk, Office, found

State = tuple[RequestStatus, bool]
ACTIVE = (RequestStatus.ACTIVE, False)
PROVISIONAL = (RequestStatus.ACTIVE, True)
SUBMITTED = (RequestStatus.SUBMITTED, False)
NEVER_OUT = {RequestStatus.SUBMITTED, RequestStatus.REJECTED, RequestStatus.EXPIRED}


def _provisional(desk: Desk) -> Ask:
    desk.clock.step(2 * DAY)  # past the daily cap of flash requests
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject])
    ask = desk.submit(urgency="flash")
    desk.policy(desk.cast.a)
    return ask


def _ended(end: Callable[[Desk, Ask], object]) -> Callable[[Desk], Ask]:
    def build(desk: Desk) -> Ask:
        ask = desk.go_out()
        end(desk, ask)
        return ask

    return build


def _rejected(desk: Desk) -> Ask:
    ask = desk.submit()
    desk.decide(ask, decision="reject")
    return ask


def _expired(desk: Desk) -> Ask:
    ask = desk.submit()
    desk.clock.step(DAY)
    desk.own(ExpireFreezeRequest(request_id=ask.id))
    return ask


STATES: dict[State, Callable[[Desk], Ask]] = {
    SUBMITTED: lambda desk: desk.submit(),
    ACTIVE: lambda desk: desk.go_out(),
    PROVISIONAL: _provisional,
    (RequestStatus.REJECTED, False): _rejected,
    (RequestStatus.EXPIRED, False): _expired,
    (RequestStatus.WITHDRAWN, False): _ended(lambda desk, ask: desk.withdraw(ask)),
    (RequestStatus.CLOSED, False): _ended(lambda desk, ask: desk.close(ask)),
}
#: What A's lead sends, and which action of the table it is.
ACTS: dict[Action, tuple[str, dict[str, Any]]] = {
    Action.MEET_QUORUM: ("approvals", {"decision": "approve"}),
    Action.REJECT: ("approvals", {"decision": "reject"}),
    Action.WITHDRAW: ("withdrawal", {"addresses": "all", "reason": "mistaken"}),
    Action.WITHDRAW_SOME: ("withdrawal", {"addresses": [1], "reason": "mistaken"}),
    Action.CLOSE: ("closure", {}),
}


def _send(office: Office, ask: Ask, action: Action) -> tuple[int, dict[str, Any]]:
    path, body = ACTS[action]
    if path == "approvals":
        body = body | {"context_sha256": ask.answer["context_sha256"]}
    return office.act(office.desk.cast.a.lead, ask, path, **body)


def _state(desk: Desk, ask: Ask) -> State:
    row = desk.request(ask)
    return RequestStatus(row.status), row.provisional


@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-provisional' * s[1]}")
def test_acts_outside_the_table_answer_409_with_the_status_and_change_nothing(
    office: Office, state: State
) -> None:
    refused = [action for action in ACTS if (*state, action) not in TRANSITIONS]
    ask = STATES[state](office.desk)
    assert _state(office.desk, ask) == state
    before = office.lasting()
    for action in refused:
        status, problem = _send(office, ask, action)
        told = (status, problem["code"], problem["current_status"])
        code = "not_ratified" if state == PROVISIONAL else "invalid_transition"
        assert (action, told) == (action, (409, code, state[0].value))
    assert office.lasting() == before
    assert refused


@pytest.mark.parametrize(
    ("state", "action"),
    [(state, action) for state in STATES for action in ACTS if (*state, action) in TRANSITIONS],
    ids=lambda each: str(each[0] + "-provisional" * each[1]) if isinstance(each, tuple) else each,
)
def test_acts_in_the_table_move_the_request_as_it_says(
    office: Office, state: State, action: Action
) -> None:
    desk = office.desk
    ask = STATES[state](desk)
    before = desk.row_counts()
    status, answer = _send(office, ask, action)
    after = TRANSITIONS[*state, action]
    assert (status, answer["status"]) == (201, after[0])
    assert _state(desk, ask) == after
    grown = {name for name, count in desk.row_counts().items() if count > before[name]}
    assert grown >= {"act", "log_leaf", "event", "event_audience", "document"}
    news = [t for t in desk.told(desk.cast.a, ask) if t.startswith("freeze_request.")]
    assert len(news) == desk.request(ask).event_sequence


def test_an_approval_below_the_quorum_leaves_the_request_as_it_is(office: Office) -> None:
    desk = office.desk
    for build, state in ((STATES[SUBMITTED], SUBMITTED), (_provisional, PROVISIONAL)):
        ask = build(desk)
        desk.change("UPDATE freeze_request SET quorum = 2 WHERE id = :id", id=ask.id)
        assert _send(office, ask, Action.MEET_QUORUM)[0] == 201
        assert _state(desk, ask) == TRANSITIONS[*state, Action.APPROVE] == state


@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-provisional' * s[1]}")
def test_reports_are_taken_while_active_and_briefly_after_and_before_nobody_knows(
    office: Office, state: State
) -> None:
    ask = STATES[state](office.desk)
    member = office.desk.cast.b.analyst
    status, answer = office.act(member, ask, "freeze-reports", lines=[found(0, 5)])
    allowed = (*state, Action.REPORT) in TRANSITIONS or (
        (*state, Action.REPORT_CROSSING) in TRANSITIONS
    )
    assert status == (201 if allowed else 404)
    assert allowed is (state[0] not in NEVER_OUT)
    assert answer["request_id" if allowed else "code"] == (ask.id if allowed else "not_found")
    assert _state(office.desk, ask) == state


@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-provisional' * s[1]}")
def test_no_timer_ends_a_request_before_its_time_or_from_another_state(
    office: Office, state: State
) -> None:
    desk = office.desk
    ask = STATES[state](desk)
    before = office.lasting()
    timers = (
        ExpireFreezeRequest(request_id=ask.id),
        LapseProvisional(request_id=ask.id),
        CloseByItself(request_id=ask.id),
    )
    for timer in timers:
        assert desk.own(timer) == {"status": "unchanged"}
    assert office.lasting() == before
    desk.clock.step(DAY)
    ended = [timer for timer in timers if desk.own(timer)["status"] != "unchanged"]
    due = {SUBMITTED: timers[:1], PROVISIONAL: timers[1:2]}
    assert ended == list(due.get(state, ()))
    if state in due:
        assert _state(desk, ask) == TRANSITIONS[*state, Action.EXPIRE]


def test_every_status_of_a_request_is_walked() -> None:
    assert {state[0] for state in STATES} == set(RequestStatus)
    starts = {(status, provisional) for status, provisional, _ in TRANSITIONS if status}
    assert starts <= set(STATES)

"""Every act on a leg in every status it can have, by the API: allowed ones count, others do not."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.domain.leg import LEG_ACTS as RULES
from coordinator.domain.leg import LegAct
from coordinator.services.requests.legs import MarkLegsDelivered
from holdfast.protocol.vocabulary import Arrival, LegStatus, RequestStatus
from tests.services.request_cast import (
    Ask,
    Desk,
    Office,
    found,
    frozen,
    nothing,
    released,
    returned,
)

S = LegStatus
#: What B's compliance sends.
ACTS: dict[LegAct, tuple[str, dict[str, Any]]] = {
    LegAct.ACKNOWLEDGE: ("acknowledgement", {}),
    LegAct.REVIEW: ("review", {}),
    LegAct.ASK: ("info-requests", {"missing": ["police report"]}),
    LegAct.DECLINE: ("decline", {"code": "policy_refusal"}),
    LegAct.CANNOT_SAY: ("decline", {"code": "cannot_say"}),
    LegAct.REPORT: ("freeze-reports", {"lines": [found(1, 5)]}),
}
FROZEN = (S.PARTIALLY_FROZEN, S.FROZEN, S.RELEASED, S.RETURNED)
#: How a leg shows after an act that is allowed; by hand, from docs/life-cycle.md.
SHOWS: dict[LegAct, dict[LegStatus, LegStatus]] = {
    LegAct.ACKNOWLEDGE: dict.fromkeys((S.QUEUED, S.DELIVERED), S.ACKNOWLEDGED),
    LegAct.REVIEW: dict.fromkeys(S, S.UNDER_REVIEW) | {s: s for s in FROZEN},
    LegAct.ASK: dict.fromkeys(S, S.INFO_REQUESTED) | {s: s for s in FROZEN},
    LegAct.DECLINE: dict.fromkeys(S, S.DECLINED),
    LegAct.CANNOT_SAY: dict.fromkeys(S, S.CANNOT_SAY),
    LegAct.REPORT: dict.fromkeys(S, S.UNDER_REVIEW)
    | {s: s for s in FROZEN}
    | {S.FROZEN: S.PARTIALLY_FROZEN},
}


def _act(path: str, **body: Any) -> Callable[[Office, Ask], None]:
    def carry_out(office: Office, ask: Ask) -> None:
        status, answer = office.act(office.desk.cast.b.compliance, ask, path, **body)
        assert status == 201, answer

    return carry_out


def _report(*lines: dict[str, Any]) -> Callable[[Office, Ask], None]:
    return _act("freeze-reports", lines=list(lines))


def _let_go(line: Callable[[str, int], dict[str, Any]]) -> Callable[[Office, Ask], None]:
    def carry_out(office: Office, ask: Ask) -> None:
        desk = office.desk
        desk.report(desk.cast.b, ask, line(desk.hold(desk.cast.b, ask, 60), 60))

    return carry_out


def _deliver(office: Office, ask: Ask) -> None:
    desk = office.desk
    desk.own(
        MarkLegsDelivered(leg_ids=frozenset({desk.leg(desk.cast.b, ask).id}), arrival=Arrival.FEED)
    )


STATES: dict[LegStatus, Callable[[Office, Ask], object]] = {
    S.QUEUED: lambda _office, _ask: None,
    S.DELIVERED: _deliver,
    S.ACKNOWLEDGED: _act("acknowledgement"),
    S.UNDER_REVIEW: _act("review"),
    S.INFO_REQUESTED: _act("info-requests", missing=["police report"]),
    S.PARTIALLY_FROZEN: _report(found(0, 100), frozen(0, 60)),
    S.FROZEN: _report(found(0, 60), frozen(0, 60)),
    S.RELEASED: _let_go(released),
    S.RETURNED: _let_go(returned),
    S.NO_MATCH: _report(nothing()),
    S.CANNOT_SAY: _act("decline", code="cannot_say"),
    S.DECLINED: _act("decline", code="policy_refusal"),
    S.WITHDRAWN: lambda office, ask: office.desk.withdraw(ask),
}
#: How a leg shows once its request is withdrawn: what was frozen or refused stays known.
AFTER_THE_END = {s: s for s in (*FROZEN, S.NO_MATCH, S.CANNOT_SAY, S.DECLINED)}


def _build(office: Office, status: LegStatus) -> Ask:
    ask = office.desk.go_out(to=[office.desk.cast.b.handle])
    STATES[status](office, ask)
    assert _status(office.desk, ask) == status
    return ask


def _status(desk: Desk, ask: Ask) -> LegStatus:
    return LegStatus(desk.leg(desk.cast.b, ask).status)


def _send(office: Office, ask: Ask, act: LegAct) -> tuple[int, dict[str, Any]]:
    path, body = ACTS[act]
    return office.act(office.desk.cast.b.compliance, ask, path, **body)


def _is_allowed(act: LegAct, request: RequestStatus, leg: LegStatus) -> bool:
    return request in RULES[act].requests and leg in RULES[act].legs


@pytest.mark.parametrize("status", STATES)
def test_acts_outside_the_table_answer_409_with_the_status_and_change_nothing(
    office: Office, status: LegStatus
) -> None:
    ask = _build(office, status)
    request = RequestStatus(office.desk.status(ask))
    refused = [act for act in ACTS if not _is_allowed(act, request, status)]
    before = office.lasting()
    for act in refused:
        code, problem = _send(office, ask, act)
        assert (act, code, problem["current_status"]) == (act, 409, status.value)
        assert problem["code"] == "invalid_transition"
    assert office.lasting() == before
    assert bool(refused) is (status not in {S.QUEUED, S.DELIVERED})


@pytest.mark.parametrize(
    ("status", "act"),
    [
        (status, act)
        for status in STATES
        for act in ACTS
        if status is not S.WITHDRAWN and _is_allowed(act, RequestStatus.ACTIVE, status)
    ],
)
def test_acts_in_the_table_make_the_leg_show_as_it_says(
    office: Office, status: LegStatus, act: LegAct
) -> None:
    desk = office.desk
    ask = _build(office, status)
    heard = len(desk.told(desk.cast.a, ask))
    code, answer = _send(office, ask, act)
    assert code == 201, answer
    assert _status(desk, ask) == SHOWS[act][status]
    told = desk.feed(desk.cast.a)[-1]
    assert len(desk.told(desk.cast.a, ask)) == heard + 1
    assert told["data"]["status"] == SHOWS[act][status]
    assert desk.feed(desk.cast.b)[-1] == told
    leg = desk.leg(desk.cast.b, ask)
    assert None not in {leg.acknowledged_at, leg.delivered_at}


@pytest.mark.parametrize("status", [status for status in STATES if status is not S.WITHDRAWN])
def test_after_the_request_ended_a_leg_takes_lines_and_nothing_else(
    office: Office, status: LegStatus
) -> None:
    desk = office.desk
    ask = _build(office, status)
    desk.withdraw(ask)
    ended = AFTER_THE_END.get(status, S.WITHDRAWN)
    assert _status(desk, ask) == ended
    before = office.lasting()
    for act in set(ACTS) - {LegAct.REPORT}:
        code, problem = _send(office, ask, act)
        assert (act, code, problem["current_status"]) == (act, 409, ended.value)
    assert office.lasting() == before
    assert _send(office, ask, LegAct.REPORT)[0] == 201
    _deliver(office, ask)
    shown = S.PARTIALLY_FROZEN if ended is S.FROZEN else ended
    assert _status(desk, ask) == (shown if ended in FROZEN else S.WITHDRAWN)


#: What a leg can show while a question of its partner is open.
ASKED = [status for status in STATES if status not in {S.QUEUED, S.DELIVERED, S.ACKNOWLEDGED}]


@pytest.mark.parametrize("status", ASKED)
def test_the_requester_s_answer_changes_what_the_leg_shows_only_where_it_waits_for_it(
    office: Office, status: LegStatus
) -> None:
    desk = office.desk
    ask = office.desk.go_out(to=[desk.cast.b.handle])
    code, asked = _send(office, ask, LegAct.ASK)
    assert code == 201, asked
    if status is not S.INFO_REQUESTED:
        STATES[status](office, ask)
    assert _status(desk, ask) == status
    flagged = "info_requested" in desk.leg(desk.cast.b, ask).flags
    assert flagged is (status is not S.WITHDRAWN)
    before = office.lasting()
    path = f"info-requests/{asked['id']}/answer"
    code, answer = office.act(desk.cast.a.analyst, ask, path, text="Here it is.")
    if _is_allowed(LegAct.ANSWER, RequestStatus(desk.status(ask)), status):
        shown = S.UNDER_REVIEW if status is S.INFO_REQUESTED else status
        assert (code, answer["status"], _status(desk, ask)) == (201, shown, shown)
        assert "info_requested" not in desk.leg(desk.cast.b, ask).flags
        assert desk.feed(desk.cast.b)[-1]["type"] == "leg.info_provided"
    else:
        assert (code, answer["current_status"]) == (409, status.value)
        assert office.lasting() == before


def test_every_status_of_a_leg_is_walked() -> None:
    assert set(STATES) == set(LegStatus)
    assert {*ACTS, LegAct.ANSWER, LegAct.DELIVER, LegAct.WITHDRAW} == set(LegAct)

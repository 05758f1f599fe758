"""After an act a command says what comes next, in one line and with the command for it."""

import pytest

from holdfast.profiles.store import Profile
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.submitted import Submitted
from tests.partners.views import AT, act_view, leg_view


def _next(output: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in output.splitlines() if line.startswith("next")]


@pytest.mark.parametrize("act", ["acknowledge", "review"])
def test_whoever_has_it_answers_next(
    shell: Shell, analyst: Profile, stub: StubCoordinator, act: str
) -> None:
    del analyst
    answer_request(stub)
    path = {"acknowledge": "acknowledgement", "review": "review"}[act]
    for members, said in (
        ({"answer_by": AT}, ["answer every address by 2026-01-02 03:04 UTC: `holdfast report"]),
        ({"answer_by": AT, "clock_paused_at": AT}, ["answer every address (your clock stands): "]),
        ({"answer_by": AT, "answered_at": AT}, []),
        ({}, []),
    ):
        leg = leg_view(status="acknowledged", request_id=FRQ, **members)
        stub.forget("POST", f"{REQUEST}/{path}")
        stub.answers("POST", f"{REQUEST}/{path}", act_view(leg=leg))
        found = _next(shell(act, FRQ).output)
        assert len(found) == len(said)
        assert all(line.startswith(words) for line, words in zip(found, said, strict=True))
        assert all(line.endswith(f"{FRQ}`") for line in found)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("active", "`holdfast status {}` shows what the partners answer"),
        ("submitted", "another lead's `holdfast approve {}`"),
    ],
)
def test_whoever_approves_waits_for_partners_or_for_another_lead(
    shell: Shell, submitted: Submitted, status: str, said: str
) -> None:
    submitted.answer()
    answer = act_view(status=status, request_id=FRQ)
    submitted.stub.forget("POST", f"{REQUEST}/approvals")
    submitted.stub.answers("POST", f"{REQUEST}/approvals", answer, status=201)
    assert _next(shell("approve", FRQ, "--yes").stdout) == [said.format(FRQ)]


def test_whoever_withdraws_is_told_where_holders_are_listed(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/withdrawal", act_view(status="withdrawn"), status=201)
    why = ("--reason-code", "wrong_target", "--reason", "An error.")
    said = _next(shell("withdraw", FRQ, *why).output)
    assert said == ["`holdfast owed` lists who still holds something of it"]


@pytest.mark.parametrize(("status", "shown"), [("active", True), ("withdrawn", False)])
def test_no_clock_to_an_answer_is_shown_once_a_request_is_over(
    shell: Shell, analyst: Profile, stub: StubCoordinator, status: str, *, shown: bool
) -> None:
    del analyst
    answer_request(stub, status=status)
    leg = leg_view(status="frozen", answer_by=AT, request_id=FRQ)
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg]})
    assert ("answer by 2026-01-02" in shell("status", FRQ).output) is shown
    made = {"id": "rep_1", "request_id": FRQ, "leg": leg, "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    answered = shell("report", FRQ, "--nothing", "no_match").output
    assert ("answer the addresses without a line by" in answered) is shown

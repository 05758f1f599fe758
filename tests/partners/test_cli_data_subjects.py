"""`holdfast data-subject`: passed on by account or request, listed, and decided by codes."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, request_view

REQUEST, LETTER = new_id("frq"), new_id("dsr")
PATH = "/v1/data-subject-requests"
CASE: dict[str, Any] = {
    "request_id": REQUEST,
    "requester": "exchange-a.example",
    "address_no": 3,
    "status": "open",
    "due_at": AT,
    "overdue_at": AT,
}
VIEW: dict[str, Any] = {
    "id": LETTER,
    "kind": "erasure",
    "passed_on_by": "exchange-b.example",
    "reference": "DS-17",
    "received_at": AT,
    "recorded_at": AT,
    "due_at": AT,
    "cases": [],
}
RECORD = ("data-subject", "record", "erasure", "--reference", "DS-17", "--received", AT)
ACCOUNT = "eip155:1:0x51E9d833eCaE4E8d9D8bE17300AEE6D3398C135D"


@pytest.fixture(autouse=True)
def _officer(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST}", request_view(id=REQUEST))


def _posted(stub: StubCoordinator) -> dict[str, Any]:
    [posted] = [each for each in stub.seen if each.method == "POST"]
    body: dict[str, Any] = strict_json.loads(posted.body)
    return body


def test_a_letter_is_passed_on_by_the_account(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    done = shell(*RECORD, "--account", ACCOUNT)
    assert done.exit_code == 0, done.output
    assert LETTER in done.output
    sent = _posted(stub)
    assert (sent["account"], sent["reference"], sent["request_id"]) == (ACCOUNT, "DS-17", None)
    for wrong in ((), ("--account", ACCOUNT, "--request", REQUEST)):
        assert shell(*RECORD, *wrong).exit_code == 2
    late = shell(*RECORD[:-1], "yesterday", "--account", ACCOUNT)
    assert (late.exit_code, "--received" in late.output) == (2, True)
    unsealed = shell(*RECORD, "--account", ACCOUNT, "--letter", __file__)
    assert (unsealed.exit_code, "--request" in unsealed.output) == (2, True)


def test_what_waits_and_what_is_late_is_listed(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, {"items": [{**VIEW, "cases": [CASE]}], "next_cursor": None})
    done = shell("data-subject", "list")
    assert done.exit_code == 0, done.output
    for shown in ("erasure", "DS-17", "open", "overdue"):
        assert shown in done.output


def test_a_decision_bears_a_reason_that_fits(shell: Shell, stub: StubCoordinator) -> None:
    path = f"/v1/freeze-requests/{REQUEST}/data-subject-requests/{LETTER}/answer"
    decided = {**CASE, "status": "refused", "reason": "accurate", "act_id": new_id("act")}
    stub.answers("POST", path, decided, status=201)
    answer = ("data-subject", "answer", REQUEST, LETTER)
    for wrong in (
        ("granted", "--reason", "accurate"),
        ("refused",),
        ("refused", "--reason", "complex"),
        ("extended", "--reason", "accurate"),
    ):
        done = shell(*answer, *wrong)
        assert (done.exit_code, "--reason" in done.output) == (2, True)
    done = shell(*answer, "refused", "--reason", "accurate")
    assert done.exit_code == 0, done.output
    assert "refused: accurate" in done.output
    sent = _posted(stub)
    assert (sent["decision"], sent["reason"]) == ("refused", "accurate")

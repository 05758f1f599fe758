"""`holdfast return`: money is asked back, promised by hold, and confirmed, by what was signed."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.type_ids import new_id
from tests.factories import ACCOUNT, ETHER
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.test_cli_destinations import DESTINATION
from tests.partners.test_cli_destinations import VIEW as WHERE
from tests.partners.views import AT, request_view

REQUEST, RETURN, ACT, HOLD = new_id("frq"), new_id("ret"), new_id("act"), new_id("hld")
PATH = f"/v1/freeze-requests/{REQUEST}/return-requests"
PERSON = "per_01m8mkz5afeep9smq9bgj7ffz7"
ASKED: dict[str, Any] = {
    "content_sha256": "ab" * 32,
    "to": "exchange-b.example",
    "holds": "all",
    "asset": ETHER,
    "amount": "12000000000000000000",
    "destination": {"id": DESTINATION, "account": ACCOUNT, "tag": None},
    "basis": {"kind": "own_error", "reason": "A digit was wrong."},
}
BODY = canonical_json.dumps(ASKED).decode()
VIEW: dict[str, Any] = {
    "id": RETURN,
    "request_id": REQUEST,
    "leg_id": new_id("leg"),
    "requester": "exchange-a.example",
    "partner": "exchange-b.example",
    "return_status": "submitted",
    "act_id": ACT,
    "act_sha256": sha256(BODY.encode()).hexdigest(),
    **{name: ASKED[name] for name in ("holds", "asset", "amount", "destination", "basis")},
    "asked_by": PERSON,
    "asked_at": AT,
    "decide_by": AT,
    **dict.fromkeys(("decided_by", "decided_at", "decided_act_id", "answer_by", "answered_at")),
    **dict.fromkeys(("answer_act_id", "code", "suspended_at", "suspended_because")),
    **dict.fromkeys(("receipt_act_id", "ended_at")),
    "parts": [{"hold": HOLD, "accepted": ASKED["amount"], "sent": "0"}],
    "accepted": ASKED["amount"],
    "sent": "0",
    "drill": False,
}
EVIDENCE = {
    "act": "ask_return",
    "act_id": ACT,
    "leg_id": VIEW["leg_id"],
    "kind": "jws",
    "partner": "exchange-a.example",
    "subject": PERSON,
    "kid": "k",
    "jwk": None,
    "token": "t",
    "body": BODY,
    "vouched_by": "exchange-a.example",
    "at": AT,
    "leaf_index": 1,
}


@pytest.fixture(autouse=True)
def _lead(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    request = request_view(id=REQUEST, content_sha256="ab" * 32)
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST}", request)
    stub.answers("GET", PATH, {"items": [VIEW], "next_cursor": None})


def _posted(stub: StubCoordinator) -> Any:
    [posted] = [each for each in stub.seen if each.method == "POST"]
    return strict_json.loads(posted.body)


def _evidence(stub: StubCoordinator, **changes: Any) -> None:
    page = {"items": [EVIDENCE | changes], "next_cursor": None}
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST}/evidence", page)


def test_money_is_asked_back_in_units(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", f"/v1/destinations/{DESTINATION}", WHERE)
    stub.answers("POST", PATH, VIEW, status=201)
    words = ("--from", "exchange-b.example", "--to", DESTINATION, "--amount", "12 ETH")
    done = shell("return", "ask", REQUEST, *words, "--own-error", "A digit was wrong.")
    assert done.exit_code == 0, done.output
    assert _posted(stub) == ASKED
    assert "12 ETH" in done.output
    for wrong in ((), ("--own-error", "x", "--court", "y"), ("--court", "Harju County Court")):
        assert shell("return", "ask", REQUEST, *words, *wrong).exit_code == 2


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_is_decided_on_is_what_was_signed(
    shell: Shell, stub: StubCoordinator, decision: str
) -> None:
    _evidence(stub)
    stub.answers("POST", f"{PATH}/{RETURN}/approvals", VIEW, status=201)
    done = shell("return", decision, REQUEST, RETURN)
    assert done.exit_code == 0, done.output
    assert _posted(stub) == {
        "content_sha256": "ab" * 32,
        "act_sha256": VIEW["act_sha256"],
        "decision": decision,
    }


def test_what_is_shown_and_was_not_signed_is_not_approved(
    shell: Shell, stub: StubCoordinator
) -> None:
    other = ASKED | {"amount": "1"}
    _evidence(stub, body=canonical_json.dumps(other).decode())
    done = shell("return", "approve", REQUEST, RETURN)
    assert done.exit_code == 8, done.output
    assert [each for each in stub.seen if each.method == "POST"] == []


def test_a_promise_is_made_by_hold(shell: Shell, stub: StubCoordinator) -> None:
    _evidence(stub)
    stub.answers("POST", f"{PATH}/{RETURN}/answer", VIEW, status=201)
    assert shell("return", "accept", REQUEST, RETURN).exit_code == 2
    done = shell("return", "accept", REQUEST, RETURN, "--part", HOLD, "12 ETH")
    assert done.exit_code == 0, done.output
    sent = _posted(stub)
    assert (sent["decision"], sent["parts"]) == (
        "accept",
        [{"hold": HOLD, "amount": ASKED["amount"]}],
    )
    assert "12 ETH accepted, 0 ETH sent" in done.output


def test_they_are_listed_in_units(shell: Shell, stub: StubCoordinator) -> None:
    del stub
    done = shell("return", "list", REQUEST)
    assert done.exit_code == 0, done.output
    for shown in (RETURN, "exchange-b.example", "12 ETH", "submitted"):
        assert shown in done.output

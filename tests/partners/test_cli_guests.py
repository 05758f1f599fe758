"""`holdfast guest`: asked by domain, and listed as unverified."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, request_view

REQUEST = new_id("frq")
PATH = f"/v1/freeze-requests/{REQUEST}/guests"
ETHER = "eip155:1/slip44:60"
VIEW: dict[str, Any] = {
    "id": new_id("gst"),
    "request_id": REQUEST,
    "act_id": new_id("act"),
    "domain": "guest.example",
    "unverified": True,
    "status": "contacted",
    "asked_at": AT,
    "answer_by": AT,
    "answers": [],
}
LINES = [
    {"address_no": 0, "kind": "frozen", "asset": ETHER, "amount": "1500000000000000000"},
    {"address_no": 1, "kind": "nothing", "asset": None, "amount": None},
]
SAID = {
    "id": new_id("gan"),
    "act_id": new_id("act"),
    "kind": "reported",
    "at": AT,
    "code": None,
    "lines": LINES,
    "answer_sha256": "ab" * 32,
}


@pytest.fixture(autouse=True)
def _lead(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST}", request_view(id=REQUEST))


def test_a_guest_is_asked_by_its_domain(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    done = shell("guest", "ask", REQUEST, "Guest.example")
    assert done.exit_code == 0, done.output
    [posted] = [each for each in stub.seen if each.method == "POST"]
    assert strict_json.loads(posted.body)["domain"] == "guest.example"
    assert "unverified" in done.output
    odd = shell("guest", "ask", REQUEST, "gäst.example")
    assert (odd.exit_code, "A-label" in odd.output) == (2, True)


def test_what_guests_say_is_listed_as_unverified(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, {"items": [{**VIEW, "answers": [SAID]}], "next_cursor": None})
    done = shell("guest", "list", REQUEST)
    assert done.exit_code == 0, done.output
    for shown in ("guest.example", "unverified", "frozen 1.5 ETH", "no. 1: nothing"):
        assert shown in done.output

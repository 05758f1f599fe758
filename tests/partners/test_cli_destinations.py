"""`holdfast destination`: what is named, approved by its own bytes, proven and closed."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.factories import ACCOUNT, ETHER
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

PATH = "/v1/destinations"
PERSON = "per_01m8mkz5afeep9smq9bgj7ffz7"
DESTINATION = new_id("dst")
BODY = f'{{"account":"{ACCOUNT}","label":"Cold wallet 3","tag":null}}'
VIEW: dict[str, Any] = {
    "id": DESTINATION,
    "partner": "exchange-a.example",
    "destination_status": "proposed",
    "account": ACCOUNT,
    "tag": None,
    "label": "Cold wallet 3",
    "act_sha256": sha256(BODY.encode()).hexdigest(),
    "body": BODY,
    "proposed_by": PERSON,
    "proposed_at": AT,
    "decide_by": "2026-03-09T12:00:00Z",
    "decided_by": None,
    "decided_at": None,
    "usable_at": None,
    "test_transfer": None,
    "closed_by": None,
    "closed_at": None,
    "why_not": "proposed",
}
BELOW = f"{PATH}/{DESTINATION}"
TX = f"0x{'5e' * 32}"


@pytest.fixture(autouse=True)
def _lead(analyst: Profile) -> None:
    del analyst


def _posted(stub: StubCoordinator) -> Any:
    [posted] = [each for each in stub.seen if each.method == "POST"]
    return strict_json.loads(posted.body)


def test_an_account_is_named_and_listed(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    done = shell("destination", "propose", ACCOUNT, "--label", "Cold wallet 3")
    assert done.exit_code == 0, done.output
    assert _posted(stub) == {"account": ACCOUNT, "tag": None, "label": "Cold wallet 3"}
    assert "no: nobody approved it yet" in done.output
    stub.answers("GET", PATH, {"items": [VIEW], "next_cursor": None})
    listed = shell("destination", "list")
    assert ACCOUNT in listed.output


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_is_decided_on_is_the_proposal_itself(
    shell: Shell, stub: StubCoordinator, decision: str
) -> None:
    stub.answers("GET", BELOW, VIEW)
    stub.answers("POST", f"{BELOW}/approvals", VIEW, status=201)
    done = shell("destination", decision, DESTINATION)
    assert done.exit_code == 0, done.output
    assert _posted(stub) == {"act_sha256": VIEW["act_sha256"], "decision": decision}
    assert f"{decision}: {ACCOUNT}" in done.output


@pytest.mark.parametrize(
    "change",
    [
        {"account": "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
        {"tag": "7"},
        {"body": "{}"},
        {"body": None},
    ],
)
def test_an_account_that_is_shown_and_was_not_proposed_is_not_approved(
    shell: Shell, stub: StubCoordinator, change: dict[str, Any]
) -> None:
    stub.answers("GET", BELOW, VIEW | change)
    done = shell("destination", "approve", DESTINATION)
    assert done.exit_code == 8, done.output
    assert [each for each in stub.seen if each.method == "POST"] == []


def test_a_test_transfer_is_confirmed_in_units(shell: Shell, stub: StubCoordinator) -> None:
    arrived = {
        "tx": TX,
        "asset": ETHER,
        "amount": "10000000000000000",
        "confirmed_by": PERSON,
        "confirmed_at": AT,
    }
    proven = VIEW | {
        "destination_status": "proven",
        "test_transfer": arrived,
        "usable_at": AT,
        "why_not": "too_new",
    }
    stub.answers("GET", BELOW, VIEW)
    stub.answers("POST", f"{BELOW}/test-transfers", proven, status=201)
    done = shell("destination", "confirm-test", DESTINATION, "--tx", TX, "--amount", "0.01 ETH")
    assert done.exit_code == 0, done.output
    assert _posted(stub) == {"tx": TX, "asset": ETHER, "amount": "10000000000000000"}
    assert "0.01 ETH" in done.output
    assert "from 2026-" in done.output


def test_one_is_closed_with_a_reason(shell: Shell, stub: StubCoordinator) -> None:
    closed = VIEW | {"destination_status": "closed", "why_not": "closed"}
    stub.answers("POST", f"{BELOW}/closure", closed, status=201)
    assert shell("destination", "close", DESTINATION).exit_code == 2
    done = shell("destination", "close", DESTINATION, "--reason", "Out of use")
    assert done.exit_code == 0, done.output
    assert _posted(stub) == {"reason": "Out of use"}

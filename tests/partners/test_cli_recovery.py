"""`holdfast recovery …`: what is sent, and what is shown of it."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

RECOVERY = new_id("rcv")
PATH = f"/v1/recovery-requests/{RECOVERY}"
ETHER = "eip155:1/slip44:60"
ACCOUNT = "eip155:1:0x8617E340B3D01FA5F11F306F4090FD50E238070D"
SENDER = "eip155:1:0x52908400098527886E0F7030069857D2E4169EE7"
TX = f"0x{'ab' * 32}"
DEPOSIT: dict[str, Any] = {
    "account": ACCOUNT,
    "asset": ETHER,
    "amount": "1500000000000000000",
    "tx": TX,
    "sent_from": SENDER,
    "return_to": SENDER,
    "mistake": "wrong_network",
    "fee_accepted": "10000000000000000",
}
BODY = canonical_json.dumps(
    {"nonce": "A" * 22, "to": "exchange-b.example", "drill": False, "deposits": [DEPOSIT]}
)
COUNTS: dict[str, Any] = {"deposits": {"open": 1}, "awaits_partner": 1, "awaits_requester": 0}
VIEW: dict[str, Any] = {
    "id": RECOVERY,
    "requester": "exchange-a.example",
    "partner": "exchange-b.example",
    "status": "open",
    "drill": False,
    "content_sha256": sha256(BODY).hexdigest(),
    "submitted_at": AT,
    "deposit_count": 1,
    **COUNTS,
}
RESULT = {"id": RECOVERY, "act_id": new_id("act"), "status": "open", "drill": False, **COUNTS}
SHOWN = {**DEPOSIT, "no": 0, "status": "found", "found_amount": DEPOSIT["amount"]}
SHOWN |= {"fee": "10000000000000000", "overdue": False}


@pytest.fixture(autouse=True)
def _there(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("GET", PATH, VIEW)
    stub.answers("GET", f"{PATH}/deposits", {"items": [SHOWN], "next_cursor": None})


def _posted(stub: StubCoordinator) -> dict[str, Any]:
    [posted] = [each for each in stub.seen if each.method == "POST"]
    body: dict[str, Any] = strict_json.loads(posted.body)
    return body


def _one(*more: str) -> tuple[str, ...]:
    given = {"account": ACCOUNT, "amount": "1.5 ETH", "tx": TX, "sent-from": SENDER}
    given |= {"fee": "0.01 ETH", "mistake": "wrong_network"}
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    return ("recovery", "submit", "exchange-b.example", *options, *more)


def test_one_deposit_is_asked_for_by_options_or_many_by_a_table(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    stub.answers("POST", "/v1/recovery-requests", VIEW, status=201)
    done = shell(*_one())
    assert done.exit_code == 0, done.output
    assert _posted(stub)["deposits"] == [DEPOSIT]
    assert RECOVERY in done.output
    stub.seen.clear()
    table = tmp_path / "misplaced.csv"
    header = "account,amount,tx,sent_from,mistake,fee_accepted"
    table.write_text(f"{header}\n{ACCOUNT},1.5 ETH,{TX},{SENDER},wrong_network,0.01 ETH\n")
    assert shell("recovery", "submit", "exchange-b.example", str(table)).exit_code == 0
    assert _posted(stub)["deposits"] == [DEPOSIT]
    assert shell("recovery", "submit", "exchange-b.example").exit_code == 2
    assert shell(*_one(), str(table)).exit_code == 2


def test_what_is_approved_is_read_from_the_signed_document(
    shell: Shell, stub: StubCoordinator
) -> None:
    act = {"act": "submit_recovery", "act_id": new_id("act"), "recovery_id": RECOVERY}
    act |= {"kind": "jws", "at": AT, "body": BODY.decode()}
    stub.answers("GET", f"{PATH}/evidence", {"items": [act], "next_cursor": None})
    stub.answers("POST", f"{PATH}/approvals", RESULT, status=201)
    done = shell("recovery", "approve", RECOVERY, "--yes")
    assert done.exit_code == 0, done.output
    for shown in ("exchange-b.example", "1.5 ETH", "0.01 ETH", "its sender"):
        assert shown in done.output
    assert _posted(stub) == {
        "content_sha256": VIEW["content_sha256"],
        "decision": "approve",
        "comment": None,
    }
    stub.seen.clear()
    forged = {**act, "body": BODY.decode().replace("1500", "2500")}
    stub.forget("GET", f"{PATH}/evidence")
    stub.answers("GET", f"{PATH}/evidence", {"items": [forged], "next_cursor": None})
    assert shell("recovery", "approve", RECOVERY, "--yes").exit_code == 8
    assert [each for each in stub.seen if each.method == "POST"] == []


def test_a_return_keeps_the_fee_that_was_stated_and_adds_up(
    shell: Shell, stub: StubCoordinator
) -> None:
    stub.answers("POST", f"{PATH}/answers", RESULT, status=201)
    done = shell("recovery", "returned", RECOVERY, "0", "--tx", f"0x{'cd' * 32}")
    assert done.exit_code == 0, done.output
    assert _posted(stub)["lines"] == [
        {
            "kind": "returned",
            "no": 0,
            "tx": f"0x{'cd' * 32}",
            "amount": "1490000000000000000",
            "fee": "10000000000000000",
        }
    ]
    assert shell("recovery", "returned", RECOVERY, "7", "--tx", TX).exit_code == 2


def test_lists_show_amounts_in_units_and_the_export_is_a_table(shell: Shell) -> None:
    shown = shell("recovery", "deposits", RECOVERY)
    assert shown.exit_code == 0, shown.output
    assert "1.5 ETH" in shown.output
    exported = shell("recovery", "export", RECOVERY)
    assert exported.output.startswith("no,kind,status,account")
    assert "1.5 ETH" in exported.output

"""`holdfast restitution`: terms, pool lines and claims by files, decisions, shares and payouts."""

import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.type_ids import new_id
from tests.factories import ACCOUNT, ETHER
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

PATH = "/v1/restitutions"
RST, CLM, ALO = new_id("rst"), new_id("clm"), new_id("alo")
ETH = 10**18
SUMS = {
    "returned": str(3 * ETH),
    "converted_in": "0",
    "converted_out": "0",
    "fees": "0",
    "costs": "0",
    "reserved": "0",
    "allocated": "0",
    "available": str(3 * ETH),
}
VIEW: dict[str, Any] = {
    "id": RST,
    "incident": new_id("inc"),
    "opener": "exchange-a.example",
    "status": "open",
    "content_sha256": "ab" * 32,
    "asset": ETHER,
    "key_theft": True,
    "verify_by_two_above": str(ETH),
    "valuation": None,
    "claims_close_at": AT,
    "objections_until": AT,
    "unclaimed_to": "Those who were paid.",
    "opened_at": AT,
    "closed_at": None,
    "pool": {ETHER: SUMS},
    "claims": {"received": 2},
    "payouts": {"due": {"count": 2, "amount": str(ETH)}},
}
CLAIM: dict[str, Any] = {
    "id": CLM,
    "restitution_id": RST,
    "act_id": new_id("act"),
    "ref": "V-1",
    "filed_by": "exchange-a.example",
    "status": "verified",
    "addresses": [ACCOUNT],
    "asset": ETHER,
    "amount": str(2 * ETH),
    "value": str(2 * ETH),
    "tx": None,
    "proof": "documents",
    "documents": ["ab" * 32],
    "payout": ACCOUNT,
    "sealed": None,
    "late": False,
    "verified": str(2 * ETH),
    "verifications": 2,
    "allocated": None,
    "code": None,
    "reason": None,
    "objection": None,
    "doubles": [],
    "filed_at": AT,
    "decided_at": AT,
}
ALLOCATION: dict[str, Any] = {
    "id": ALO,
    "restitution_id": RST,
    "act_id": new_id("act"),
    "act_sha256": "cd" * 32,
    "method": "pro_rata",
    "status": "proposed",
    "pool": str(2 * ETH),
    "given": str(2 * ETH),
    "minimum": "0",
    "schedule_sha256": None,
    "claim_count": 1,
    "approvals": 0,
    "proposed_by": "per_01m8mkz5afeep9smq9bgj7ffz7",
    "proposed_at": AT,
    "decided_at": None,
}


@pytest.fixture(autouse=True)
def _lead(analyst: Profile) -> None:
    del analyst


def _posted(stub: StubCoordinator) -> Any:
    [posted] = [each for each in stub.seen if each.method == "POST"]
    return strict_json.loads(posted.body)


def _restitution(stub: StubCoordinator) -> str:
    stub.answers("GET", f"{PATH}/{RST}", VIEW)
    return f"{PATH}/{RST}"


def _list(stub: StubCoordinator, path: str, *items: dict[str, Any]) -> None:
    stub.answers("GET", path, {"items": list(items), "next_cursor": None})


def test_a_restitution_is_shown_in_units_with_its_sums(shell: Shell, stub: StubCoordinator) -> None:
    _restitution(stub)
    shown = shell("restitution", "show", RST)
    assert shown.exit_code == 0, shown.output
    for words in ("no: keys were stolen", "2 received", "1 ETH", "Those who were paid."):
        assert words in shown.output
    assert str(ETH) not in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80


def test_terms_are_read_from_a_file_and_get_a_nonce(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    names = ("incident", "asset", "claims_close_at", "objections_until", "unclaimed_to")
    terms = {name: VIEW[name] for name in names}
    done = shell("restitution", "open", shell.write("terms.json", canonical_json.dumps(terms)))
    assert done.exit_code == 0, done.output
    sent = _posted(stub)
    assert len(sent.pop("nonce")) == 22
    assert sent == terms
    for raw in (b"{", canonical_json.dumps(terms | {"asset": 7}), b"[]"):
        wrong = shell("restitution", "open", shell.write("terms.json", raw))
        assert wrong.exit_code == 2, wrong.output


def test_claims_are_read_from_a_table(shell: Shell, stub: StubCoordinator) -> None:
    path = _restitution(stub)
    filed = {"id": CLM, "ref": "V-1", "value": str(2 * ETH), "has_double": True}
    answer = {"restitution_id": RST, "act_id": new_id("act"), "late": False, "claims": [filed]}
    stub.answers("POST", f"{path}/claims", answer, status=201)
    head = "ref,addresses,amount,proof,documents,payout\n"
    good = f"V-1,{ACCOUNT},2 ETH,documents,{'ab' * 32},{ACCOUNT}\n"
    wrong = shell("restitution", "file", RST, shell.write("claims.csv", f"{head}{good}V 2,,,,,\n"))
    assert "line 3" in wrong.output
    assert [each for each in stub.seen if each.method == "POST"] == []
    done = shell("restitution", "file", RST, shell.write("claims.csv", head + good))
    assert done.exit_code == 0, done.output
    assert "1 name the same as another: V-1" in done.output
    [claim] = _posted(stub)["claims"]
    assert (claim["amount"], claim["documents"]) == (str(2 * ETH), ["ab" * 32])


def test_a_claim_is_paid_elsewhere_once_another_person_approved_the_account(
    shell: Shell, stub: StubCoordinator
) -> None:
    path = _restitution(stub)
    change = {
        "id": new_id("poc"),
        "payout": ACCOUNT,
        "change_status": "proposed",
        "act_id": new_id("act"),
        "act_sha256": "cd" * 32,
        "proposed_by": new_id("per"),
        "proposed_at": "2026-03-02T12:00:00Z",
    }
    changes = f"{path}/claims/{CLM}/payout-changes"
    stub.answers("POST", changes, {"act_id": change["act_id"], "change": change}, status=201)
    said = shell.write("account.json", f'{{"payout": "{ACCOUNT}", "documents": ["{"ef" * 32}"]}}')
    done = shell("restitution", "pay-to", RST, CLM, said)
    assert done.exit_code == 0, done.output
    assert _posted(stub)["documents"] == ["ef" * 32]
    wrong = shell("restitution", "pay-to", RST, CLM, shell.write("bad.json", "[]"))
    assert "must be a JSON object" in wrong.output
    stub.seen.clear()
    _list(stub, f"{path}/claims", CLAIM | {"payout_change": change})
    in_force = "2026-03-05T12:00:00Z"
    approved = change | {"change_status": "approved", "in_force_at": in_force}
    decided = {"act_id": new_id("act"), "change": approved}
    stub.answers("POST", f"{changes}/{change['id']}/decisions", decided, status=201)
    done = shell("restitution", "approve-account", RST, CLM)
    assert "2026-03-05" in done.output, done.output
    assert _posted(stub)["act_sha256"] == change["act_sha256"]
    other = shell("restitution", "approve-account", RST, new_id("clm"))
    assert "no other account" in other.output


def test_what_is_available_is_shared_and_two_approve_by_its_hash(
    shell: Shell, stub: StubCoordinator
) -> None:
    path = _restitution(stub)
    _list(stub, f"{path}/claims", CLAIM, CLAIM | {"id": new_id("clm"), "verified": None})
    stub.answers("POST", f"{path}/allocations", ALLOCATION, status=201)
    done = shell("restitution", "allocate", RST, "--pool", "1.5 ETH")
    assert done.exit_code == 0, done.output
    [part] = _posted(stub)["claims"]
    assert part == {"claim": CLM, "value": str(2 * ETH), "before": "0", "amount": str(3 * ETH // 2)}
    stub.seen.clear()
    _list(stub, f"{path}/allocations", ALLOCATION)
    decided = ALLOCATION | {"approvals": 1}
    stub.answers("POST", f"{path}/allocations/{ALO}/approvals", decided, status=201)
    approved = shell("restitution", "approve", RST, ALO)
    assert "1 of 2" in approved.output, approved.output
    assert _posted(stub)["act_sha256"] == ALLOCATION["act_sha256"]
    assert shell("restitution", "approve", RST, new_id("alo")).exit_code == 2


def test_links_are_written_to_a_file_and_their_hashes_alone_are_sent(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    path = _restitution(stub)
    theirs = CLAIM | {"id": new_id("clm"), "filed_by": "exchange-b.example"}
    _list(stub, f"{path}/claims", CLAIM, theirs)
    page = "https://console.example/console/claim"
    made = {"restitution_id": RST, "act_id": new_id("act"), "page": page, "links": 1}
    stub.answers("POST", f"{path}/claim-links", made | {"expires_at": AT}, status=201)
    out = tmp_path / "links.csv"
    done = shell("restitution", "links", RST, "--all", "--out", str(out))
    assert done.exit_code == 0, done.output
    head, row = out.read_text().splitlines()
    ref, link = row.split(",")
    assert (head, ref, link.partition("#")[0]) == ("ref,link", "V-1", page)
    token = link.partition("#")[2]
    digest = sha256(token.encode()).hexdigest()
    assert (len(token), _posted(stub)["links"]) == (43, [{"claim": CLM, "link_sha256": digest}])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert token not in done.output
    stub.seen.clear()
    again = shell("restitution", "links", RST, CLM, "--out", str(out))
    assert (again.exit_code, "is not overwritten" in again.output) == (2, True)
    for wrong in ([], [CLM, "--all"], [theirs["id"]]):
        refused = shell("restitution", "links", RST, *wrong, "--out", str(tmp_path / "new.csv"))
        assert refused.exit_code == 2, refused.output
    assert not (tmp_path / "new.csv").exists()
    assert [each for each in stub.seen if each.method == "POST"] == []


def test_no_file_stays_where_no_link_was_made(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    path = _restitution(stub)
    _list(stub, f"{path}/claims", CLAIM)
    problem = {"code": "restitution_closed", "title": "Conflict", "status": 409}
    stub.answers("POST", f"{path}/claim-links", problem, status=409)
    refused = shell("restitution", "links", RST, CLM, "--out", str(tmp_path / "links.csv"))
    assert refused.exit_code != 0, refused.output
    assert not (tmp_path / "links.csv").exists()


def test_links_are_taken_back(shell: Shell, stub: StubCoordinator) -> None:
    path = _restitution(stub)
    _list(stub, f"{path}/claims", CLAIM)
    revoked = {"restitution_id": RST, "act_id": new_id("act"), "revoked": 1}
    stub.answers("POST", f"{path}/claim-link-revocations", revoked, status=201)
    done = shell("restitution", "unlink", RST, CLM)
    assert "1 link(s) are taken back." in done.output, done.output
    assert _posted(stub)["claims"] == [CLM]

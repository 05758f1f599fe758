"""Evidence bundles of restitutions and recovery requests: whole, and altered by whoever has one."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.errors import BundleError, UntrustedEvidenceError
from holdfast.evidence.act_rules import ACT_RULES, RECOVERIES, RESTITUTIONS
from holdfast.evidence.case_file import Result
from holdfast.protocol import canonical_json
from holdfast.protocol.bundle_layout import act_file
from holdfast.protocol.request_token import make_request_token, read_evidence_front
from holdfast.protocol.type_ids import new_id
from tests.factories import Cast, Member, Signer
from tests.services.bundles import Unpacked, by_openssl, examined, judged, refused
from tests.services.recovery_world import Recoveries, deposit, found, returned
from tests.services.request_cast import Office
from tests.services.restoring_cast import (
    DAY,
    Restoring,
    allocate,
    claim,
    opened,
    payout_account,
    shared,
)
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def bundle(w: World, member: Member, path: str) -> bytes:
    answer = w.signer.get(member, f"{path}/evidence-bundle")
    assert answer.status_code == 200, answer.get_data()
    return answer.get_data()


def given_back(w: World) -> Restoring:
    """Return a restitution on which everything happened that can, up to the payouts."""
    a, b = w.cast.a, w.cast.b
    rst = opened(w)
    rst.came_back(1_000)
    rst.act(
        a.lead,
        "pool-lines",
        lines=[
            {"kind": "cost", "asset": rst.view["asset"], "amount": "40", "what": "Tracing."},
            {"kind": "reserve", "asset": rst.view["asset"], "amount": "60", "what": "Late ones."},
        ],
    )
    large, small, refused_ = rst.file(claim(1, 2_000), claim(2, 500), claim(3, 700))
    [theirs] = rst.file(claim(4, 300, proof="attested", documents=...), by=b.compliance)
    links = [{"claim": large, "link_sha256": sha256(b"a token").hexdigest()}]
    rst.act(a.compliance, "claim-links", links=links)
    rst.act(a.lead, "claim-link-revocations", claims=[large])
    rst.decide(a.compliance, large, decision="verify")
    rst.decide(a.lead, large, decision="verify")
    rst.decide(a.compliance, small, decision="verify", amount="400")
    rst.decide(a.compliance, refused_, decision="reject", code="proof_fails")
    rst.decide(a.compliance, theirs, decision="reject", code="proof_fails")
    rst.act(b.compliance, f"claims/{theirs}/objections", reason="They were ours, see the list.")
    rst.decide(a.lead, theirs, decision="verify")
    made = rst.act(a.compliance, "allocations", **shared(rst, 100))
    no = {"decision": "reject", "act_sha256": made["act_sha256"]}
    rst.act(a.lead, f"allocations/{made['id']}/approvals", **no)
    allocate(rst, 600)
    allocate(rst, 250)
    payouts = w.get(a.auditor, f"{rst.path}/payouts")["items"]
    lines = [{"payout": each["id"], "tx": "0x" + f"{n:064x}"} for n, each in enumerate(payouts)]
    rst.act(a.lead, "payouts", lines=[{"payout": payouts[0]["id"], "failed": "Bounced."}])
    rst.act(a.lead, "payouts", lines=lines[:4])
    _changed_accounts(rst, large, small, theirs)
    return rst


def _changed_accounts(rst: Restoring, large: str, small: str, theirs: str) -> None:
    """Have one account changed and in force, one rejected, and one wait; a payout follows."""
    w, a, b = rst.w, rst.w.cast.a, rst.w.cast.b
    first = _propose(rst, a.compliance, small, 61)
    _decide_account(rst, a.lead, small, first, "approve")
    other = _propose(rst, b.compliance, theirs, 62)
    _decide_account(rst, a.lead, theirs, other, "reject")
    w.clock.step(4 * DAY)
    last = next(
        each
        for each in w.get(a.auditor, f"{rst.path}/payouts")["items"]
        if each["claim_id"] == small and each["status"] == "due"
    )
    rst.act(a.lead, "payouts", lines=[{"payout": last["id"], "tx": "0x" + "55" * 32}])
    second = _propose(rst, a.compliance, large, 63)
    _decide_account(rst, a.second_lead, large, second, "approve")


def _propose(rst: Restoring, by: Member, claim_id: str, number: int) -> Any:
    said = {"payout": payout_account(number), "documents": ["ef" * 32]}
    return rst.act(by, f"claims/{claim_id}/payout-changes", **said)["change"]


def _decide_account(rst: Restoring, by: Member, claim_id: str, change: Any, decision: str) -> None:
    body = {"decision": decision, "act_sha256": change["act_sha256"]}
    rst.act(by, f"claims/{claim_id}/payout-changes/{change['id']}/decisions", **body)


def recovered(w: World) -> dict[str, Any]:
    """Return a recovery request whose deposits stand everywhere."""
    both = Recoveries(w)
    request = both.out(*(deposit(number) for number in range(5)))
    both.answer(request, found(0), found(1), {"kind": "not_found", "no": 2}, found(3))
    both.answer(
        request, returned(0), returned(1), {"kind": "declined", "no": 3, "code": "uneconomic"}
    )
    both.reply(request, {"kind": "confirmed", "no": 0}, {"kind": "not_received", "no": 1})
    both.act(w.cast.a.analyst, request, "withdrawal", deposits=[4], reason="Found elsewhere.")
    return request


def no_fault(packed: bytes) -> Unpacked:
    """Return a bundle in which nothing fails."""
    examination = examined(packed)
    assert examination.failures == []
    return Unpacked.of(packed)


def every_fault(packed: bytes) -> str:
    """Return all that speaks against a bundle; fails if nothing does."""
    try:
        failures = examined(packed).failures
    except UntrustedEvidenceError as error:
        return str(error)
    assert failures
    return "; ".join(f"{each.what}: {each.detail}" for each in failures)


def test_the_opener_of_a_restitution_gets_all_of_it_proven(w: World, tmp_path: Path) -> None:
    rst = given_back(w)
    packed = bundle(w, w.cast.a.auditor, rst.path)
    whole = no_fault(packed)
    results = {each.what: each.result for each in examined(packed).findings}
    for what in (
        "restitution",
        "pool",
        "claims",
        "accounts",
        "allocations",
        "payouts",
        "status",
        "sums",
    ):
        assert results[what] is Result.VERIFIED
    kinds = {each["act"] for each in whole.lines("acts.jsonl")}
    assert kinds == {
        each
        for each, rule in ACT_RULES.items()
        if rule.base == RESTITUTIONS and each != "close_restitution"
    }
    verdict = by_openssl(tmp_path / "unpacked", whole)
    assert (verdict.returncode, "FAILED" in verdict.stdout) == (0, False)
    second = judged(tmp_path, packed)
    assert second.stdout.startswith(f"ok: {rst.view['id']}"), second.stderr
    assert "summary.pdf" not in whole.files
    assert whole.lines("custody.jsonl") == []
    again = no_fault(bundle(w, w.cast.a.lead, rst.path))
    assert [each["partner"] for each in again.lines("custody.jsonl")] == [w.cast.a.handle]


def test_who_files_claims_gets_the_acts_on_its_own_and_nothing_of_others(
    w: World, tmp_path: Path
) -> None:
    rst = given_back(w)
    packed = bundle(w, w.cast.b.auditor, rst.path)
    own = no_fault(packed)
    acts = {(each["act"], each["partner"]) for each in own.lines("acts.jsonl")}
    a, b = w.cast.a.handle, w.cast.b.handle
    assert acts == {
        ("open_restitution", a),
        ("file_claims", b),
        ("reject_claim", a),
        ("object_to_claim", b),
        ("verify_claim", a),
        ("propose_payout_account", b),
        ("reject_payout_account", a),
    }
    assert {each["filed_by"] for each in own.lines("restitution/claims.jsonl")} == {b}
    assert own.lines("restitution/allocations.jsonl") == []
    assert own.lines("restitution/payouts.jsonl") == []
    others = {each["id"] for each in rst.claims(w.cast.a.lead) if each["filed_by"] != b}
    everything = b"".join(own.files.values())
    assert [each for each in others if each.encode() in everything] == []
    second = judged(tmp_path, packed)
    assert second.returncode == 0, second.stderr
    path = f"{rst.path}/evidence-bundle"
    w.get(w.cast.d.lead, path, status=404)  # nothing was asked of it in the incident


def test_a_closed_restitution_is_proven_to_be(w: World) -> None:
    rst = opened(w)
    w.clock.step(61 * DAY)
    rst.act(w.cast.a.lead, "closure")
    whole = no_fault(bundle(w, w.cast.a.auditor, rst.path))
    view = whole.json("restitution/restitution.json")
    whole.put("restitution/restitution.json", view | {"status": "open"})
    assert "status: it is shown as open, and 1 acts closed it" in every_fault(whole.pack())


def test_both_sides_of_a_recovery_request_get_all_of_it_proven(w: World, tmp_path: Path) -> None:
    request = recovered(w)
    path = f"{RECOVERIES}/{request['id']}"
    for side in (w.cast.a, w.cast.b):
        packed = bundle(w, side.auditor, path)
        whole = no_fault(packed)
        assert {each["act"] for each in whole.lines("acts.jsonl")} == {
            each
            for each, rule in ACT_RULES.items()
            if rule.base == RECOVERIES and each != "reject_recovery"
        }
        assert by_openssl(tmp_path / side.handle, whole).returncode == 0
        second = judged(tmp_path, packed)
        assert second.stdout.startswith(f"ok: {request['id']}"), second.stderr
    w.get(w.cast.c.lead, f"{path}/evidence-bundle", status=404)


def test_a_request_that_never_went_out_is_for_its_own_people(w: World) -> None:
    both = Recoveries(w)
    request = both.submit(deposit(1))
    path = f"{RECOVERIES}/{request['id']}"
    no_fault(bundle(w, w.cast.a.auditor, path))
    w.get(w.cast.b.lead, f"{path}/evidence-bundle", status=404)
    both.act(w.cast.a.compliance, request, "approvals", decision="reject")
    whole = no_fault(bundle(w, w.cast.a.auditor, path))
    view = whole.json("recovery/recovery.json")
    whole.put("recovery/recovery.json", view | {"status": "open"})
    assert "nobody approved it" in every_fault(whole.pack())


@pytest.mark.parametrize("is_approved", [False, True])
def test_nothing_is_paid_on_a_claim_while_its_account_is_changed_whoever_records_it(
    w: World, *, is_approved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coordinator of this test lets it be recorded: the kit finds it all the same."""
    a, rst = w.cast.a, opened(w)
    rst.came_back(100)
    [only] = rst.file(claim(1))
    rst.decide(a.lead, only, decision="verify")
    allocate(rst, 100)
    change = _propose(rst, a.compliance, only, 61)
    if is_approved:
        _decide_account(rst, a.lead, only, change, "approve")
        w.clock.step(DAY)
    monkeypatch.setattr("coordinator.services.restoring.payouts.changing", lambda *_: set())
    [payout] = w.get(a.auditor, f"{rst.path}/payouts")["items"]
    rst.act(a.lead, "payouts", lines=[{"payout": payout["id"], "tx": "0x" + "11" * 32}])
    assert f"was paid while {change['act_id']} waited" in every_fault(
        bundle(w, a.auditor, rst.path)
    )


# ---------- altered ----------

Attack = Callable[[Unpacked], object]


def _line(name: str, number: int, **changes: Any) -> Attack:
    def attack(it: Unpacked) -> None:
        lines = it.lines(name)
        lines[number] |= changes
        it.put_lines(name, lines)

    return attack


def _without(name: str, number: int) -> Attack:
    def attack(it: Unpacked) -> None:
        lines = it.lines(name)
        del lines[number]
        it.put_lines(name, lines)

    return attack


def _view(name: str, **changes: Any) -> Attack:
    return lambda it: it.put(name, it.json(name) | changes)


def _relabelled(act: str, other: str) -> Attack:
    """Show an act as one of another kind, its files with it."""

    def attack(it: Unpacked) -> None:
        lines = it.lines("acts.jsonl")
        shown = next(each for each in lines if each["act"] == act)
        before, after = shown["file"], shown["file"].replace(act, other)
        shown |= {"act": other, "file": after}
        it.put_lines("acts.jsonl", lines)
        for name in [each for each in it.files if each.startswith(f"{before}.")]:
            it.files[name.replace(before, after)] = it.files.pop(name)

    return attack


def _swapped(act: str, ending: str) -> Attack:
    """Show the first two acts of a kind with one another's token or body."""

    def attack(it: Unpacked) -> None:
        first, second, *_ = (each["file"] for each in it.lines("acts.jsonl") if each["act"] == act)
        one, other = f"{first}.{ending}", f"{second}.{ending}"
        it.files[one], it.files[other] = it.files[other], it.files[one]

    return attack


def _gone(it: Unpacked, act: str) -> None:
    """Leave an act out, and number those behind it anew."""
    lines = [each for each in it.lines("acts.jsonl") if each["act"] != act]
    gone = it.act(act)
    for name in [each for each in it.files if each.startswith(f"{gone}.")]:
        del it.files[name]
    for number, each in enumerate(lines, 1):
        before, after = each["file"], act_file(number, each["act"])
        each["file"] = after
        for name in [name for name in it.files if name.startswith(f"{before}.")]:
            it.files[name.replace(before, after)] = it.files.pop(name)
    it.put_lines("acts.jsonl", lines)


def _truncated(it: Unpacked) -> None:
    """Leave the last act out, with its files and its entry in the log."""
    lines = it.lines("acts.jsonl")
    last = lines.pop()
    it.put_lines("acts.jsonl", lines)
    for name in [each for each in it.files if each.startswith(f"{last['file']}.")]:
        del it.files[name]
    for name in [each for each in it.files if each.startswith(f"log/{last['leaf_index']:012}.")]:
        del it.files[name]


def _less_in_every_list(it: Unpacked) -> None:
    """Have it that less came back, in the line and in every sum."""
    name = "restitution/restitution.json"
    for which in (name, "restitution/recomputed.json"):
        text = it.files[which].replace(b'"returned":"1000"', b'"returned":"990"')
        it.files[which] = text.replace(b'"available":"50"', b'"available":"40"')
    _line("restitution/pool.jsonl", 0, amount="990")(it)


_RST, _POOL = "restitution/restitution.json", "restitution/pool.jsonl"
_CLAIMS, _PAYOUTS = "restitution/claims.jsonl", "restitution/payouts.jsonl"
_ALLOCATIONS = "restitution/allocations.jsonl"
_OTHER = "eip155:1:0x27b1fdb04752bbc536007a920d24acb045561c26"
_RESTITUTION_ATTACKS: dict[str, tuple[Attack, str]] = {
    "terms": (_view(_RST, unclaimed_to="To us."), "its terms are not"),
    "two persons": (_view(_RST, verify_by_two_above="9"), "its terms are not"),
    "document": (_view(_RST, content_sha256="ab" * 32), "another document"),
    "opener": (_view(_RST, opener="exchange-b.example"), "not"),
    "sums": (_view(_RST, pool={}), "other sums"),
    "counts": (_view(_RST, claims={}), "other claims are counted"),
    "pool amount": (_less_in_every_list, "is not what was signed"),
    "pool line gone": (_without(_POOL, 1), "lines, and 1 are shown"),
    "claim's address": (_line(_CLAIMS, 0, addresses=[_OTHER]), "addresses is not as signed"),
    "claim's value": (_line(_CLAIMS, 0, value="2001"), "value is not as signed"),
    "verified at more": (_line(_CLAIMS, 1, verified="500"), "another verified amount"),
    "rejected claim": (_line(_CLAIMS, 2, status="verified"), "was rejected by acts"),
    "claim gone": (_without(_CLAIMS, 2), "which is not shown"),
    "one verifier": (_line(_CLAIMS, 0, verifications=1), "verified it"),
    "no amount": (_line(_CLAIMS, 0, value="many"), "values that are none"),
    "given": (_line(_CLAIMS, 0, allocated="1"), "is shown as given 1"),
    "allocation": (_line(_ALLOCATIONS, 1, given="601"), "shown otherwise than it was signed"),
    "not rejected": (_line(_ALLOCATIONS, 0, status="approved"), "is shown as approved"),
    "allocation gone": (_without(_ALLOCATIONS, 2), "no allocation that is shown"),
    "payout's amount": (_line(_PAYOUTS, 0, amount="1"), "not the parts"),
    "paid elsewhere": (_line(_PAYOUTS, 0, payout=_OTHER), "goes elsewhere"),
    "paid by another tx": (_line(_PAYOUTS, 0, tx="0x" + "99" * 32), "than it was recorded"),
    "never paid": (_line(_PAYOUTS, 5, status="paid", tx="0x00"), "than it was recorded"),
    "payout gone": (_without(_PAYOUTS, 5), "not the parts"),
    "claim paid elsewhere": (_line(_CLAIMS, 2, payout=_OTHER), "paid elsewhere than was signed"),
    "change hidden": (_line(_CLAIMS, 0, payout_change=None), "another change of its account"),
    "change undone": (_line(_CLAIMS, 1, payout=payout_account(50_002)), "paid elsewhere than"),
    "as if it waited no more": (_line(_PAYOUTS, 0, changing=False), "is being changed"),
    "paid to the account of later": (_line(_PAYOUTS, 1, payout=payout_account(61)), "elsewhere"),
    "paid to the account of before": (_line(_PAYOUTS, 4, payout=payout_account(50_002)), "elsew"),
    "relabelled account": (_relabelled("reject_payout_account", "approve_payout_account"), "said"),
    "relabelled": (_relabelled("reject_allocation", "approve_allocation"), "said reject"),
    "relabelled claim": (_relabelled("reject_claim", "verify_claim"), "said reject"),
    "as another act": (_relabelled("record_payouts", "close_restitution"), "another act"),
    "bodies swapped": (_swapped("record_payouts", "body"), ""),
    "tokens swapped": (_swapped("approve_allocation", "token"), ""),
    "an act left out": (_truncated, ""),
}


#: The kit alone is tried, on what it was given; whether a database gives it, others ask.
_ON_PAPER = pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")


def _world(office: Office) -> World:
    desk = office.desk
    return World(office.signer, desk.cast, desk.database, desk.vault, desk.clock)


@pytest.fixture(scope="module")
def restitution_bundle(office: Office) -> bytes:
    """The opener's bundle of a restitution with everything."""
    world = _world(office)
    return bundle(world, world.cast.a.auditor, given_back(world).path)


@pytest.fixture(scope="module")
def recovery_bundle(office: Office) -> bytes:
    """The requester's bundle of a recovery request whose deposits stand everywhere."""
    world = _world(office)
    return bundle(world, world.cast.a.auditor, f"{RECOVERIES}/{recovered(world)['id']}")


def _refused(packed: bytes, attack: Attack, why: str) -> None:
    it = Unpacked.of(packed)
    before = it.pack()
    assert refused(before) == ""
    attack(it)
    assert it.pack() != before
    assert why in every_fault(it.pack())


@_ON_PAPER
@pytest.mark.parametrize("name", _RESTITUTION_ATTACKS)
def test_an_altered_restitution_is_refused_though_its_manifest_fits(
    restitution_bundle: bytes, name: str
) -> None:
    _refused(restitution_bundle, *_RESTITUTION_ATTACKS[name])


@_ON_PAPER
@pytest.mark.parametrize(
    "name", ["relabelled", "relabelled account", "as another act", "bodies swapped", "document"]
)
def test_the_second_verifier_refuses_acts_that_are_shown_as_others(
    restitution_bundle: bytes, name: str, tmp_path: Path
) -> None:
    it = Unpacked.of(restitution_bundle)
    _RESTITUTION_ATTACKS[name][0](it)
    assert judged(tmp_path, it.pack()).returncode == 1


_DEPOSITS, _RCV = "recovery/deposits.jsonl", "recovery/recovery.json"
_RECOVERY_ATTACKS: dict[str, tuple[Attack, str]] = {
    "amount": (_line(_DEPOSITS, 0, amount="999"), "deposit 0 is not what was signed"),
    "sent elsewhere": (_line(_DEPOSITS, 0, return_to=_OTHER), "deposit 0 is not what was signed"),
    "fee": (_line(_DEPOSITS, 0, returned_fee="39"), "not shown as it went back"),
    "not found": (_line(_DEPOSITS, 2, status="found"), "lines say not_found"),
    "confirmed": (_line(_DEPOSITS, 1, status="confirmed"), "lines say contested"),
    "deposit gone": (_without(_DEPOSITS, 4), "deposits are left out"),
    "partner": (_view(_RCV, partner="exchange-c.example"), "not exchange-b.example"),
    "drill": (_view(_RCV, drill=True), "drill"),
    "approval gone": (lambda it: _gone(it, "approve_recovery"), "nobody approved it"),
    "relabelled": (_relabelled("approve_recovery", "reject_recovery"), "said approve"),
    "as a restitution's": (_relabelled("answer_recovery", "file_claims"), "is no act on rcv_"),
    "an act left out": (_truncated, ""),
}


@_ON_PAPER
@pytest.mark.parametrize("name", _RECOVERY_ATTACKS)
def test_an_altered_recovery_request_is_refused_though_its_manifest_fits(
    recovery_bundle: bytes, name: str
) -> None:
    _refused(recovery_bundle, *_RECOVERY_ATTACKS[name])


@_ON_PAPER
def test_a_bundle_is_about_what_its_manifest_says_and_of_a_kind_that_is_known(
    restitution_bundle: bytes, recovery_bundle: bytes
) -> None:
    it, other = Unpacked.of(restitution_bundle), Unpacked.of(recovery_bundle)
    for other_id in (other.manifest["request_id"], new_id("rst"), new_id("frq"), "xyz_1", ""):
        it.manifest["request_id"] = other_id
        assert refused(it.pack())
    it = Unpacked.of(restitution_bundle)
    it.put(_RST, {})
    with pytest.raises(BundleError) as error:
        examined(it.pack())
    assert error.value.code == "bad_file"
    for cut in (100, len(restitution_bundle) // 2, len(restitution_bundle) - 1):
        with pytest.raises(BundleError):
            examined(restitution_bundle[:cut])


# ---------- signed anew: the opener and the coordinator in league ----------


def _signed_anew(
    it: Unpacked, act: str, by: Member, change: Callable[[dict[str, Any]], object]
) -> None:
    """Have the first act of a kind signed over another body, and shown as its signer's."""
    lines = it.lines("acts.jsonl")
    shown = next(each for each in lines if each["act"] == act)
    file = shown["file"]
    body = it.json(f"{file}.body")
    change(body)
    raw = canonical_json.dumps(body)
    front = read_evidence_front(it.files[f"{file}.token"].decode())
    claims = front.claims
    token = make_request_token(
        by.key,
        iss=by.handle,
        sub=by.subject,
        aud=it.manifest["origin"],
        method="POST",
        url=claims["htu"],
        body=raw,
        now=claims["iat"],
    )
    it.files[f"{file}.token"], it.files[f"{file}.body"] = token.encode(), raw
    shown |= {"subject": by.subject, "kid": by.key.kid}
    it.put_lines("acts.jsonl", lines)


def _one_unit_more(body: dict[str, Any]) -> None:
    body["claims"][0]["amount"] = str(int(body["claims"][0]["amount"]) + 1)
    body["claims"][1]["amount"] = str(int(body["claims"][1]["amount"]) - 1)


@_ON_PAPER
def test_parts_that_nobody_would_come_to_are_refused_though_they_were_signed(
    office: Office, restitution_bundle: bytes
) -> None:
    it = Unpacked.of(restitution_bundle)
    a = office.desk.cast.a
    _signed_anew(it, "propose_allocation", a.compliance, _one_unit_more)
    lines = it.lines(_ALLOCATIONS)
    body = it.files[f"{it.act('propose_allocation')}.body"]
    lines[0]["act_sha256"] = sha256(body).hexdigest()
    it.put_lines(_ALLOCATIONS, lines)
    assert "its parts are not what its inputs come to" in every_fault(it.pack())


@_ON_PAPER
def test_what_was_paid_is_not_paid_again_whoever_signs_it(
    office: Office, restitution_bundle: bytes
) -> None:
    it = Unpacked.of(restitution_bundle)
    paid = [each["id"] for each in it.lines(_PAYOUTS) if each["status"] == "paid"]

    def twice(body: dict[str, Any]) -> None:
        body["lines"] = [{"payout": paid[1], "tx": "0x" + "77" * 32}]

    _signed_anew(it, "record_payouts", office.desk.cast.a.lead, twice)
    assert "was paid already" in every_fault(it.pack())


@_ON_PAPER
@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("approve_allocation", "approved by whoever proposed it"),
        ("verify_claim", "verified it twice"),
        ("approve_payout_account", "takes another person of whoever filed the claim"),
    ],
)
def test_it_takes_others(office: Office, restitution_bundle: bytes, act: str, why: str) -> None:
    it = Unpacked.of(restitution_bundle)
    a = office.desk.cast.a
    by = a.lead if act == "verify_claim" else a.compliance
    _signed_anew(it, act, by, dict.copy)
    assert why in every_fault(it.pack())

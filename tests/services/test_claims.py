"""Claims on recovered funds: filed, found twice, verified by one or two, contested."""

from typing import Any

import pytest
from bip_utils import Base58Encoder  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.address_proofs.statement import AddressStatement, ProofPurpose
from holdfast.protocol.chains.account import parse_account
from tests.factories import ETHER, ORIGIN, Cast, Signer
from tests.rulebook import RULEBOOK
from tests.services.request_cast import account
from tests.services.restoring_cast import DAY, TX, Restoring, claim, opened, payout_account
from tests.services.test_restitutions import TETHER
from tests.services.through_api import World, pointers, problem

SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_the_opener_files_what_victims_handed_in_and_reads_it_all(w: World) -> None:
    rst = opened(w)
    ids = rst.file(claim(1, tx=TX, sealed="c2VhbGVk"), claim(2, 250))
    first, second = rst.claims(w.cast.a.auditor)
    assert [first["id"], second["id"]] == ids
    assert {name: first[name] for name in claim(1)} == claim(1)
    assert (first["tx"], first["sealed"], first["doubles"]) == (TX, "c2VhbGVk", [])
    assert (first["status"], second["value"], first["late"]) == ("received", "250", False)
    assert rst.read()["claims"] == {"received": 2}
    assert rst.claims(w.cast.b.lead) == []
    w.get(w.cast.d.lead, f"{rst.path}/claims", status=404)
    [event] = w.events(w.cast.a, "restitution.claims_filed")
    assert (event["claim_count"], event["double_count"]) == (2, 0)
    assert w.get(w.cast.a.auditor, f"{rst.path}/claims?status=verified")["items"] == []


def test_a_member_files_for_its_own_customers_and_reads_its_own_alone(w: World) -> None:
    rst = opened(w)
    rst.file(claim(1))
    attested = claim(1, proof="attested", documents=...)
    problem(rst.try_act(w.cast.b.compliance, "claims", claims=[claim(2)]), 422, "invalid_input")
    [own] = rst.file(attested, by=w.cast.b.compliance)  # its own references are its own
    [shown] = rst.claims(w.cast.b.auditor)
    assert (shown["id"], shown["filed_by"]) == (own, w.cast.b.handle)
    assert "doubles" not in shown
    assert "sealed" not in shown
    assert len(rst.claims(w.cast.a.auditor)) == 2
    assert w.events(w.cast.b, "restitution.claims_filed")[0]["filed_by"] == w.cast.b.handle
    problem(rst.try_act(w.cast.d.compliance, "claims", claims=[attested]), 404, "not_found")
    problem(rst.try_act(w.cast.b.analyst, "claims", claims=[attested]), 403, "not_allowed")
    rst.decide(w.cast.a.lead, own, decision="verify", not_a_double=True)
    assert len(w.events(w.cast.b, "restitution.claim_decided")) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ref": "Jane Doe"}, "/claims/1/ref"),
        ({"ref": "V-1"}, "/claims/1/ref"),
        ({"ref": "=1+1"}, "/claims/1/ref"),
        ({"addresses": []}, "/claims/1/addresses"),
        ({"addresses": ["eip155:1:0x12"]}, "/claims/1/addresses/0"),
        ({"addresses": ["nowhere"]}, "/claims/1/addresses/0"),
        ({"payout": "eip155:1:0x12"}, "/claims/1/payout"),
        ({"amount": "0"}, "/claims/1/amount"),
        ({"amount": str(2**256)}, "/claims/1/amount"),
        ({"amount": 100}, "/claims/1/amount"),
        ({"asset": TETHER}, "/claims/1/asset"),
        ({"asset": "gold"}, "/claims/1/asset"),
        ({"tx": "https://example.com"}, "/claims/1/tx"),
        ({"proof": "my word"}, "/claims/1/proof"),
        ({"documents": []}, "/claims/1/documents"),
        ({"sealed": "not base64url!"}, "/claims/1/sealed"),
        ({"name": "Jane"}, "/claims/1/name"),
    ],
)
def test_a_bad_line_refuses_the_whole_file_and_is_named(
    w: World, changes: dict[str, Any], pointer: str
) -> None:
    rst = opened(w)
    answer = rst.try_act(w.cast.a.lead, "claims", claims=[claim(1), claim(2) | changes])
    assert answer.status_code == 422, answer.data
    assert pointers(answer.get_json()) == [pointer]
    assert rst.claims(w.cast.a.lead) == []


def test_a_reference_names_one_claim_of_whoever_filed_it(w: World) -> None:
    rst = opened(w)
    rst.file(claim(1))
    answer = rst.try_act(w.cast.a.lead, "claims", claims=[claim(2), claim(1)])
    [fault] = problem(answer, 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/claims/1/ref", "known_ref")


def _signed(rst: Restoring, key: bytes, **changes: Any) -> dict[str, Any]:
    """Return a claim of a Solana address, proven by its key's signature over our text."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    address = Base58Encoder.Encode(private.public_key().public_bytes_raw())
    body = claim(1, proof="signature", documents=..., addresses=[f"{SOLANA}:{address}"])
    today = rst.w.clock.now().date()
    chains = RULEBOOK.chains
    said: dict[str, Any] = {
        "coordinator": ORIGIN,
        "incident": rst.view["incident"],
        "restitution": rst.view["id"],
        "claim": body["ref"],
        "purpose": ProofPurpose.CLAIM,
        "account": parse_account(chains, body["addresses"][0]),
        "signed_on": today,
        "pay_to": parse_account(chains, body["payout"]),
    }
    statement = AddressStatement(**said | changes)
    signature = Base58Encoder.Encode(private.sign(statement.text().encode()))
    return body | {"signatures": [{"signed_on": today.isoformat(), "signature": signature}]}


def test_a_signature_proves_a_claim_of_this_restitution_to_this_account(w: World) -> None:
    rst = opened(w)
    good = _signed(rst, b"1" * 32)
    other_place = _signed(rst, b"1" * 32, restitution="rst_other")
    other_claim = _signed(rst, b"1" * 32, claim="V-2")
    elsewhere = good | {"payout": payout_account(99)}
    forged = good | {"signatures": _signed(rst, b"2" * 32)["signatures"]}
    for bad in (other_place, other_claim, elsewhere, forged):
        answer = rst.try_act(w.cast.a.lead, "claims", claims=[bad])
        [fault] = problem(answer, 422, "invalid_input")["errors"]
        assert (fault["pointer"], fault["code"]) == ("/claims/0/signatures/0", "not_signed")
    assert len(rst.file(good)) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"signatures": None}, "/claims/0/signatures"),
        ({"signatures": []}, "/claims/0/signatures"),
        ({"signed_on": "2026-02-31"}, "/claims/0/signatures/0/signed_on"),
        ({"signed_on": "2020-01-01"}, "/claims/0/signatures/0"),
        ({"signature": "O0Il"}, "/claims/0/signatures/0"),
        ({"signature": "é"}, "/claims/0/signatures/0/signature"),
    ],
)
def test_what_is_no_signature_is_refused_by_name(
    w: World, changes: dict[str, Any], pointer: str
) -> None:
    rst = opened(w)
    body = _signed(rst, b"1" * 32)
    if "signatures" in changes:
        body |= changes
    else:
        body["signatures"][0] |= changes
    answer = rst.try_act(w.cast.a.lead, "claims", claims=[body])
    assert (answer.status_code, pointers(answer.get_json())) == (422, [pointer])


def test_after_a_theft_of_keys_no_signature_counts(w: World) -> None:
    rst = opened(w, key_theft=True)
    answer = rst.try_act(w.cast.a.lead, "claims", claims=[_signed(rst, b"1" * 32)])
    [fault] = problem(answer, 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/claims/0/proof", "key_theft")
    assert rst.read(w.cast.b.lead)["key_theft"] is True


def test_claims_of_other_assets_are_weighed_by_the_prices_exactly(w: World) -> None:
    prices = [
        {"asset": ETHER, "units": "1000000000000000000", "value": "3000"},
        {"asset": TETHER, "units": "1000000", "value": "0.999"},
    ]
    at = "2026-03-02T09:00:00Z"
    rst = opened(w, valuation={"at": at, "currency": "USD", "prices": prices})
    rst.file(claim(1, 1_000_000, asset=TETHER), claim(2, 10))
    first, second = rst.claims(w.cast.a.lead)
    assert (first["value"], second["value"]) == ("333000000000000", "10")


@pytest.mark.parametrize("spelling", [TX.upper().replace("X", "x"), TX[2:], TX[2:].upper()])
def test_a_transaction_is_a_double_however_it_is_spelled(w: World, spelling: str) -> None:
    rst = opened(w)
    one, two = rst.file(claim(1, tx=TX), claim(2, tx=spelling))
    by_id = {each["id"]: each["doubles"] for each in rst.claims(w.cast.a.lead)}
    assert by_id == {one: [two], two: [one]}


def test_doubles_are_found_by_address_and_by_transaction(w: World) -> None:
    rst = opened(w)
    one, two, three, four = rst.file(
        claim(1, tx=TX),
        claim(2, addresses=[account(2), account(1)]),
        claim(3, tx=TX.upper().replace("X", "x")),
        claim(4),
    )
    by_id = {each["id"]: each["doubles"] for each in rst.claims(w.cast.a.lead)}
    assert by_id == {one: [two, three], two: [one], three: [one], four: []}
    [event] = w.events(w.cast.a, "restitution.claims_filed")
    assert event["double_count"] == 3
    rst.decide(w.cast.a.lead, one, decision="verify")
    refused = rst.try_decide(w.cast.a.lead, two, decision="verify")
    assert one in problem(refused, 409, "double_claim")["detail"]
    looked_at = rst.decide(w.cast.a.lead, two, decision="verify", not_a_double=True)
    assert looked_at["status"] == "verified"
    rst.decide(w.cast.a.lead, one, decision="reject", code="double")
    rst.decide(w.cast.a.lead, three, decision="verify")  # what was rejected does not count


def test_above_an_amount_it_takes_two_people_who_agree(w: World) -> None:
    rst = opened(w, verify_by_two_above="99")
    a = w.cast.a
    [claim_id] = rst.file(claim(1, 100))
    first = rst.decide(a.compliance, claim_id, decision="verify")
    assert (first["status"], first["verifications"], first["verified"]) == ("received", 1, None)
    problem(rst.try_decide(a.compliance, claim_id, decision="verify"), 403, "four_eyes")
    other = rst.try_decide(a.lead, claim_id, decision="verify", amount="99")
    problem(other, 409, "other_amount")
    second = rst.decide(a.lead, claim_id, decision="verify")
    assert (second["status"], second["verifications"]) == ("verified", 2)
    assert second["verified"] == "100"
    [small] = rst.file(claim(2, 150))
    enough = rst.decide(a.lead, small, decision="verify", amount="99")
    assert (enough["status"], enough["verified"]) == ("verified", "99")
    problem(rst.try_decide(a.lead, small, decision="verify"), 409, "invalid_transition")


@pytest.mark.parametrize("amount", ["0", "101", str(2**256), "-1", "1.0"])
def test_no_more_is_verified_than_a_claim_is_worth(w: World, amount: str) -> None:
    rst = opened(w)
    [claim_id] = rst.file(claim(1, 100))
    answer = rst.try_decide(w.cast.a.lead, claim_id, decision="verify", amount=amount)
    assert (answer.status_code, pointers(answer.get_json())) == (422, ["/amount"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "reject"}, "/code"),
        ({"decision": "reject", "code": "other"}, "/reason"),
        ({"decision": "reject", "code": "double", "amount": "1"}, "/amount"),
        ({"decision": "verify", "code": "double"}, "/code"),
        ({"decision": "burn"}, "/decision"),
    ],
)
def test_a_decision_says_what_it_must_and_nothing_else(
    w: World, body: dict[str, Any], pointer: str
) -> None:
    rst = opened(w)
    [claim_id] = rst.file(claim(1))
    answer = rst.try_decide(w.cast.a.lead, claim_id, **body)
    assert (answer.status_code, pointers(answer.get_json())) == (422, [pointer])


def test_whoever_filed_a_claim_contests_what_was_decided_and_it_is_decided_anew(w: World) -> None:
    rst = opened(w)
    [claim_id] = rst.file(claim(1, proof="attested", documents=...), by=w.cast.b.compliance)
    path, words = f"claims/{claim_id}/objections", {"reason": "The transfer was ours."}
    early = rst.try_act(w.cast.b.compliance, path, **words)
    problem(early, 409, "invalid_transition")
    rejected = rst.decide(
        w.cast.a.lead, claim_id, decision="reject", code="not_a_victim", reason="Not in the list."
    )
    assert (rejected["code"], rejected["reason"]) == ("not_a_victim", "Not in the list.")
    problem(rst.try_act(w.cast.c.compliance, path, **words), 404, "not_found")
    problem(rst.try_act(w.cast.a.compliance, path, **words), 404, "not_found")
    contested = rst.act(w.cast.b.compliance, path, **words)["claim"]
    assert (contested["status"], contested["objection"]) == ("objection", words["reason"])
    assert contested["code"] == "not_a_victim"
    [event] = w.events(w.cast.a, "restitution.claim_contested")
    assert event["claim"] == claim_id
    [read] = rst.claims(w.cast.b.auditor)
    assert read == contested
    verified = rst.decide(w.cast.a.lead, claim_id, decision="verify", amount="60")
    assert (verified["status"], verified["code"], verified["verified"]) == ("verified", None, "60")
    w.clock.step(61 * DAY)
    late = rst.try_act(w.cast.b.compliance, path, **words)
    problem(late, 409, "objections_over")


def test_a_claim_that_comes_late_is_taken_and_says_so(w: World) -> None:
    rst = opened(w)
    w.clock.step(31 * DAY)
    rst.file(claim(1))
    [late] = rst.claims(w.cast.a.lead)
    assert late["late"] is True


def test_a_claim_of_another_restitution_is_not_there(w: World) -> None:
    first, second = opened(w), opened(w, nonce="B" * 21 + "A")
    [claim_id] = first.file(claim(1))
    problem(second.try_decide(w.cast.a.lead, claim_id, decision="verify"), 404, "not_found")

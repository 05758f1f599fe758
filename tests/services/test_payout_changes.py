"""A claim is paid to another account: by fresh proof, two persons, and three days later."""

from datetime import timedelta
from typing import Any

import pytest
from bip_utils import Base58Encoder  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.address_proofs.statement import AddressStatement, ProofPurpose
from holdfast.protocol.chains.account import parse_account
from tests.factories import ORIGIN, Cast, Member, Signer
from tests.rulebook import RULEBOOK
from tests.services.restoring_cast import (
    DAY,
    TX,
    Restoring,
    allocate,
    claim,
    opened,
    payout_account,
)
from tests.services.through_api import World, pointers, problem

SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
NEW = payout_account(7)
OLD = payout_account(50_001)
FRESH = ["cd" * 32]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


class Case:
    """A restitution of A's with one claim that A filed, and the account it is paid to."""

    def __init__(self, w: World, stated: dict[str, Any] | None = None, **terms: Any) -> None:
        self.w, self.a, self.b = w, w.cast.a, w.cast.b
        self.rst = opened(w, **terms)
        self.rst.came_back(1000)
        [self.claim] = self.rst.file(stated or claim(1))

    @property
    def path(self) -> str:
        return f"claims/{self.claim}/payout-changes"

    def try_propose(self, by: Member | None = None, **body: Any) -> Any:
        said = {"payout": NEW, "documents": FRESH} | body
        given = {name: value for name, value in said.items() if value is not None}
        return self.rst.try_act(by or self.a.compliance, self.path, **given)

    def propose(self, by: Member | None = None, **body: Any) -> dict[str, Any]:
        answer = self.try_propose(by, **body)
        assert answer.status_code == 201, answer.data
        change: dict[str, Any] = answer.get_json()["change"]
        return change

    def try_decide(self, by: Member, change: dict[str, Any], decision: str = "approve") -> Any:
        body = {"decision": decision, "act_sha256": change["act_sha256"]}
        return self.rst.try_act(by, f"{self.path}/{change['id']}/decisions", **body)

    def decide(self, by: Member, change: dict[str, Any], decision: str = "approve") -> Any:
        answer = self.try_decide(by, change, decision)
        assert answer.status_code == 201, answer.data
        return answer.get_json()["change"]

    def read(self, by: Member | None = None) -> dict[str, Any]:
        [found] = self.rst.claims(by or self.a.auditor)
        return found

    def due(self) -> dict[str, Any]:
        """Verify the claim and allocate it; returns its payout."""
        self.rst.decide(self.a.lead, self.claim, decision="verify")
        allocate(self.rst, 100)
        return self.payout()

    def payout(self) -> dict[str, Any]:
        [found] = self.w.get(self.a.auditor, f"{self.rst.path}/payouts")["items"]
        return dict(found)

    def try_pay(self, payout: dict[str, Any], **line: Any) -> Any:
        said = line or {"tx": TX}
        return self.rst.try_act(self.a.lead, "payouts", lines=[{"payout": payout["id"], **said}])


def test_it_is_paid_there_once_another_person_approved_it_and_three_days_passed(w: World) -> None:
    case = Case(w)
    payout = case.due()
    assert (payout["payout"], payout["changing"]) == (OLD, False)
    change = case.propose(reason="The old one is lost.")
    assert (change["change_status"], change["in_force_at"]) == ("proposed", None)
    assert case.decide(case.a.lead, change)["change_status"] == "approved"
    shown = case.read()
    assert (shown["payout"], shown["payout_change"]["payout"]) == (OLD, NEW)
    assert case.payout()["changing"]
    [fault] = problem(case.try_pay(payout), 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/lines/0/payout", "payout_changing")
    w.clock.step(timedelta(hours=72))
    shown = case.read()
    assert (shown["payout"], shown["payout_change"]) == (NEW, None)
    assert (case.payout()["payout"], case.payout()["changing"]) == (NEW, False)
    assert case.try_pay(payout).status_code == 201


def test_what_was_paid_before_says_where_it_went(w: World) -> None:
    case = Case(w)
    assert case.try_pay(case.due()).status_code == 201
    case.decide(case.a.lead, case.propose())
    w.clock.step(3 * DAY)
    assert (case.read()["payout"], case.payout()["payout"]) == (NEW, OLD)


def test_that_nothing_arrived_is_recorded_all_the_same(w: World) -> None:
    case = Case(w)
    payout = case.due()
    case.propose()
    assert case.try_pay(payout, failed="The account is closed.").status_code == 201


def test_whoever_proposed_it_does_not_approve_it_and_another_organisation_neither(
    w: World,
) -> None:
    case = Case(w)
    change = case.propose()
    problem(case.try_decide(case.a.compliance, change), 403, "four_eyes")
    problem(case.try_decide(case.b.lead, change), 404, "not_found")
    other = change | {"act_sha256": "0" * 64}
    problem(case.try_decide(case.a.lead, other), 409, "other_change")
    problem(case.try_propose(case.b.compliance), 404, "not_found")


def test_it_may_be_rejected_until_it_is_in_force(w: World) -> None:
    case = Case(w)
    change = case.propose()
    problem(case.try_propose(), 409, "payout_changing")
    case.decide(case.a.lead, change)
    assert case.decide(case.a.compliance, change, "reject")["change_status"] == "rejected"
    w.clock.step(3 * DAY)
    assert (case.read()["payout"], case.read()["payout_change"]) == (OLD, None)
    second = case.propose()
    case.decide(case.a.lead, second)
    w.clock.step(3 * DAY)
    problem(case.try_decide(case.a.lead, second, "reject"), 409, "invalid_transition")
    problem(case.try_propose(), 422, "invalid_input")  # it is that account already


def test_a_member_changes_its_own_and_the_opener_may_stop_it(w: World) -> None:
    attested = claim(2, proof="attested", documents=...)
    case = Case(w)
    [own] = case.rst.file(attested, by=case.b.compliance)
    case.claim = own
    problem(case.try_propose(case.a.compliance), 404, "not_found")
    change = case.propose(case.b.compliance, documents=None)
    problem(case.try_decide(case.a.lead, change), 404, "not_found")
    for exchange in (case.a, case.b):
        [told] = w.events(exchange, "restitution.payout_change_proposed")
        assert (told["claim"], told["change"]) == (own, change["id"])
        assert NEW not in str(told)
    assert case.decide(case.a.lead, change, "reject")["change_status"] == "rejected"
    assert len(w.events(case.b, "restitution.payout_change_decided")) == 1
    again = case.propose(case.b.compliance, documents=None)
    assert case.decide(case.b.lead, again)["change_status"] == "approved"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"payout": "nowhere"}, "/payout", None),
        ({"payout": f"{SOLANA}:11111111111111111111111111111112"}, "/payout", "other_chain"),
        ({"payout": OLD}, "/payout", "same"),
        ({"documents": None}, "/documents", "no_proof"),
        ({"documents": ["ab"]}, "/documents/0", None),
        (
            {"signatures": [{"signed_on": "2026-03-02", "signature": "abcd"}]},
            "/signatures",
            "other_proof",
        ),
        ({"reason": "ask jane.doe@example.com"}, "/reason", "customer_data_email"),
        ({"to": "me"}, "/to", None),
    ],
)
def test_a_bad_change_is_refused_by_name(
    w: World, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    case = Case(w)
    answer = case.try_propose(**changes)
    assert answer.status_code == 422, answer.data
    assert pointers(answer.get_json()) == [pointer]
    assert code in {None, answer.get_json()["errors"][0]["code"]}
    assert case.read()["payout_change"] is None


def test_a_rejected_claim_and_a_closed_restitution_take_no_change(w: World) -> None:
    case = Case(w)
    case.rst.decide(case.a.lead, case.claim, decision="reject", code="not_a_victim")
    problem(case.try_propose(), 409, "claim_not_payable")
    w.clock.step(61 * DAY)
    case.rst.act(case.a.lead, "closure")
    problem(case.try_propose(), 409, "restitution_closed")


def test_two_changes_of_one_claim_follow_each_other(w: World) -> None:
    case = Case(w)
    for number in (7, 8):
        change = case.propose(payout=payout_account(number))
        case.decide(case.a.lead, change)
        w.clock.step(3 * DAY)
        assert case.read()["payout"] == payout_account(number)


def _signed(case: Case, key: bytes, **changes: Any) -> dict[str, Any]:
    """Return what a wallet signs for a claim of a Solana address, over our own text."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    today = case.w.clock.now().date()
    said: dict[str, Any] = {
        "coordinator": ORIGIN,
        "incident": case.rst.view["incident"],
        "restitution": case.rst.view["id"],
        "claim": "V-1",
        "purpose": ProofPurpose.PAYOUT_ACCOUNT,
        "account": parse_account(RULEBOOK.chains, _address(key)),
        "signed_on": today,
        "pay_to": parse_account(RULEBOOK.chains, NEW),
    }
    statement = AddressStatement(**said | changes)
    signature = Base58Encoder.Encode(private.sign(statement.text().encode()))
    return {"signed_on": statement.signed_on.isoformat(), "signature": signature}


def _address(key: bytes) -> str:
    public = Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
    return f"{SOLANA}:{Base58Encoder.Encode(public)}"


def test_a_claim_shown_by_signatures_takes_fresh_ones_with_the_new_account_in_them(
    w: World,
) -> None:
    key = b"1" * 32
    case = Case(w)
    at_filing = _signed(
        case,
        key,
        claim="V-2",
        purpose=ProofPurpose.CLAIM,
        pay_to=parse_account(RULEBOOK.chains, payout_account(50_002)),
    )
    proven = claim(2, proof="signature", documents=..., addresses=[_address(key)])
    [case.claim] = case.rst.file(proven | {"signatures": [at_filing]})
    good = _signed(case, key, claim="V-2")
    stale = _signed(case, key, claim="V-2", signed_on=w.clock.now().date() - timedelta(days=2))
    other_account = _signed(
        case, key, claim="V-2", pay_to=parse_account(RULEBOOK.chains, payout_account(8))
    )
    forged = _signed(case, b"2" * 32, claim="V-2")
    for bad in (at_filing, stale, other_account, forged):
        answer = case.try_propose(documents=None, signatures=[bad])
        assert pointers(problem(answer, 422, "invalid_input")) == ["/signatures/0"]
    for none in (None, [good, good]):
        answer = case.try_propose(documents=None, signatures=none)
        assert pointers(problem(answer, 422, "invalid_input")) == ["/signatures"]
    assert case.propose(documents=None, signatures=[good])["change_status"] == "proposed"


def test_what_is_paid_cannot_arrive_on_another_chain(w: World) -> None:
    rst: Restoring = opened(w)
    elsewhere = claim(1, payout=f"{SOLANA}:11111111111111111111111111111112")
    answer = rst.try_act(w.cast.a.lead, "claims", claims=[elsewhere])
    [fault] = problem(answer, 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/claims/0/payout", "other_chain")
    assert "Ethereum" in fault["detail"]

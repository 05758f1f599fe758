"""Proving a withdrawal: each step of the check has somebody who tries to get round it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.withdrawal_notice import WithdrawalNotice, prove_withdrawal
from holdfast.profiles.store import Profile
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.payloads import Approval, Body, Withdrawal
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role, WithdrawalReason
from tests.partners.signed_world import (
    ORIGIN,
    REQUESTS,
    Signed,
    World,
    evidence_of,
    evidence_view,
    sign,
)

CONTENT = "ab" * 32


@dataclass(slots=True)
class Case:
    """A request of A, and what B is told of its withdrawal."""

    world: World = field(default_factory=World)
    lead: Profile = field(init=False)
    second: Profile = field(init=False)
    request_id: str = field(default_factory=lambda: new_id("frq"))
    stored: list[EvidenceView] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lead, self.second = (self.world.person(Role.SECURITY_LEAD) for _ in range(2))

    def signed(self, by: Profile, path: str, body: Body) -> Signed:
        return sign(by, f"{REQUESTS}/{self.request_id}/{path}", body)

    def withdrawal(self, by: Profile, **changes: Any) -> Signed:
        body = {
            "content_sha256": CONTENT,
            "addresses": [3, 5],
            "reason_code": "wrong_target",
            "reason": "The tracing was revised.",
        }
        return self.signed(by, "withdrawal", Withdrawal.model_validate(body | changes))

    def decision(self, by: Profile, of: Signed, decision: str = "approve") -> Signed:
        body = {
            "content_sha256": CONTENT,
            "decision": decision,
            "act_sha256": sha256(of.body).hexdigest(),
        }
        path = f"withdrawals/{new_id('wdp')}/approvals"
        return self.signed(by, path, WithdrawalDecision.model_validate(body))

    def by_two(self) -> list[dict[str, Any]]:
        proposed = self.withdrawal(self.lead)
        approved = self.decision(self.second, proposed)
        return [
            evidence_of("propose_withdrawal", proposed, self.lead),
            evidence_of("approve_withdrawal", approved, self.second),
        ]

    def ratification(
        self, by: Profile, numbers: tuple[int, ...] = (3, 5), comment: str | None = None
    ) -> dict[str, Any]:
        """Return the proof of an approval that leaves addresses out."""
        body: dict[str, Any] = {
            "content_sha256": CONTENT,
            "decision": "approve",
            "context_sha256": "cd" * 32,
        }
        if numbers:
            body |= {"except": list(numbers), "remainder_sha256": "ef" * 32}
        if comment is not None:
            body["comment"] = comment
        signed = self.signed(by, "approvals", Approval.model_validate(body))
        return evidence_of("approve", signed, by)

    def prove(self, evidence: list[dict[str, Any]], *, holds: bool = True) -> WithdrawalNotice:
        def fetch(request_id: str) -> Iterable[EvidenceView]:
            assert request_id == self.request_id
            return self.stored

        data = {
            "request_id": self.request_id,
            "requester": self.world.handle,
            "content_sha256": CONTENT,
            "evidence": evidence,
        }
        directory = KeyDirectory(self.world, ORIGIN)
        return prove_withdrawal(data, directory=directory, holds=holds, fetch=fetch)

    def refused(self, evidence: list[dict[str, Any]], *, holds: bool = True) -> str:
        with pytest.raises(UntrustedEvidenceError) as error:
            self.prove(evidence, holds=holds)
        return error.value.code


@pytest.fixture
def case() -> Case:
    return Case()


def test_one_lead_s_withdrawal_is_proven_from_the_bytes_that_were_signed(case: Case) -> None:
    alone = [evidence_of("withdraw", case.withdrawal(case.lead), case.lead)]
    proven = case.prove(alone)
    assert (proven.addresses, proven.reason_code) == ((3, 5), WithdrawalReason.WRONG_TARGET)
    assert proven.reason == "The tracing was revised."
    whole = [evidence_of("withdraw", case.withdrawal(case.lead, addresses="all"), case.lead)]
    assert case.prove(whole).addresses is None


def test_where_the_policy_says_two_one_lead_lets_nothing_go_that_is_held(case: Case) -> None:
    case.world.policy(withdrawal_quorum=2)
    alone = [evidence_of("withdraw", case.withdrawal(case.lead), case.lead)]
    assert case.refused(alone) == "takes_two_leads"
    assert case.prove(alone, holds=False).addresses == (3, 5)
    # Nor does a proposal that is sent as a withdrawal, or a refusal to ratify.
    proposed = case.by_two()[:1]
    assert case.refused(proposed) == "no_withdrawal"
    assert case.refused([proposed[0] | {"act": "withdraw"}]) == "takes_two_leads"
    decision = {"decision": "reject", "context_sha256": "cd" * 32, "content_sha256": CONTENT}
    rejected = case.signed(case.lead, "approvals", Approval.model_validate(decision))
    reject = [evidence_of("reject", rejected, case.lead)]
    assert case.refused(reject) == "takes_two_leads"
    assert case.prove(reject, holds=False).reason_code is WithdrawalReason.NOT_RATIFIED


def test_two_leads_acts_are_proven_and_bodies_that_had_no_room_are_fetched(case: Case) -> None:
    case.world.policy(withdrawal_quorum=2)
    evidence = case.by_two()
    assert [act.act for act in case.prove(evidence).acts] == [
        "propose_withdrawal",
        "approve_withdrawal",
    ]
    signed = Signed(evidence[0]["token"], evidence[0]["body"].encode())
    case.stored = [evidence_view("propose_withdrawal", signed, case.lead)]
    del evidence[0]["body"]
    assert case.prove(evidence).addresses == (3, 5)


def test_an_approval_is_of_this_very_proposal_and_by_somebody_else(case: Case) -> None:
    first, second = case.withdrawal(case.lead), case.withdrawal(case.lead, addresses=[3])
    proposed = evidence_of("propose_withdrawal", first, case.lead)
    other = evidence_of("approve_withdrawal", case.decision(case.second, second), case.second)
    assert case.refused([proposed, other]) == "other_withdrawal"
    own = evidence_of("approve_withdrawal", case.decision(case.lead, first), case.lead)
    assert case.refused([proposed, own]) == "four_eyes"
    rejection = case.decision(case.second, first, "reject")
    refusal = evidence_of("approve_withdrawal", rejection, case.second)
    assert case.refused([proposed, refusal]) == "bad_body"


def test_only_leads_withdraw_what_went_out_and_what_nobody_signed_is_said_so(case: Case) -> None:
    analyst = case.world.person(Role.ANALYST)
    alone = [evidence_of("withdraw", case.withdrawal(analyst), analyst)]
    assert case.refused(alone) == "not_a_lead"
    assert case.refused([]) == "no_signature"
    assert case.refused([{"act": "withdraw"}]) == "no_evidence"
    altered = [evidence_of("withdraw", case.withdrawal(case.lead), case.lead)]
    altered[0]["body"] = altered[0]["body"].replace("[3,5]", "[3,6]")
    assert case.refused(altered) == "bad_evidence"


def test_a_ratification_that_leaves_addresses_out_withdraws_them(case: Case) -> None:
    proven = case.prove([case.ratification(case.lead, comment="Both are a market maker's.")])
    assert (proven.addresses, proven.reason_code) == ((3, 5), WithdrawalReason.WRONG_TARGET)
    assert proven.reason == "Both are a market maker's."
    assert (proven.requester, proven.content_sha256) == (case.world.handle, CONTENT)
    assert "ratified" in case.prove([case.ratification(case.lead)]).reason
    assert case.refused([case.ratification(case.lead, ())]) == "no_withdrawal"


def test_leads_leave_the_same_out_and_are_two_where_the_policy_says_so(case: Case) -> None:
    both = [case.ratification(case.lead), case.ratification(case.second)]
    assert case.prove(both).addresses == (3, 5)
    other = case.ratification(case.second, (3,))
    assert case.refused([both[0], other]) == "other_left_out"
    case.world.policy(withdrawal_quorum=2)
    case.lead, case.second = (case.world.person(Role.SECURITY_LEAD) for _ in range(2))
    both = [case.ratification(case.lead), case.ratification(case.second)]
    assert case.refused(both[:1]) == "takes_two_leads"
    assert case.refused([both[0], both[0]]) == "takes_two_leads"
    assert case.prove(both[:1], holds=False).addresses == (3, 5)
    assert case.prove(both).addresses == (3, 5)
    # A withdrawal's proposal is no approval to it.
    assert case.refused([*case.by_two()[:1], both[0]]) == "no_withdrawal"


def test_an_analyst_ratifies_nothing(case: Case) -> None:
    analyst = case.world.person(Role.ANALYST)
    assert case.refused([case.ratification(analyst)]) in {"not_a_lead", "not_allowed", "bad_role"}

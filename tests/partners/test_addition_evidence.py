"""A partner added later proves the addition that asks it: every step has somebody who forges it."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Approval
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.partners.signed_world import (
    ORIGIN,
    REQUESTS,
    Signed,
    World,
    context_hash_of,
    evidence_of,
    request_body,
    sign,
)

ADDED = "exchange-c.example"


class Case:
    """A live request to B alone, and the addition of C that two leads signed."""

    def __init__(self) -> None:
        self.world = World()
        self.analyst = self.world.person(Role.ANALYST)
        self.lead = self.world.person(Role.SECURITY_LEAD)
        self.second = self.world.person(Role.SECURITY_LEAD)
        self.request_id = new_id("frq")
        self.submitted = sign(self.analyst, REQUESTS, request_body())
        self.content = sha256(self.submitted.body).hexdigest()

    def proposal(self, by: Profile, *, name: str = "partners", **members: Any) -> Signed:
        body = {"content_sha256": self.content, "to": [ADDED], **members}
        return sign(by, f"{REQUESTS}/{self.request_id}/{name}", canonical_json.dumps(body))

    def approval(self, by: Profile, of: Signed, **members: Any) -> Signed:
        context = {
            "v": 1,
            "request_id": self.request_id,
            "content_sha256": self.content,
            "act_sha256": sha256(of.body).hexdigest(),
            "to": [ADDED],
            "warnings": [],
        }
        body = {
            "content_sha256": self.content,
            "decision": "approve",
            "context_sha256": sha256(canonical_json.dumps(context)).hexdigest(),
            **members,
        }
        url = f"{REQUESTS}/{self.request_id}/approvals"
        return sign(by, url, Approval.model_validate(body))

    def prove(self, *addition: dict[str, Any], handle: str = ADDED) -> Notice:
        context = context_hash_of(self.request_id, self.submitted.body)
        approval = self.approval(self.lead, self.submitted, context_sha256=context)
        data = {
            "request_id": self.request_id,
            "requester": self.world.handle,
            "content_sha256": self.content,
            "evidence": evidence_of("submit", self.submitted, self.analyst),
            "approvals": [evidence_of("approve", approval, self.lead)],
            "addition": list(addition),
        }
        directory = KeyDirectory(self.world, ORIGIN)
        return prove_notice(data, directory=directory, handle=handle, fetch=lambda _: ())

    def whole(self, proposed: Signed, approved: Signed) -> list[dict[str, Any]]:
        return [
            evidence_of("add_partners", proposed, self.lead),
            evidence_of("approve_addition", approved, self.second),
        ]


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_partner_that_two_leads_added_is_asked(case: Case) -> None:
    proposed = case.proposal(case.lead)
    notice = case.prove(*case.whole(proposed, case.approval(case.second, proposed)))
    assert notice.id == case.request_id


def test_without_an_addition_a_partner_that_the_document_does_not_name_is_not_asked(
    case: Case,
) -> None:
    with pytest.raises(UntrustedEvidenceError, match="does not ask") as refused:
        case.prove()
    assert refused.value.code == "not_asked"


def test_an_addition_of_others_asks_nobody_else(case: Case) -> None:
    proposed = case.proposal(case.lead)
    parts = case.whole(proposed, case.approval(case.second, proposed))
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*parts, handle="exchange-d.example")
    assert refused.value.code == "not_asked"


def test_an_addition_that_nobody_approved_asks_nobody(case: Case) -> None:
    proposed = case.proposal(case.lead)
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(evidence_of("add_partners", proposed, case.lead))
    assert refused.value.code == "not_approved"


def test_an_addition_approved_by_its_proposer_asks_nobody(case: Case) -> None:
    proposed = case.proposal(case.lead)
    parts = case.whole(proposed, case.approval(case.lead, proposed))
    parts[1]["kid"] = case.lead.key.kid
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*parts)
    assert refused.value.code == "four_eyes"


def test_the_request_s_own_approval_approves_no_addition(case: Case) -> None:
    proposed = case.proposal(case.lead)
    other = case.approval(case.second, proposed, context_sha256="cd" * 32)
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*case.whole(proposed, other))
    assert refused.value.code == "other_context"


def test_another_act_is_no_addition(case: Case) -> None:
    proposed = case.proposal(case.lead, name="closure")
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*case.whole(proposed, case.approval(case.second, proposed)))
    assert refused.value.code == "other_act"


def test_only_leads_propose_and_approve_an_addition(case: Case) -> None:
    proposed = case.proposal(case.analyst)
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*case.whole(proposed, case.approval(case.second, proposed)))
    assert refused.value.code == "not_a_lead"
    proposed = case.proposal(case.lead)
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(*case.whole(proposed, case.approval(case.analyst, proposed)))
    assert refused.value.code == "not_a_lead"

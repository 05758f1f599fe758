"""Proving notices and acts: each step of the check has somebody who tries to get round it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest

from holdfast.errors import PinMismatchError, UntrustedEvidenceError
from holdfast.evidence.acts import prove_evidence
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.profiles.key_requests import grant_of, key_request, new_profile
from holdfast.profiles.store import Profile
from holdfast.protocol.membership_payloads import Join, Jwk
from holdfast.protocol.payloads import Approval
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role
from tests.partners.signed_world import (
    ORIGIN,
    REQUESTS,
    Signed,
    World,
    context_hash_of,
    evidence_of,
    evidence_view,
    request_body,
    sign,
)


@dataclass(slots=True)
class Case:
    """A request that A's analyst submitted and A's lead approved, and the notice that B gets."""

    world: World = field(default_factory=World)
    analyst: Profile = field(init=False)
    lead: Profile = field(init=False)
    request_id: str = field(default_factory=lambda: new_id("frq"))
    submitted: Signed = field(init=False)
    data: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.analyst = self.world.person(Role.ANALYST)
        self.lead = self.world.person(Role.SECURITY_LEAD)
        self.use(request_body())

    def use(self, body: bytes) -> None:
        """Make the notice of a request with this body."""
        self.submitted = sign(self.analyst, REQUESTS, body)
        self.data = {
            "request_id": self.request_id,
            "leg_id": new_id("leg"),
            "requester": "exchange-a.example",
            "content_sha256": sha256(body).hexdigest(),
            "evidence": evidence_of("submit", self.submitted, self.analyst),
            "approvals": [evidence_of("approve", self.approval(self.lead), self.lead)],
        }

    def approval(self, by: Profile, **members: Any) -> Signed:
        """Return an approval of this request."""
        body = {
            "content_sha256": sha256(self.submitted.body).hexdigest(),
            "decision": "approve",
            "context_sha256": context_hash_of(self.request_id, self.submitted.body),
            **members,
        }
        return sign(by, f"{REQUESTS}/{self.request_id}/approvals", Approval.model_validate(body))

    def directory(self, **pins: str) -> KeyDirectory:
        """Return the keys as B sees them."""
        return KeyDirectory(
            self.world, ORIGIN, pins={name.replace("_", "-"): kid for name, kid in pins.items()}
        )

    def prove(
        self, directory: KeyDirectory | None = None, evidence: Iterable[EvidenceView] = ()
    ) -> Notice:
        """Prove the notice as exchange B."""
        return prove_notice(
            self.data,
            directory=directory or self.directory(),
            handle="exchange-b.example",
            fetch=lambda _: evidence,
        )


@pytest.fixture
def case() -> Case:
    return Case()


def refused(case: Case) -> str:
    with pytest.raises(UntrustedEvidenceError) as error:
        case.prove()
    return error.value.code


def test_a_genuine_notice_is_proven_with_who_submitted_and_who_approved(case: Case) -> None:
    notice = case.prove()
    assert notice.addresses[0].account.endswith("C135D")
    assert notice.submission.key.subject == case.analyst.subject
    assert [act.key.subject for act in notice.approvals] == [case.lead.subject]
    assert notice.id == case.request_id


def test_a_changed_body_is_refused(case: Case) -> None:
    case.data["evidence"]["body"] = case.data["evidence"]["body"].replace("C135D", "C135E")
    assert refused(case) == "bad_evidence"


def test_a_key_that_no_root_granted_is_refused_though_the_coordinator_offers_it(
    case: Case,
) -> None:
    forger = new_profile("f", coordinator=ORIGIN, handle="exchange-a.example", kind="person")
    case.world.add_key(forger)
    case.analyst = forger
    case.use(request_body())
    assert refused(case) == "unknown_key"


def test_a_grant_signed_by_another_key_than_the_root_gives_nothing(case: Case) -> None:
    forger = new_profile("f", coordinator=ORIGIN, handle="exchange-a.example", kind="person")
    other_root = new_profile("r", coordinator=ORIGIN, handle="exchange-a.example", kind="root")
    grant = grant_of(key_request(forger), [Role.ANALYST])
    joined = Join(
        invitation="i" * 20,
        root_jwk=Jwk.model_validate(other_root.key.public.jwk()),
        grants=[grant],
    )
    case.world.add_grant(sign(other_root, f"{ORIGIN}/v1/join", joined), grant)
    case.world.add_key(forger)
    case.analyst = forger
    case.use(request_body())
    assert refused(case) == "unknown_key"


def test_a_root_signature_made_for_another_path_grants_nothing(case: Case) -> None:
    forger = new_profile("f", coordinator=ORIGIN, handle="exchange-a.example", kind="person")
    grant = grant_of(key_request(forger), [Role.ANALYST])
    case.world.add_grant(sign(case.world.root, f"{ORIGIN}/v1/revocations", grant), grant)
    case.world.add_key(forger)
    case.analyst = forger
    case.use(request_body())
    assert refused(case) == "unknown_key"


def test_another_root_key_than_the_pinned_raises_the_alarm(case: Case) -> None:
    directory = KeyDirectory(case.world, ORIGIN, pins={"exchange-a.example": "k" * 43})
    with pytest.raises(PinMismatchError, match="by another way"):
        case.prove(directory)


def test_the_pinned_root_key_is_taken_and_said_so(case: Case) -> None:
    pins = {"exchange-a.example": case.world.root.key.kid}
    notice = case.prove(KeyDirectory(case.world, ORIGIN, pins=pins))
    assert notice.submission.key.is_root_pinned


def test_two_root_keys_in_force_are_refused_where_none_is_pinned(case: Case) -> None:
    other = new_profile("r", coordinator=ORIGIN, handle="exchange-a.example", kind="root")
    case.world.add_key(other, is_root=True)
    assert refused(case) == "no_root"


def test_nobody_approved_is_refused(case: Case) -> None:
    case.data["approvals"] = []
    assert refused(case) == "not_approved"


def test_a_flash_request_of_somebody_who_may_flash_may_lack_its_approval(case: Case) -> None:
    case.world.policy(may_flash=[case.analyst.subject])
    case.use(request_body(urgency="flash"))
    case.data |= {"approvals": [], "provisional": True}
    assert case.prove().approvals == ()


def test_what_was_granted_since_the_keys_were_fetched_counts(case: Case) -> None:
    directory = case.directory()
    assert case.prove(directory).approvals
    case.world.policy(may_flash=[case.analyst.subject])
    case.use(request_body(urgency="flash"))
    case.data |= {"approvals": [], "provisional": True}
    assert case.prove(directory).approvals == ()


@pytest.mark.parametrize("changes", [{}, {"urgency": "urgent"}, {"to": "all"}])
def test_a_request_called_provisional_is_refused_where_none_may_flash_it(
    case: Case, changes: dict[str, Any]
) -> None:
    case.world.policy(may_flash=[case.analyst.subject if changes else case.lead.subject])
    case.use(request_body(**{"urgency": "flash", **changes}))
    case.data |= {"approvals": [], "provisional": True}
    assert refused(case) == "not_approved"


def test_a_quorum_of_two_takes_two_persons(case: Case) -> None:
    case.world.policy(approval_quorum=2)
    case.use(request_body())
    assert refused(case) == "not_approved"
    second = case.world.person(Role.SECURITY_LEAD)
    case.data["approvals"].append(evidence_of("approve", case.approval(second), second))
    assert len(case.prove().approvals) == 2


def test_one_lead_s_approval_sent_twice_is_no_quorum_of_two(case: Case) -> None:
    case.world.policy(approval_quorum=2)
    case.use(request_body())
    case.data["approvals"].append(evidence_of("approve", case.approval(case.lead), case.lead))
    assert refused(case) == "not_approved"


def test_approvals_of_two_contexts_are_no_quorum(case: Case) -> None:
    case.world.policy(approval_quorum=2)
    case.use(request_body())
    second = case.world.person(Role.SECURITY_LEAD)
    other = case.approval(second, context_sha256="cd" * 32)
    case.data["approvals"].append(evidence_of("approve", other, second))
    assert refused(case) == "other_context"


def test_whoever_proposed_the_submitter_s_key_approves_nothing_of_theirs(case: Case) -> None:
    proposer, approver = case.lead, case.world.person(Role.SECURITY_LEAD)
    carol = new_profile("c", coordinator=ORIGIN, handle="exchange-a.example", kind="person")
    case.world.lead_grant(proposer, approver, grant_of(key_request(carol), [Role.ANALYST]))
    case.world.add_key(carol)
    case.analyst = carol
    case.use(request_body())
    assert refused(case) == "four_eyes"
    case.lead = approver
    case.use(request_body())
    assert case.prove().approvals[0].key.subject == approver.subject


def test_an_approval_by_the_submitter_is_refused(case: Case) -> None:
    both = case.world.person(Role.ANALYST, Role.SECURITY_LEAD)
    case.analyst = case.lead = both
    case.use(request_body())
    assert refused(case) == "four_eyes"


def test_an_approval_by_the_owner_of_the_submitting_system_is_refused(case: Case) -> None:
    case.analyst = case.world.system(case.lead)
    case.use(request_body())
    assert refused(case) == "four_eyes"


def test_an_approval_by_somebody_who_is_no_lead_is_refused(case: Case) -> None:
    case.lead = case.world.person(Role.COMPLIANCE)
    case.use(request_body())
    assert refused(case) == "not_a_lead"


def test_a_rejection_shown_as_an_approval_is_refused(case: Case) -> None:
    rejection = case.approval(case.lead, decision="reject")
    case.data["approvals"] = [evidence_of("approve", rejection, case.lead)]
    assert refused(case) == "bad_body"


def test_an_approval_of_another_document_is_refused(case: Case) -> None:
    other = case.approval(case.lead, content_sha256="ef" * 32)
    case.data["approvals"] = [evidence_of("approve", other, case.lead)]
    assert refused(case) == "other_document"


def test_an_approval_of_another_request_is_refused(case: Case) -> None:
    case.data["request_id"] = new_id("frq")
    assert refused(case) == "other_act"


def test_an_act_made_for_another_path_is_no_submission(case: Case) -> None:
    body = request_body()
    signed = sign(case.analyst, f"{ORIGIN}/v1/grants", body)
    case.data["evidence"] = evidence_of("submit", signed, case.analyst)
    assert refused(case) == "other_act"


def test_a_notice_that_names_another_document_than_its_evidence_is_refused(case: Case) -> None:
    case.data["content_sha256"] = "ef" * 32
    assert refused(case) == "other_document"


def test_a_request_that_asks_somebody_else_is_refused(case: Case) -> None:
    case.use(request_body(to=["exchange-c.example"]))
    assert refused(case) == "not_asked"


@pytest.mark.parametrize("signed", [True, False])
def test_nobody_passes_a_drill_off_as_real_or_the_other_way_round(
    case: Case,
    signed: bool,  # noqa: FBT001
) -> None:
    case.use(request_body(drill=signed))
    case.data["drill"] = not signed
    assert refused(case) == "other_drill"
    case.data["drill"] = signed
    assert case.prove().is_drill is signed


def test_a_drill_of_which_the_notice_says_nothing_is_refused(case: Case) -> None:
    case.use(request_body(drill=True))
    case.data.pop("drill", None)
    assert refused(case) == "other_drill"


def test_a_request_to_all_asks_everybody(case: Case) -> None:
    case.use(request_body(to="all"))
    assert case.prove().request.to == "all"


def test_a_notice_from_another_partner_than_signed_is_refused(case: Case) -> None:
    case.data["requester"] = "exchange-d.example"
    assert refused(case) == "no_root"


def test_a_revoked_key_starts_nothing_new(case: Case) -> None:
    case.world.revoke(case.analyst)
    assert refused(case) == "revoked_key"


def test_a_revocation_is_noticed_once_the_keys_are_fetched_again(case: Case) -> None:
    now = [1000.0]
    directory = KeyDirectory(case.world, ORIGIN, monotonic=lambda: now[0])
    case.prove(directory)
    fetched = case.world.fetched
    case.world.revoke(case.lead)
    case.prove(directory)
    assert case.world.fetched == fetched  # still fresh
    now[0] += 61
    with pytest.raises(UntrustedEvidenceError, match="revoked"):
        case.prove(directory)


@pytest.mark.parametrize("gone", ["evidence", "request_id", "requester", "content_sha256"])
def test_a_notice_without_its_parts_is_refused(case: Case, gone: str) -> None:
    del case.data[gone]
    assert refused(case) == "no_evidence"


@pytest.mark.parametrize("junk", [None, 3, "x", [], {"act": 1}, [{"act": "approve"}]])
def test_junk_for_evidence_is_refused_and_no_crash(case: Case, junk: object) -> None:
    case.data["evidence"] = junk
    assert refused(case) == "no_evidence"
    case.use(request_body())
    case.data["approvals"] = junk
    assert refused(case) in {"no_evidence", "not_approved"}


def test_evidence_too_large_for_the_notice_is_fetched_and_proven_alike(case: Case) -> None:
    case.data["evidence"].pop("body")
    case.data["evidence"]["body_sha256"] = sha256(case.submitted.body).hexdigest()
    view = evidence_view("submit", case.submitted, case.analyst)
    assert case.prove(evidence=[view]).submission.body == case.submitted.body
    forged = view.model_copy(update={"body": request_body(summary="other").decode()})
    with pytest.raises(UntrustedEvidenceError):
        case.prove(evidence=[forged])
    with pytest.raises(UntrustedEvidenceError):
        case.prove(evidence=[])


def prove_later(case: Case, view: EvidenceView) -> None:
    prove_evidence(
        case.directory(),
        view,
        request_id=case.request_id,
        content_sha256=sha256(case.submitted.body).hexdigest(),
    )


def test_acts_of_a_key_revoked_since_stay_proven_when_looking_back(case: Case) -> None:
    case.world.revoke(case.analyst, just_now=True)
    prove_later(case, evidence_view("submit", case.submitted, case.analyst))


def test_an_act_signed_after_its_key_was_revoked_is_refused_when_looking_back(case: Case) -> None:
    case.world.revoke(case.analyst)
    with pytest.raises(UntrustedEvidenceError, match="after its key was revoked"):
        prove_later(case, evidence_view("submit", case.submitted, case.analyst))


def test_an_act_shown_under_another_person_s_name_is_refused(case: Case) -> None:
    view = evidence_view("submit", case.submitted, case.analyst, subject=case.lead.subject)
    with pytest.raises(UntrustedEvidenceError, match="shown as somebody else's"):
        prove_later(case, view)


def test_an_act_said_to_have_come_at_another_time_than_signed_is_refused(case: Case) -> None:
    view = evidence_view("submit", case.submitted, case.analyst, at="2026-01-02T03:04:05Z")
    with pytest.raises(UntrustedEvidenceError, match="another time"):
        prove_later(case, view)


def test_an_act_of_the_coordinator_proves_nothing_about_a_partner(case: Case) -> None:
    view = evidence_view("submit", case.submitted, case.analyst, kind="coordinator")
    with pytest.raises(UntrustedEvidenceError, match="no signature"):
        prove_later(case, view)


def test_an_approval_counts_for_its_own_request_alone_when_looking_back(case: Case) -> None:
    view = evidence_view("approve", case.approval(case.lead), case.lead)
    prove_later(case, view)
    case.request_id = new_id("frq")
    with pytest.raises(UntrustedEvidenceError, match="was made for"):
        prove_later(case, view)

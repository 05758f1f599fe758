"""Grants by two leads without the root key: every rule of four eyes, and what is shown of them."""

from datetime import timedelta
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.membership import partners as store
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import (
    approve_grant,
    events,
    grant_by_root,
    is_served,
    new_person,
    new_system,
    propose,
    rotation_body,
    with_new_key,
)
from tests.factories import ORIGIN, Cast, Signer, freeze_request_body, grant_body


def test_two_leads_grant_what_the_root_key_need_not_sign(signer: Signer, cast: Cast) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    assert not is_served(signer, carol)
    assert events(signer, cast.b.system, "grant.made") == []
    answer = approve_grant(signer, cast.a.second_lead, proposal)
    assert answer.status_code == 201, answer.data
    view = answer.get_json()
    assert (view["status"], view["proposal"]) == ("made", proposal["id"])
    assert (view["proposer"], view["approver"]) == (
        cast.a.lead.subject,
        cast.a.second_lead.subject,
    )
    assert is_served(signer, carol)
    [told] = events(signer, cast.b.system, "grant.made")
    assert told["kid"] == carol.key.kid
    assert told["proposer"] == cast.a.lead.subject


def test_every_member_reads_both_signatures_of_a_grant_by_two_leads(
    signer: Signer, cast: Cast
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    approve_grant(signer, cast.a.second_lead, proposal)
    listed = signer.get(cast.b.auditor, f"/v1/grants?partner={cast.a.handle}").get_json()
    [grant] = [item for item in listed["items"] if item["kid"] == carol.key.kid]
    assert proposal["grant_sha256"] in grant["approval_body"]
    assert carol.key.public.jwk()["x"] in grant["body"]
    assert grant["token"] != grant["approval_token"]
    key = signer.get(cast.b.auditor, f"/v1/keys?kid={carol.key.kid}").get_json()["items"][0]
    assert key["grant_id"] == grant["id"]


def test_proposals_are_shown_to_the_partners_own_leads_alone(signer: Signer, cast: Cast) -> None:
    proposal = propose(signer, cast.a.lead, grant_body(new_person(cast.a, Role.ANALYST)))
    path = "/v1/grants?status=pending"
    [listed] = signer.get(cast.a.second_lead, path).get_json()["items"]
    assert listed["id"] == proposal["id"]
    assert listed["grant_sha256"] == proposal["grant_sha256"]
    assert listed["kid"] == proposal["kid"]
    assert listed["body"]
    assert signer.get(cast.a.compliance, path).status_code == 403
    assert signer.get(cast.b.lead, path).get_json()["items"] == []
    foreign = signer.get(cast.b.lead, f"{path}&partner={cast.a.handle}")
    assert foreign.status_code == 404
    approve_grant(signer, cast.a.second_lead, proposal)
    assert signer.get(cast.a.second_lead, path).get_json()["items"] == []


def test_nobody_approves_the_grant_that_they_proposed(signer: Signer, cast: Cast) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    answer = approve_grant(signer, cast.a.lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "four_eyes")
    assert not is_served(signer, carol)


def test_nobody_approves_a_grant_to_themselves_or_to_a_system_of_theirs(
    signer: Signer, cast: Cast
) -> None:
    third = new_person(cast.a, Role.SECURITY_LEAD)
    grant_by_root(signer, cast.a, third)
    second_key = with_new_key(cast.a.second_lead)
    own = propose(signer, cast.a.lead, grant_body(second_key))
    system = new_system(cast.a, cast.a.second_lead)
    owned = propose(signer, cast.a.lead, grant_body(system))
    for proposal in (own, owned):
        answer = approve_grant(signer, cast.a.second_lead, proposal)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "four_eyes")
        assert approve_grant(signer, third, proposal).status_code == 201


def test_a_system_counts_as_its_owner_though_the_grant_does_not_name_them(
    signer: Signer, cast: Cast
) -> None:
    third = new_person(cast.a, Role.SECURITY_LEAD)
    grant_by_root(signer, cast.a, third)
    body = grant_body(with_new_key(cast.a.system))
    del body["owner"]
    refused = signer.post(cast.a.lead, "/v1/grants", body)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "four_eyes")
    proposal = propose(signer, cast.a.second_lead, body)
    answer = approve_grant(signer, cast.a.lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "four_eyes")


def test_nobody_proposes_what_they_gain_themselves(signer: Signer, cast: Cast) -> None:
    for member in (with_new_key(cast.a.lead), new_system(cast.a, cast.a.lead)):
        answer = signer.post(cast.a.lead, "/v1/grants", grant_body(member))
        assert (answer.status_code, answer.get_json()["code"]) == (403, "four_eyes")


def test_whoever_brought_a_lead_in_does_not_approve_what_that_lead_proposes(
    signer: Signer, cast: Cast
) -> None:
    puppet = new_person(cast.a, Role.SECURITY_LEAD)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(puppet)))
    proposal = propose(signer, puppet, grant_body(new_person(cast.a, Role.ANALYST)))
    answer = approve_grant(signer, cast.a.lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "four_eyes")
    assert approve_grant(signer, cast.a.second_lead, proposal).status_code == 201


def test_the_proposer_of_a_key_does_not_approve_what_it_submits(
    signer: Signer, cast: Cast, database: Database
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(carol)))
    with database.engine.connect() as connection:
        assert store.key_proposer(connection, carol.key.kid) == cast.a.lead.subject
    request = signer.post(carol, "/v1/freeze-requests", freeze_request_body()).get_json()
    decision = {
        "content_sha256": request["content_sha256"],
        "context_sha256": request["context_sha256"],
        "decision": "approve",
    }
    path = f"/v1/freeze-requests/{request['id']}/approvals"
    refused = signer.post(cast.a.lead, path, decision)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "four_eyes")
    assert signer.post(cast.a.second_lead, path, decision).status_code == 201


def test_replacing_ones_key_does_not_hide_who_brought_it_in(
    signer: Signer, cast: Cast, database: Database
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(carol)))
    renewed = with_new_key(carol)
    assert signer.post(carol, "/v1/grants", rotation_body(carol, renewed)).status_code == 201
    with database.engine.connect() as connection:
        assert store.key_proposer(connection, renewed.key.kid) == cast.a.lead.subject


def test_only_leads_propose_and_approve(signer: Signer, cast: Cast) -> None:
    body = grant_body(new_person(cast.a, Role.ANALYST))
    proposal = propose(signer, cast.a.lead, body)
    for member in (cast.a.analyst, cast.a.compliance, cast.a.auditor, cast.a.system):
        assert signer.post(member, "/v1/grants", body).status_code == 403
        assert approve_grant(signer, member, proposal).status_code == 403
    assert approve_grant(signer, cast.a.root, proposal).status_code == 403


def test_another_partners_proposal_does_not_exist(signer: Signer, cast: Cast) -> None:
    proposal = propose(signer, cast.a.lead, grant_body(new_person(cast.a, Role.ANALYST)))
    assert approve_grant(signer, cast.b.lead, proposal).status_code == 404
    last = "1" if proposal["id"].endswith("0") else "0"
    unknown = {**proposal, "id": proposal["id"][:-1] + last}
    assert approve_grant(signer, cast.a.second_lead, unknown).status_code == 404
    strange = {**proposal, "id": "grp_nothing"}
    assert approve_grant(signer, cast.a.second_lead, strange).status_code == 404


def test_an_approval_repeats_exactly_what_was_proposed(signer: Signer, cast: Cast) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    other = approve_grant(signer, cast.a.second_lead, proposal, grant_sha256="0" * 64)
    assert (other.status_code, other.get_json()["code"]) == (409, "other_document")
    unclear = approve_grant(signer, cast.a.second_lead, proposal, grant_sha256="none")
    assert unclear.status_code == 422
    assert unclear.get_json()["errors"][0]["pointer"] == "/grant_sha256"
    unknown = approve_grant(signer, cast.a.second_lead, proposal, decision="approve")
    assert unknown.status_code == 422
    assert not is_served(signer, carol)


def test_a_proposal_is_approved_once(signer: Signer, cast: Cast) -> None:
    third = new_person(cast.a, Role.SECURITY_LEAD)
    grant_by_root(signer, cast.a, third)
    proposal = propose(signer, cast.a.lead, grant_body(new_person(cast.a, Role.ANALYST)))
    assert approve_grant(signer, cast.a.second_lead, proposal).status_code == 201
    again = approve_grant(signer, third, proposal)
    assert (again.status_code, again.get_json()["current_status"]) == (409, "approved")


def test_a_proposal_is_too_old_after_seven_days(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    late = propose(signer, cast.a.lead, grant_body(carol))
    in_time = propose(signer, cast.a.lead, grant_body(new_person(cast.a, Role.ANALYST)))
    clock.step(timedelta(days=7) - timedelta(seconds=1))
    assert approve_grant(signer, cast.a.second_lead, in_time).status_code == 201
    clock.step(timedelta(seconds=1))
    answer = approve_grant(signer, cast.a.second_lead, late)
    assert (answer.status_code, answer.get_json()["current_status"]) == (409, "expired")
    assert not is_served(signer, carol)
    pending = signer.get(cast.a.second_lead, "/v1/grants?status=pending")
    assert pending.get_json()["items"] == []


def test_what_a_key_proposed_is_void_once_that_key_is_taken_away(
    signer: Signer, cast: Cast
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    taken = signer.post(cast.a.second_lead, "/v1/revocations", {"kid": cast.a.lead.key.kid})
    assert taken.status_code == 201
    answer = approve_grant(signer, cast.a.second_lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "proposer_gone")
    assert not is_served(signer, carol)


def test_what_somebody_proposed_is_void_once_they_are_no_lead_any_more(
    signer: Signer, cast: Cast
) -> None:
    proposal = propose(signer, cast.a.lead, grant_body(new_person(cast.a, Role.ANALYST)))
    demoted = {"subject": cast.a.lead.subject, "roles": ["auditor"]}
    assert signer.post(cast.a.root, "/v1/grants", demoted).status_code == 201
    answer = approve_grant(signer, cast.a.second_lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "proposer_gone")


def test_a_proposal_that_nobody_could_approve_is_refused_at_once(
    signer: Signer, cast: Cast
) -> None:
    taken = signer.post(cast.a.root, "/v1/revocations", {"subject": cast.a.second_lead.subject})
    assert taken.status_code == 201
    answer = signer.post(cast.a.lead, "/v1/grants", grant_body(new_person(cast.a, Role.ANALYST)))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_few_leads")


def test_a_key_that_was_registered_meanwhile_is_not_granted_twice(
    signer: Signer, cast: Cast
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    grant_by_root(signer, cast.a, carol)
    answer = approve_grant(signer, cast.a.second_lead, proposal)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "known_key")


def test_two_leads_change_the_policy_and_one_alone_does_not(signer: Signer, cast: Cast) -> None:
    policy = {
        "approval_quorum": 2,
        "may_flash": [cast.a.analyst.subject],
        "systems_as_compliance": [cast.a.system.subject],
        "provisional": "hold_back",
        "withdrawal_quorum": 2,
        "may_ask_all": False,
        "cannot_say": "private_requesters",
        "clocks": "office_hours",
    }
    proposal = propose(signer, cast.a.lead, {"policy": policy})
    before = signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"]
    assert (before["approval_quorum"], before["may_ask_all"]) == (1, True)
    assert approve_grant(signer, cast.a.lead, proposal).status_code == 403
    assert approve_grant(signer, cast.a.second_lead, proposal).status_code == 201
    assert signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"] == policy
    listed = signer.get(cast.b.auditor, "/v1/partners").get_json()["items"]
    silent = {each["handle"] for each in listed if each["cannot_say"] == "private_requesters"}
    assert silent == {cast.a.handle}
    # By which clocks it answers is for all to see, its policy is not.
    first, second, *_ = listed
    assert (first["clocks"]["profile"], second["clocks"]["profile"]) == ("office_hours", "default")
    assert first["clocks"]["answer_within"] == {
        "flash": {"minutes": 120},
        "urgent": {"minutes": 1440},
        "routine": {"working_days": 5},
    }
    assert "policy" not in first


def test_a_policy_that_would_silently_reset_what_is_in_force_is_refused_by_name(
    signer: Signer, cast: Cast
) -> None:
    whole = {"withdrawal_quorum": 2, "may_flash": [cast.a.analyst.subject], "clocks": "default"}
    assert signer.post(cast.a.root, "/v1/grants", {"policy": whole}).status_code == 201
    before = signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"]
    for signed_by in (cast.a.root, cast.a.lead):
        partial = {"policy": {"approval_quorum": 1, "may_ask_all": False}}
        refused = signer.post(signed_by, "/v1/grants", partial)
        assert refused.status_code == 422
        faults = {each["pointer"]: each["code"] for each in refused.get_json()["errors"]}
        assert faults == dict.fromkeys(
            ("/policy/withdrawal_quorum", "/policy/may_flash"), "would_reset"
        )
        assert "withdrawal_quorum" in refused.get_json()["detail"]
    assert signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"] == before
    # What is named is meant, the default as well, and what is at its default need not be named.
    named = {"withdrawal_quorum": 1, "may_flash": []}
    assert signer.post(cast.a.root, "/v1/grants", {"policy": named}).status_code == 201
    now = signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"]
    assert now == before | named


def test_a_proposal_that_would_reset_what_changed_meanwhile_is_not_approved(
    signer: Signer, cast: Cast
) -> None:
    proposal = propose(signer, cast.a.lead, {"policy": {"provisional": "hold_back"}})
    two = {"policy": {"withdrawal_quorum": 2}}
    assert signer.post(cast.a.root, "/v1/grants", two).status_code == 201
    refused = approve_grant(signer, cast.a.second_lead, proposal)
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["code"] == "would_reset"
    policy = signer.get(cast.a.auditor, "/v1/partners/me").get_json()["policy"]
    assert (policy["withdrawal_quorum"], policy["provisional"]) == (2, "notify")


def test_the_root_key_vouches_again_for_a_key_that_leads_granted(
    signer: Signer, cast: Cast, database: Database
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(carol)))
    grant_by_root(signer, cast.a, carol)
    with database.engine.connect() as connection:
        assert store.key_proposer(connection, carol.key.kid) == cast.a.lead.subject
    again = signer.post(cast.a.lead, "/v1/grants", grant_body(carol))
    assert (again.status_code, again.get_json()["code"]) == (409, "known_key")
    foreign = {**grant_body(carol), "subject": cast.a.analyst.subject}
    foreign["possession"] = make_possession(
        carol.key, audience=ORIGIN, handle=cast.a.handle, subject=cast.a.analyst.subject
    )
    stolen = signer.post(cast.a.root, "/v1/grants", foreign)
    assert (stolen.status_code, stolen.get_json()["code"]) == (409, "known_key")


def _bad_bodies(cast: Cast) -> list[tuple[dict[str, Any], str]]:
    carol = new_person(cast.a, Role.ANALYST)
    good = grant_body(carol)
    other = PrivateKey.generate()
    foreign_owner = {**grant_body(new_system(cast.a, cast.b.lead))}
    return [
        ({**good, "jwk": other.public.jwk()}, "/possession"),
        ({**good, "possession": "x.y.z"}, "/possession"),
        ({**good, "roles": []}, "/roles"),
        ({**good, "roles": ["system"]}, "/roles"),
        ({**good, "roles": ["analyst", "analyst"]}, "/roles"),
        ({**good, "roles": ["emperor"]}, "/roles/0"),
        ({**good, "owner": cast.a.analyst.subject}, "/owner"),
        ({**good, "subject": "per_1"}, "/subject"),
        ({**good, "name": "Carol"}, "/name"),
        ({**good, "replaces": cast.a.analyst.key.kid}, "/replaces"),
        ({**good, "replaces": carol.key.kid}, "/replaces"),
        ({"subject": carol.subject, "roles": ["analyst"]}, "/jwk"),
        ({"subject": cast.b.analyst.subject, "roles": ["analyst"]}, "/subject"),
        ({"subject": cast.a.analyst.subject}, ""),
        ({"subject": cast.a.analyst.subject, "replaces": cast.a.analyst.key.kid}, "/jwk"),
        ({}, ""),
        (foreign_owner, "/owner"),
        ({"policy": {"may_flash": [cast.b.analyst.subject]}}, "/policy/may_flash/0"),
        (
            {"policy": {"systems_as_compliance": [cast.a.analyst.subject]}},
            "/policy/systems_as_compliance/0",
        ),
        ({"policy": {"approval_quorum": 0}}, "/policy/approval_quorum"),
    ]


@pytest.mark.parametrize("number", range(20))
def test_a_bad_proposal_is_refused_with_the_place_named(
    signer: Signer, cast: Cast, number: int
) -> None:
    body, pointer = _bad_bodies(cast)[number]
    answer = signer.post(cast.a.second_lead, "/v1/grants", body)
    assert answer.status_code == 422, answer.data
    assert pointer in {fault["pointer"] for fault in answer.get_json()["errors"]}
    pending = signer.get(cast.a.second_lead, "/v1/grants?status=pending")
    assert pending.get_json()["items"] == []


def test_a_lost_answer_to_a_proposal_or_approval_is_heard_again(signer: Signer, cast: Cast) -> None:
    body = grant_body(new_person(cast.a, Role.ANALYST))
    first = signer.post(cast.a.lead, "/v1/grants", body, key="proposal-1")
    again = signer.post(cast.a.lead, "/v1/grants", body, key="proposal-1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.data == first.data
    proposal = first.get_json()
    path = f"/v1/grants/{proposal['id']}/approvals"
    approval = {"grant_sha256": proposal["grant_sha256"]}
    made = signer.post(cast.a.second_lead, path, approval, key="approval-1")
    repeated = signer.post(cast.a.second_lead, path, approval, key="approval-1")
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert (repeated.status_code, repeated.data) == (201, made.data)

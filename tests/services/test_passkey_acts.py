"""What people sign with passkeys is evidence like any other: granted, stored, told and proven."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from coordinator.domain.errors import ConflictError, InvalidInputError
from coordinator.services.membership.grant_proposals import ApproveGrant, ProposeGrant
from coordinator.services.membership.grants import MakeGrant
from coordinator.services.membership.rotations import RotateKey
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import prove_act, prove_evidence
from holdfast.evidence.case_file import Result
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import prove_notice
from holdfast.evidence.withdrawal_notice import prove_withdrawal
from holdfast.protocol import base64url, canonical_json, membership_payloads, strict_json
from holdfast.protocol.jwk import Algorithm, PrivateKey
from holdfast.protocol.passkey_token import is_passkey_token, read_passkey_front
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EvidenceKind, Role
from tests.factories import ORIGIN, Member, freeze_request_body, grant_body, request_token
from tests.passkeys import CONSOLE, SoftPasskey
from tests.services.member_reader import MemberReader, Shown
from tests.services.request_cast import (
    DAY,
    REQUESTS,
    Ask,
    Desk,
    Office,
    addresses,
    found,
    frozen,
    refusal,
)

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def enrol(
    desk: Desk, member: Member, alg: Algorithm = "ES256", passkey: SoftPasskey | None = None
) -> Member:
    """Have the root key grant a passkey to somebody of the cast; returns them with it."""
    person = member.with_passkey(passkey or SoftPasskey.generate(alg))
    grant(desk, person)
    return person


def grant(desk: Desk, member: Member, **changes: Any) -> dict[str, Any]:
    """Have the root key of A grant what a member's grant says, with changes."""
    raw = canonical_json.dumps(grant_body(member) | changes)
    body = membership_payloads.Grant.model_validate(strict_json.loads(raw))
    root = next(each.root for each in desk.cast.all if each.handle == member.handle)
    return desk.perform(root, "/v1/grants", raw, MakeGrant(body=body, audience=ORIGIN))


def directory(office: Office, reader: Member) -> KeyDirectory:
    return KeyDirectory(MemberReader(office.signer, reader), ORIGIN)


def told(office: Office, to: Member, ask: Ask, event_type: str) -> dict[str, Any]:
    """Return the data of the first such event that was sent out about a request."""
    exchange = next(each for each in office.desk.cast.all if each.handle == to.handle)
    for _, body in office.desk.raw_feed(exchange):
        event: dict[str, Any] = strict_json.loads(body)
        if event["type"] == event_type and event["data"]["request_id"] == ask.id:
            data: dict[str, Any] = event["data"]
            return data
    raise AssertionError(f"no {event_type}")


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_an_approval_by_passkey_is_told_and_proven_like_any_other(
    office: Office, alg: Algorithm
) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    lead = enrol(desk, a.lead, alg)
    ask = desk.submit(to=[b.handle], addresses=addresses(3, desk.made + 500))
    desk.decide_without(ask, [1], lead, comment="Seen \u00e9.")
    data = told(office, b.analyst, ask, "freeze_request.received")
    [approved] = data["approvals"]
    assert is_passkey_token(approved["token"])
    assert lead.passkey is not None
    assert (approved["kid"], approved["jwk"]) == (lead.passkey.kid, lead.passkey.jwk)
    reader = MemberReader(office.signer, b.analyst)
    notice = prove_notice(
        data, directory=directory(office, b.analyst), handle=b.handle, fetch=reader.evidence
    )
    [approval] = notice.approvals
    assert (approval.key.subject, approval.kind) == (a.lead.subject, EvidenceKind.WEBAUTHN)
    assert notice.submission.kind is EvidenceKind.JWS
    assert sorted(notice.addresses) == [0, 2]
    for member in (a.auditor, b.analyst):
        shown = Shown.to(MemberReader(office.signer, member), ask.id)
        assert shown.act("approve").kind is EvidenceKind.WEBAUTHN
        assert shown.act("submit").kind is EvidenceKind.JWS
        examination = shown.examine()
        assert examination.failures == []
        [finding] = [each for each in examination.acts if each.what == "approve"]
        assert finding.result is Result.VERIFIED
        assert finding.detail == f"{a.lead.subject} by passkey"
        assert finding.passkey_origin == CONSOLE
        others = [each for each in examination.acts if each is not finding]
        assert {each.passkey_origin for each in others} == {None}


def test_a_request_that_people_settle_by_passkey_alone_is_borne_out(office: Office) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    lead, second = enrol(desk, a.lead), enrol(desk, a.second_lead)
    compliance = enrol(desk, b.compliance, "EdDSA")
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.submit(lead, to=[b.handle])
    desk.decide(ask, second)
    desk.act(compliance, ask, "acknowledgement")
    desk.act(compliance, ask, "freeze-reports", lines=[found(0, 100), frozen(0, 90)])
    proposed = desk.withdraw(ask, by=lead)["withdrawal"]
    desk.decide_withdrawal(ask, proposed, second)
    desk.policy(a, withdrawal_quorum=1)
    data = told(office, b.analyst, ask, "freeze_request.withdrawn")
    reader = MemberReader(office.signer, b.analyst)
    withdrawal = prove_withdrawal(
        data,
        directory=directory(office, b.analyst),
        holds=True,
        fetch=reader.evidence,
    )
    assert {act.kind for act in withdrawal.acts} == {EvidenceKind.WEBAUTHN}
    for member in (a.auditor, b.analyst):
        shown = Shown.to(
            reader if member is b.analyst else MemberReader(office.signer, member), ask.id
        )
        assert shown.failed() == {}
        assert {act.kind for act in shown.acts if act.token} == {EvidenceKind.WEBAUTHN}


def test_a_submission_by_passkey_is_proven_though_addresses_were_left_out(office: Office) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    lead = enrol(desk, a.second_lead)
    ask = desk.submit(lead, to=[b.handle])
    desk.decide_without(ask, [0])
    data = told(office, b.analyst, ask, "freeze_request.received")
    assert "body" not in data["evidence"]
    reader = MemberReader(office.signer, b.analyst)
    notice = prove_notice(
        data, directory=directory(office, b.analyst), handle=b.handle, fetch=reader.evidence
    )
    assert notice.submission.kind is EvidenceKind.WEBAUTHN
    assert Shown.to(reader, ask.id).failed() == {}


#: What Chrome adds to the client data now and then.
_ADDED = {
    "other_keys_can_be_added_here": "do not compare clientDataJSON against a template."
    " See https://goo.gl/yabPex"
}


@pytest.mark.parametrize("document_bytes", [1_000, 5_000, 11_000, 20_000])
def test_a_notice_of_many_passkeys_stays_under_20_kb(office: Office, document_bytes: int) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    leads = []
    for _ in range(10):
        lead = Member(a.handle, new_id("per"), PrivateKey.generate(), (Role.SECURITY_LEAD,))
        leads.append(enrol(desk, lead, passkey=SoftPasskey(PrivateKey.generate(), added=_ADDED)))
    desk.policy(a, approval_quorum=len(leads))
    raw = canonical_json.dumps(freeze_request_body(to=[b.handle], addresses=addresses(1)))
    ask = desk.submit(raw=raw.replace(b"{", b"{" + b" " * (document_bytes - len(raw)), 1))
    for lead in leads:
        desk.decide(ask, lead, comment="\u00e9" * 200)
    desk.policy(a)
    data = told(office, b.analyst, ask, "freeze_request.received")
    assert len(data["approvals"]) == len(leads)
    assert len(canonical_json.dumps(data)) < 19_800  # the event has a few members more


def test_an_act_shown_as_another_kind_is_found_out(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    lead = enrol(desk, a.lead)
    ask = desk.submit(to=[desk.cast.b.handle])
    desk.decide(ask, lead)
    shown = Shown.to(MemberReader(office.signer, a.auditor), ask.id)
    for name, kind in (("approve", EvidenceKind.JWS), ("submit", EvidenceKind.WEBAUTHN)):
        altered = shown.copy()
        altered.swap(altered.acts, altered.act(name), kind=kind)
        assert "shown as" in altered.failed()[name]


def _twin(token: str) -> str:
    """Return the same token with the other signature that ES256 has for it."""
    signed = read_passkey_front(token).passkey
    assert signed is not None
    r, s = decode_dss_signature(signed.signature)
    other = encode_dss_signature(r, _P256_ORDER - s)
    return token.rpartition(".")[0] + "." + base64url.encode(other)


def test_one_act_shown_twice_with_two_signatures_is_found_out(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    compliance = enrol(desk, b.compliance)
    ask = desk.go_out(to=[b.handle])
    desk.act(compliance, ask, "freeze-reports", lines=[found(0, 100), frozen(0, 90)])
    shown = Shown.to(MemberReader(office.signer, desk.cast.a.auditor), ask.id)
    report = shown.act("report")
    twin = report.model_copy(update={"act_id": new_id("act"), "token": _twin(report.token or "")})
    shown.acts.append(twin)
    assert "shown twice" in shown.failed()["report"]


def _of_other_context(desk: Desk, lead: Member, ask: Ask) -> tuple[str, bytes]:
    """Return the approval of another request's context, under this request's path."""
    other = desk.submit(to=[desk.cast.b.handle])
    body = {
        "content_sha256": ask.content_sha256,
        "decision": "approve",
        "context_sha256": other.answer["context_sha256"],
    }
    raw = canonical_json.dumps(body)
    return request_token(lead, "POST", f"{REQUESTS}/{ask.id}/approvals", raw, desk.clock), raw


def _signed_elsewhere(desk: Desk, lead: Member, ask: Ask) -> tuple[str, bytes]:
    assert lead.passkey is not None
    body = {
        "content_sha256": ask.content_sha256,
        "decision": "approve",
        "context_sha256": ask.answer["context_sha256"],
    }
    raw = canonical_json.dumps(body)
    token = lead.passkey.sign_act(
        aud=ORIGIN,
        path=f"{REQUESTS}/{ask.id}/approvals",
        body=raw,
        partner=lead.handle,
        person=lead.subject,
        now=int(desk.clock.now().timestamp()),
        client={"origin": "https://console.evil.example"},
    )
    return token, raw


def _as_somebody_else(desk: Desk, lead: Member, ask: Ask) -> tuple[str, bytes]:
    other = replace(lead, subject=desk.cast.a.second_lead.subject)
    body = {
        "content_sha256": ask.content_sha256,
        "decision": "approve",
        "context_sha256": ask.answer["context_sha256"],
    }
    raw = canonical_json.dumps(body)
    return request_token(other, "POST", f"{REQUESTS}/{ask.id}/approvals", raw, desk.clock), raw


@pytest.mark.parametrize(
    ("attack", "code"), [(_signed_elsewhere, "bad_evidence"), (_as_somebody_else, "bad_subject")]
)
def test_an_approval_that_was_signed_otherwise_proves_nothing(
    office: Office,
    attack: Callable[[Desk, Member, Ask], tuple[str, bytes]],
    code: str,
) -> None:
    desk, a = office.desk, office.desk.cast.a
    lead = enrol(desk, a.lead)
    ask = desk.submit(to=[desk.cast.b.handle])
    token, raw = attack(desk, lead, ask)
    with pytest.raises(UntrustedEvidenceError) as caught:
        prove_act(
            directory(office, desk.cast.b.analyst),
            act="approve",
            partner=a.handle,
            token=token,
            body=raw,
            request_id=ask.id,
            content_sha256=ask.content_sha256,
        )
    assert caught.value.code == code


def test_a_decision_for_another_context_is_none_for_this_one(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    lead = enrol(desk, a.lead)
    ask = desk.submit(to=[desk.cast.b.handle])
    desk.decide(ask, lead)
    token, raw = _of_other_context(desk, lead, ask)
    shown = Shown.to(MemberReader(office.signer, a.auditor), ask.id)
    shown.swap(shown.acts, shown.act("approve"), token=token, body=raw.decode())
    assert shown.failed()
    evidence = shown.act("approve")
    honest = Shown.to(MemberReader(office.signer, a.auditor), ask.id).act("approve")
    swapped = evidence.model_copy(update={"body": honest.body})
    with pytest.raises(UntrustedEvidenceError):
        prove_evidence(
            directory(office, a.auditor),
            swapped,
            request_id=ask.id,
            content_sha256=ask.content_sha256,
        )


# --- granting them --------------------------------------------------------------------------------


def test_a_passkey_is_granted_to_people_and_at_the_console_alone(desk: Desk) -> None:
    a = desk.cast.a
    elsewhere = SoftPasskey.generate(rp_id="evil.example", origin="https://evil.example")
    port = SoftPasskey.generate(origin="http://localhost:8081")
    cases = [
        (a.system.with_passkey(SoftPasskey.generate()), "/jwk/webauthn", "person"),
        (a.lead.with_passkey(elsewhere), "/jwk/webauthn", "other_origin"),
        (a.lead.with_passkey(port), "/jwk/webauthn", "other_origin"),
    ]
    for member, pointer, code in cases:
        body = grant_body(member)
        if member.subject.startswith("sys_"):
            body["possession"] = grant_body(a.lead.with_passkey(SoftPasskey.generate()))[
                "possession"
            ]
        refused = refusal(grant, desk, member, possession=body["possession"])
        assert (refused.type, refused.pointers) == (InvalidInputError, {pointer: code})


def test_a_passkey_without_its_proof_or_with_another_s_is_not_granted(desk: Desk) -> None:
    a = desk.cast.a
    person = a.lead.with_passkey(SoftPasskey.generate())
    other = a.lead.with_passkey(SoftPasskey.generate())
    proofs = [
        grant_body(other)["possession"],
        grant_body(replace(person, subject=a.second_lead.subject))["possession"],
        grant_body(a.lead)["possession"],
    ]
    for proof in proofs:
        refused = refusal(grant, desk, person, possession=proof)
        assert refused.pointers == {"/possession": "possession"}


def test_a_passkey_is_no_plain_key_and_a_plain_key_no_passkey(desk: Desk) -> None:
    """One pair of numbers is registered once, as what it was at first."""
    person = enrol(desk, desk.cast.a.lead)
    plain = replace(person, passkey=None)
    assert refusal(grant, desk, plain).type is ConflictError
    again = replace(desk.cast.a.analyst)
    as_passkey = again.with_passkey(SoftPasskey(again.key))
    assert refusal(grant, desk, as_passkey).type is ConflictError
    grant(desk, person)  # the root key vouches for the same again


def test_leads_grant_and_replace_passkeys_with_passkeys(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    lead, second = enrol(desk, a.lead), enrol(desk, a.second_lead)
    newcomer = Member(a.handle, new_id("per"), PrivateKey.generate(), (Role.ANALYST,)).with_passkey(
        SoftPasskey.generate()
    )
    raw = canonical_json.dumps(grant_body(newcomer))
    body = membership_payloads.Grant.model_validate(strict_json.loads(raw))
    proposal = desk.perform(
        lead, "/v1/grants", raw, ProposeGrant(body=body, audience=ORIGIN, approve_within=DAY)
    )
    approval = {"grant_sha256": proposal["grant_sha256"]}
    made = desk.perform(
        second,
        f"/v1/grants/{proposal['id']}/approvals",
        canonical_json.dumps(approval),
        ApproveGrant(
            proposal_id=proposal["id"],
            body=membership_payloads.GrantApproval.model_validate(approval),
            audience=ORIGIN,
        ),
    )
    assert (made["proposer"], made["approver"]) == (a.lead.subject, a.second_lead.subject)
    rotated = newcomer.with_passkey(SoftPasskey.generate("EdDSA"))
    change = {**grant_body(rotated), "roles": [], "replaces": newcomer.key.kid}
    raw = canonical_json.dumps(change)
    body = membership_payloads.Grant.model_validate(strict_json.loads(raw))
    desk.perform(newcomer, "/v1/grants", raw, RotateKey(body=body, audience=ORIGIN))
    known = directory(office, desk.cast.b.analyst)
    trusted = known.trusted_key(a.handle, rotated.key.kid)
    assert (trusted.subject, trusted.proposer) == (newcomer.subject, a.lead.subject)
    assert rotated.passkey is not None
    assert trusted.key == rotated.passkey.public


def test_a_passkey_authenticates_no_request_of_the_api(office: Office) -> None:
    """Neither by an assertion, nor by a JWS that its private half would make."""
    desk, a = office.desk, office.desk.cast.a
    lead = enrol(desk, a.lead)
    body = {"decision": "approve"}
    assert office.signer.post(lead, "/v1/freeze-requests", body).status_code == 401
    assert office.signer.get(replace(lead, passkey=None), "/v1/partners/me").status_code == 401
    assert office.signer.get(a.lead, "/v1/partners/me").status_code == 200

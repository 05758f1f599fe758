"""Passkeys at the command line: granting one, the digits of a decision, and who signed by one."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.errors import InvalidDraftError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.profiles.key_requests import grant_of, key_request, read_key_request
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.shown_digits import shown_digits
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, EvidenceKind, Role
from tests.partners.shell import FRQ, REQUEST, Shell, sent
from tests.partners.signed_world import evidence_view, request_body, sign
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.submitted import Submitted
from tests.partners.test_cli_verify import Coordinator
from tests.passkeys import CONSOLE, SoftPasskey


@pytest.fixture
def coordinator(stub: StubCoordinator, store: ProfileStore) -> Coordinator:
    return Coordinator(stub, store)


def _by_passkey(coordinator: Coordinator, passkey: SoftPasskey, **assertion: Any) -> None:
    """Have the approval signed by a passkey of the same lead."""
    approval, world = coordinator.acts[1], coordinator.world
    lead = next(v for v in world.key_views if v.subject == approval.subject)
    owner = coordinator.lead
    assert lead.subject == owner.subject
    world.passkey(owner, passkey)
    token = passkey.sign_act(
        aud=world.origin,
        path=f"{REQUEST}/approvals",
        body=(approval.body or "").encode(),
        partner=world.handle,
        person=owner.subject,
        now=int(approval.at.timestamp()),
        **assertion,
    )
    changes = {"kind": EvidenceKind.WEBAUTHN, "kid": passkey.kid, "jwk": passkey.jwk}
    coordinator.acts[1] = approval.model_copy(update={**changes, "token": token})
    coordinator.view["approvals"][0]["kid"] = passkey.kid


def test_verify_says_what_was_signed_by_passkey_and_where(
    shell: Shell, coordinator: Coordinator
) -> None:
    _by_passkey(coordinator, SoftPasskey.generate())
    coordinator.answers()
    done = shell("verify", FRQ)
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "by passkey" in told
    assert f"signed this very act on a page of {CONSOLE}." in told
    rows = [
        strict_json.loads(line.encode())
        for line in shell("verify", FRQ, "--json").stdout.splitlines()
    ]
    origins = {row["act"]: row.get("passkey_origin") for row in rows if "act" in row}
    assert origins == {"submit": None, "approve": CONSOLE, "deliver": None}


def test_verify_tells_of_no_passkey_where_there_is_none(
    shell: Shell, coordinator: Coordinator
) -> None:
    coordinator.answers()
    assert "passkey" not in shell("verify", FRQ).output


def test_verify_finds_out_an_approval_that_a_passkey_gave_elsewhere(
    shell: Shell, coordinator: Coordinator
) -> None:
    _by_passkey(coordinator, SoftPasskey.generate(), client={"origin": "https://evil.example"})
    coordinator.answers()
    done = shell("verify", FRQ)
    assert done.exit_code == 8
    assert "signed at another origin" in " ".join(done.output.split())


# --- key requests ---------------------------------------------------------------------------------


def _request(owner: Profile, passkey: SoftPasskey, **changes: Any) -> bytes:
    proof = passkey.possession(owner.coordinator, owner.handle, owner.subject)
    request = key_request(owner).model_dump(exclude_none=True)
    return canonical_json.dumps(request | {"jwk": passkey.jwk, "possession": proof} | changes)


def test_a_key_request_may_be_of_a_passkey(shell: Shell, submitted: Submitted) -> None:
    lead, passkey = submitted.lead, SoftPasskey.generate()
    request = read_key_request(_request(lead, passkey))
    grant = grant_of(request, [Role.SECURITY_LEAD])
    assert grant.jwk is not None
    assert PublicKey.from_jwk(grant.jwk.model_dump(exclude_none=True)) == passkey.public
    view = {"id": "grt_1", "partner": lead.handle, "roles": ["security_lead"], "kid": passkey.kid}
    submitted.stub.answers(
        "POST", "/v1/grants", {**view, "made_at": "2026-01-02T03:04:05Z"}, status=201
    )
    file = shell.write("request.json", _request(lead, passkey))
    done = shell("grant", file, "--role", "security_lead")
    assert done.exit_code == 0, done.output
    assert CONSOLE in done.output
    assert sent(submitted.stub)["jwk"] == passkey.jwk


def test_a_passkeys_request_that_it_did_not_sign_is_refused(submitted: Submitted) -> None:
    lead, passkey = submitted.lead, SoftPasskey.generate()
    other = SoftPasskey.generate().possession(lead.coordinator, lead.handle, lead.subject)
    plain = {name: passkey.jwk[name] for name in ("kty", "crv", "x", "y")}
    for change in ({"possession": other}, {"jwk": plain}, {"subject": new_id("per")}):
        with pytest.raises(InvalidDraftError, match="cannot be trusted"):
            read_key_request(_request(lead, passkey, **change))


def test_a_passkey_of_two_places_is_of_the_first(submitted: Submitted) -> None:
    """A coordinator cannot have a passkey moved to a page of its own by a second grant."""
    world, lead, passkey = submitted.world, submitted.lead, SoftPasskey.generate()
    moved = SoftPasskey(passkey.key, "evil.example", "https://evil.example")
    world.passkey(lead, passkey)
    world.passkey(lead, moved, Role.COMPLIANCE)
    trusted = KeyDirectory(world, world.origin).trusted_key(world.handle, passkey.kid)
    assert trusted.key == passkey.public
    assert trusted.roles == {Role.SECURITY_LEAD}


# --- the digits -----------------------------------------------------------------------------------


def _digits(submitted: Submitted, decision: Decision, *left_out: int, context: str = "") -> str:
    first, last = shown_digits(
        aud=submitted.stub.origin,
        request_id=FRQ,
        content_sha256=submitted.content_sha256,
        context_sha256=sha256((context or submitted.context).encode()).hexdigest(),
        decision=decision,
        left_out=left_out,
    )
    return f"{first} … {last}"


def test_the_digits_of_a_decision_are_shown_with_what_was_signed(
    shell: Shell, submitted: Submitted
) -> None:
    addresses = [{"account": f"eip155:1:0x{number:040x}"} for number in range(1, 5)]
    submitted.sign_again(request_body(summary="Signed.", addresses=addresses))
    submitted.answer(summary="What the coordinator claims.")
    cases = [
        ((), _digits(submitted, Decision.APPROVE)),
        (("--reject",), _digits(submitted, Decision.REJECT)),
        (("--except", "3,1"), _digits(submitted, Decision.APPROVE, 1, 3)),
    ]
    for words, digits in cases:
        done = shell("verify-approval", FRQ, *words)
        assert done.exit_code == 0, done.output
        assert digits in done.stdout
        assert "Signed." in done.stdout
        assert "What the coordinator claims." not in done.output
    assert len({digits for _, digits in cases}) == 3
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


def test_programs_read_the_digits_as_a_document(shell: Shell, submitted: Submitted) -> None:
    submitted.answer()
    told = strict_json.loads(shell("verify-approval", FRQ, "--json").stdout.encode())
    assert " … ".join(told["digits"]) == _digits(submitted, Decision.APPROVE)
    assert (told["decision"], told["except"]) == ("approve", [])


@pytest.mark.parametrize(
    "words",
    [("--except", "1;2"), ("--except", "7"), ("--except", "0", "--reject"), ("--except", "")],
)
def test_odd_exceptions_are_refused(
    shell: Shell, submitted: Submitted, words: tuple[str, ...]
) -> None:
    submitted.answer()
    assert shell("verify-approval", FRQ, *words).exit_code == 2


def test_no_digits_are_shown_of_what_is_not_proven(shell: Shell, submitted: Submitted) -> None:
    submitted.answer()
    assert shell("verify-approval", FRQ).exit_code == 0
    forged = sign(submitted.lead, f"{submitted.stub.origin}/v1/other", submitted.signed.body)
    submitted.answer_evidence(evidence_view("submit", forged, submitted.lead))
    done = shell("verify-approval", FRQ)
    assert (done.exit_code, "…" in done.stdout) == (8, False)


def test_no_digits_are_shown_of_a_context_about_another_act(
    shell: Shell, submitted: Submitted
) -> None:
    context = strict_json.loads(submitted.context.encode()) | {"act_sha256": "0" * 64}
    submitted.context = canonical_json.dumps(context).decode()
    submitted.answer()
    done = shell("verify-approval", FRQ)
    assert (done.exit_code, "another act" in done.output) == (8, True)


def test_what_waits_for_nobody_has_no_digits(shell: Shell, submitted: Submitted) -> None:
    submitted.answer(status="rejected")
    assert shell("verify-approval", FRQ).exit_code == 5


class _Addition:
    """A proposal to ask exchange C as well, as the stub shows it."""

    def __init__(self, submitted: Submitted, **context: Any) -> None:
        body = {"content_sha256": submitted.content_sha256, "to": ["exchange-c.example"]}
        url = f"{submitted.stub.origin}{REQUEST}/partners"
        proposal = sign(submitted.lead, url, canonical_json.dumps(body))
        members = {
            "v": 1,
            "request_id": FRQ,
            "content_sha256": submitted.content_sha256,
            "act_sha256": sha256(proposal.body).hexdigest(),
            "to": ["exchange-c.example"],
            "warnings": [],
        }
        self.context = canonical_json.dumps(members | context).decode()
        act = evidence_view("add_partners", proposal, submitted.lead)
        submitted.answer(status="active")
        submitted.answer_evidence(act)
        view = {
            "id": "add_1",
            "request_id": FRQ,
            "act_id": act.act_id,
            "addition_status": "pending",
            "status": "active",
            "to": ["exchange-c.example"],
            "proposed_by": submitted.lead.subject,
            "proposed_at": "2026-01-02T03:04:05Z",
            "approve_by": "2026-01-02T03:04:05Z",
            "decision_context": self.context,
            "context_sha256": sha256(self.context.encode()).hexdigest(),
            "quorum": 1,
        }
        submitted.stub.answers("GET", f"{REQUEST}/partners", {"items": [view]})


def test_an_addition_has_digits_of_its_own(shell: Shell, submitted: Submitted) -> None:
    addition = _Addition(submitted)
    done = shell("verify-approval", FRQ, "--addition", "add_1")
    assert done.exit_code == 0, done.output
    assert _digits(submitted, Decision.APPROVE, context=addition.context) in done.stdout
    assert "exchange-c.example" in done.stdout


def test_no_digits_are_shown_of_an_addition_that_nobody_signed(
    shell: Shell, submitted: Submitted
) -> None:
    _Addition(submitted, to=["exchange-d.example"])
    done = shell("verify-approval", FRQ, "--addition", "add_1")
    assert (done.exit_code, "…" in done.stdout) == (8, False)
    submitted.answer_evidence()
    assert shell("verify-approval", FRQ, "--addition", "add_1").exit_code == 8

"""Whether a key was good is decided by the log where both stand in it, and by clocks elsewhere."""

from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import prove_evidence
from holdfast.evidence.key_directory import KeyDirectory, Places
from holdfast.profiles.key_requests import grant_of, key_request, new_profile
from holdfast.profiles.store import Profile
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import Acknowledgement
from holdfast.protocol.proof_of_possession import verify_possession
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ
from tests.partners.signed_world import ORIGIN, REQUESTS, World, evidence_view, sign

_CONTENT = "ab" * 32


@pytest.fixture
def world() -> World:
    return World()


def acknowledged(person: Profile) -> EvidenceView:
    body = Acknowledgement(content_sha256=_CONTENT)
    signed = sign(person, f"{REQUESTS}/{FRQ}/acknowledgement", body)
    return evidence_view("acknowledge", signed, person)


def prove(world: World, act: EvidenceView, places: Places) -> None:
    directory = KeyDirectory(world, ORIGIN, places=places)
    prove_evidence(directory, act, request_id=FRQ, content_sha256=_CONTENT)


def test_an_act_after_the_revocation_of_its_key_does_not_count(world: World) -> None:
    person = world.person(Role.ANALYST)
    act, kid = acknowledged(person), person.key.kid
    # By its clock the key was good, for the revocation is of this moment.
    world.revoke(person, just_now=True)
    prove(world, act, Places())
    prove(world, act, Places(acts={act.act_id: 6}, revoked={kid: 7}))
    with pytest.raises(UntrustedEvidenceError, match="entry 8, after its key was revoked") as late:
        prove(world, act, Places(acts={act.act_id: 8}, revoked={kid: 7}))
    assert late.value.code == "revoked_key"


def test_an_act_before_the_revocation_of_its_key_counts_whatever_the_clocks_say(
    world: World,
) -> None:
    person = world.person(Role.ANALYST)
    act, kid = acknowledged(person), person.key.kid
    world.revoke(person)
    with pytest.raises(UntrustedEvidenceError, match="signed after its key was revoked"):
        prove(world, act, Places())
    # One place alone decides nothing.
    with pytest.raises(UntrustedEvidenceError, match="signed after its key was revoked"):
        prove(world, act, Places(acts={act.act_id: 6}))
    prove(world, act, Places(acts={act.act_id: 6}, revoked={kid: 7}))


def test_an_act_before_the_grant_of_its_key_does_not_count(world: World) -> None:
    person = world.person(Role.ANALYST)
    act, kid = acknowledged(person), person.key.kid
    prove(world, act, Places(acts={act.act_id: 6}, granted={kid: 5}))
    with pytest.raises(UntrustedEvidenceError, match="granted by entry 9") as early:
        prove(world, act, Places(acts={act.act_id: 6}, granted={kid: 9}))
    assert early.value.code == "unknown_key"


def test_a_grant_after_the_revocation_of_a_lead_gives_nothing(world: World) -> None:
    lead, other = world.person(Role.SECURITY_LEAD), world.person(Role.SECURITY_LEAD)
    added = new_profile("n", coordinator=ORIGIN, handle=world.handle, kind="person")
    world.lead_grant(lead, other, grant_of(key_request(added), [Role.ANALYST]))
    world.add_key(added)
    world.revoke(lead, just_now=True)
    act, grant = acknowledged(added), world.grant_views[-1].id
    prove(world, act, Places())
    prove(world, act, Places(grants={grant: 6}, revoked={lead.key.kid: 7}))
    for gone in (lead, other):
        with pytest.raises(UntrustedEvidenceError, match="no grant that goes back"):
            prove(world, act, Places(grants={grant: 8}, revoked={gone.key.kid: 7}))


def test_what_was_signed_once_and_grants_to_several_is_checked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person(Role.ANALYST)
    world.grant_views += [view.model_copy() for view in world.grant_views]
    checked: list[str] = []

    def count(token: str, **about: Any) -> PublicKey:
        checked.append(token)
        return verify_possession(token, **about)

    monkeypatch.setattr("holdfast.evidence.grant_chain.verify_possession", count)
    prove(world, acknowledged(person), Places())
    assert len(checked) == 1

"""Rotation: whoever has a key replaces it alone, and the old one is over at once."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import (
    events,
    grant_by_root,
    is_served,
    new_person,
    rotation_body,
    with_new_key,
)
from tests.factories import Cast, Member, Signer, request_token


@pytest.mark.parametrize("role", ["analyst", "compliance", "auditor", "system", "security_lead"])
def test_everybody_replaces_their_own_key_alone(signer: Signer, cast: Cast, role: str) -> None:
    old = cast.a.people[role]
    new = with_new_key(old)
    answer = signer.post(old, "/v1/grants", rotation_body(old, new))
    assert answer.status_code == 201, answer.data
    assert answer.get_json()["status"] == "made"
    assert not is_served(signer, old)
    assert is_served(signer, new)
    [told] = events(signer, cast.b.system, "grant.made")
    assert (told["kid"], told["replaces"]) == (new.key.kid, old.key.kid)
    people = signer.get(new, "/v1/people").get_json()["items"]
    [person] = [item for item in people if item["id"] == old.subject]
    assert person["kids"] == [new.key.kid]
    assert person["roles"] == [role]


def test_the_retry_of_a_rotation_hears_the_same_and_the_old_key_does_nothing_else(
    signer: Signer, cast: Cast
) -> None:
    old = cast.a.analyst
    new = with_new_key(old)
    body = rotation_body(old, new)
    first = signer.post(old, "/v1/grants", body, key="rotation-1")
    again = signer.post(old, "/v1/grants", body, key="rotation-1")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert signer.post(old, "/v1/grants", body, key="rotation-2").status_code == 401
    another = rotation_body(old, with_new_key(old))
    assert signer.post(old, "/v1/grants", another, key="rotation-1").status_code == 401
    assert signer.post(old, "/v1/revocations", {"kid": old.key.kid}).status_code == 401
    assert not is_served(signer, old)


def test_the_token_of_a_rotation_works_once(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    old = cast.a.analyst
    raw = canonical_json.dumps(rotation_body(old, with_new_key(old)))
    headers = {
        "Authorization": f"Bearer {request_token(old, 'POST', '/v1/grants', raw, clock)}",
        "Idempotency-Key": "rotation-1",
        "Content-Type": "application/json",
    }
    assert signer.client.post("/v1/grants", data=raw, headers=headers).status_code == 201
    assert signer.client.post("/v1/grants", data=raw, headers=headers).status_code == 401


def _bad_rotations(cast: Cast, old: Member) -> list[tuple[dict[str, Any], int, str]]:
    good = rotation_body(old, with_new_key(old))
    theirs = rotation_body(old, with_new_key(cast.a.compliance))
    return [
        ({**good, "roles": ["security_lead"]}, 422, "invalid_input"),
        ({**good, "policy": {}}, 422, "invalid_input"),
        (theirs, 403, "not_allowed"),
        ({**good, "possession": theirs["possession"]}, 422, "invalid_input"),
        ({**good, "replaces": cast.a.lead.key.kid}, 403, "not_allowed"),
        (rotation_body(old, old), 409, "known_key"),
        (
            {**rotation_body(old, cast.a.compliance), "subject": old.subject},
            422,
            "invalid_input",
        ),
    ]


@pytest.mark.parametrize("number", range(7))
def test_a_rotation_changes_nothing_but_the_key(signer: Signer, cast: Cast, number: int) -> None:
    old = cast.a.analyst
    body, status, code = _bad_rotations(cast, old)[number]
    answer = signer.post(old, "/v1/grants", body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.data
    assert is_served(signer, old)


def test_the_same_roles_may_be_repeated(signer: Signer, cast: Cast) -> None:
    old = new_person(cast.a, Role.ANALYST, Role.COMPLIANCE)
    grant_by_root(signer, cast.a, old)
    body = {**rotation_body(old, with_new_key(old)), "roles": ["compliance", "analyst"]}
    assert signer.post(old, "/v1/grants", body).status_code == 201


def test_the_root_key_replaces_a_lost_key_for_its_subject(signer: Signer, cast: Cast) -> None:
    old = cast.a.analyst
    new = with_new_key(old)
    answer = signer.post(cast.a.root, "/v1/grants", rotation_body(old, new))
    assert answer.status_code == 201, answer.data
    assert is_served(signer, new)
    assert not is_served(signer, old)
    itself = signer.post(cast.a.root, "/v1/grants", rotation_body(new, new))
    assert itself.status_code == 422
    assert itself.get_json()["errors"][0]["pointer"] == "/replaces"
    assert is_served(signer, new)
    gone = rotation_body(old, with_new_key(old))
    refused = signer.post(cast.a.root, "/v1/grants", gone)
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["pointer"] == "/replaces"


def test_a_lead_ends_their_own_key_though_that_very_key_signs_it(
    signer: Signer, cast: Cast
) -> None:
    answer = signer.post(cast.a.lead, "/v1/revocations", {"kid": cast.a.lead.key.kid})
    assert answer.status_code == 201, answer.data
    assert not is_served(signer, cast.a.lead)

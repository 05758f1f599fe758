"""`holdfast explain`: a token is looked through without a coordinator."""

import time
from pathlib import Path

import pytest

from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.request_token import make_request_token
from tests.partners.shell import Shell

ORIGIN = "https://coordinator.example"
BODY = b'{"comment":"seen"}\n'


@pytest.fixture
def person(store: ProfileStore) -> Profile:
    made = new_profile("ada", coordinator=ORIGIN, handle="exchange-a.example", kind="person")
    store.save(made)
    return made


def _token(person: Profile, **changed: object) -> str:
    members = {
        "iss": person.handle,
        "sub": person.subject,
        "aud": ORIGIN,
        "method": "POST",
        "url": f"{ORIGIN}/v1/grants",
        "body": BODY,
        "now": int(time.time()),
    }
    return make_request_token(person.key, **{**members, **changed})  # type: ignore[arg-type]  # as the test has it


def test_a_good_token_is_held_against_its_keys_profile(shell: Shell, person: Profile) -> None:
    body = shell.write("body.json", BODY)
    done = shell("explain", _token(person), body)
    assert done.exit_code == 0
    assert "find no fault" in done.output
    # What was checked is not among what was not.
    assert "signature" not in done.output
    assert "--method and --url" in done.output
    assert "registered and not revoked" in done.output


def test_the_token_comes_from_an_argument_a_file_or_standard_input(
    shell: Shell, person: Profile
) -> None:
    token = _token(person)
    path = shell.write("token.txt", f"Authorization: Bearer {token}\n")
    for words, typed in (
        ((token,), None),
        ((f"Bearer {token}",), None),
        ((path,), None),
        (("-",), f"{token}\n"),
    ):
        done = shell("explain", *words, typed=typed)
        assert done.exit_code == 0, done.output
    body = shell("explain", token, "-", typed=BODY.decode())
    assert body.exit_code == 0
    both = shell("explain", "-", "-", typed=token)
    assert both.exit_code == 2
    nowhere = shell("explain", "nowhere.txt")
    assert nowhere.exit_code == 2
    assert "give the token itself, or its file" in nowhere.output


def test_each_fault_says_what_is_there_and_what_should_be(shell: Shell, person: Profile) -> None:
    token = _token(person, aud="https://other.example", body=b"{}", now=int(time.time()) - 500)
    body = shell.write("body.json", BODY)
    done = shell(
        "explain", token, body, "--method", "PATCH", "--url", f"{ORIGIN}/v1/grants?x=1", "--json"
    )
    assert done.exit_code == 6
    faults = {
        fault["reason"]: fault
        for fault in (strict_json.loads(line.encode()) for line in done.stdout.splitlines())
    }
    assert set(faults) == {
        *("aud_mismatch", "htm_mismatch", "htu_mismatch", "expired", "body_mismatch")
    }
    assert faults["aud_mismatch"]["seen"] == '"https://other.example"'
    assert faults["aud_mismatch"]["wanted"] == f'"{ORIGIN}"'
    told = shell("explain", token, body)
    assert told.exit_code == 6
    assert "claims.aud: refused (aud_mismatch)" in told.output
    assert "wanted" in told.output
    assert token not in told.output


def test_a_stranger_brings_the_key_and_the_origin(shell: Shell, person: Profile) -> None:
    other = Profile("", ORIGIN, person.handle, person.subject, "person", PrivateKey.generate())
    token = _token(other)
    jwk = shell.write("jwk.json", canonical_json.dumps(other.key.public.jwk()))
    assert "the signature: give --jwk" in shell("explain", token).output
    named = shell("explain", token, "--jwk", jwk, "--origin", ORIGIN)
    assert named.exit_code == 0
    assert "the signature" not in named.output
    assert shell("explain", token, "--origin", "https://other.example").exit_code == 6
    as_ada = shell("explain", token, "--as", "ada", "--json")
    assert '"kid_mismatch"' in as_ada.stdout
    late = shell("explain", token, "--jwk", jwk, "--at", "2020-01-01T00:00:00Z", "--json")
    assert '"not_yet_valid"' in late.stdout


def test_a_private_key_is_burnt_wherever_it_was_given(shell: Shell, person: Profile) -> None:
    private = {**person.key.public.jwk(), "d": "A" * 43}
    jwk = shell.write("jwk.json", canonical_json.dumps(private))
    done = shell("explain", _token(person), "--jwk", jwk)
    assert done.exit_code == 6
    assert "this key is burnt, make a new one" in done.output
    body = canonical_json.dumps({"root_jwk": private, "grants": [{"jwk": private}]})
    path = shell.write("join.json", body)
    sent = shell("explain", _token(person, body=body), path)
    assert sent.exit_code == 6
    assert "body.root_jwk: refused (private_key)" in sent.output
    assert "body.jwk: refused (private_key)" in sent.output


def test_a_body_that_joins_brings_its_own_key(shell: Shell, tmp_path: Path) -> None:
    del tmp_path
    key, other = PrivateKey.generate(), PrivateKey.generate()
    body = canonical_json.dumps({"root_jwk": key.public.jwk()})
    path = shell.write("join.json", body)
    for signer, status in ((key, 0), (other, 6)):
        root = Profile("", ORIGIN, "exchange-z.example", "exchange-z.example", "root", signer)
        token = _token(root, body=body, url=f"{ORIGIN}/v1/join")
        assert shell("explain", token, path).exit_code == status

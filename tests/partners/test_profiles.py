"""Profiles, pins and key requests: private, never overwritten, never ambiguous."""

import stat
from pathlib import Path

import pytest

from holdfast.client.joining import Joining, Person, System, join
from holdfast.errors import ConflictError, InvalidDraftError, ProfileError
from holdfast.profiles.key_requests import (
    key_request,
    new_profile,
    read_key_request,
    write_key_request,
)
from holdfast.profiles.store import Profile, ProfileStore, checked_origin
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.membership_payloads import Join
from holdfast.protocol.vocabulary import Role
from tests.partners.stub_coordinator import StubCoordinator, problem


def some_profile(name: str = "analyst") -> Profile:
    origin = "https://coordinator.example"
    return new_profile(name, coordinator=origin, handle="exchange-a.example", kind="person")


def test_a_profile_comes_back_as_it_was_stored(store: ProfileStore) -> None:
    profile = some_profile()
    store.save(profile)
    loaded = store.load("analyst")
    assert loaded.key.kid == profile.key.kid
    assert (loaded.handle, loaded.subject, loaded.kind) == (
        profile.handle,
        profile.subject,
        "person",
    )


def test_nobody_else_can_read_what_is_stored(store: ProfileStore) -> None:
    store.save(some_profile())
    store.pin("exchange-b.example", "k" * 43)
    for path in [store.home, *store.home.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_key_that_others_can_read_is_refused(store: ProfileStore) -> None:
    store.save(some_profile())
    (store.home / "profiles/analyst/key.pem").chmod(0o640)
    with pytest.raises(ProfileError, match="chmod 600"):
        store.load("analyst")


def test_a_key_is_never_overwritten(store: ProfileStore) -> None:
    first = some_profile()
    store.save(first)
    with pytest.raises(ProfileError, match="not overwritten"):
        store.save(some_profile())
    assert store.load("analyst").key.kid == first.key.kid


def test_several_profiles_without_a_choice_are_an_error(store: ProfileStore) -> None:
    with pytest.raises(ProfileError, match="no profile"):
        store.choose(None)
    store.save(some_profile("one"))
    assert store.choose(None).name == "one"
    store.save(some_profile("two"))
    with pytest.raises(ProfileError, match="one, two"):
        store.choose(None)
    assert store.choose("two").name == "two"


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "-x", "x" * 65, "\N{SNOWMAN}"])
def test_a_name_that_could_leave_the_folder_is_refused(store: ProfileStore, name: str) -> None:
    with pytest.raises(ProfileError, match="profile name"):
        store.load(name)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("key.pem", b"junk"),
        ("profile.json", b"{}"),
        ("profile.json", b"{"),
        ("profile.json", b'{"handle": 1}'),
    ],
)
def test_a_damaged_profile_says_so(store: ProfileStore, file: str, content: bytes) -> None:
    store.save(some_profile())
    path = store.home / "profiles/analyst" / file
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ProfileError, match="damaged"):
        store.load("analyst")


def test_the_environment_says_where_profiles_lie(tmp_path: Path) -> None:
    assert ProfileStore.from_environment({"HOLDFAST_HOME": str(tmp_path)}).home == tmp_path


@pytest.mark.parametrize(
    "url",
    [
        "coordinator.example",
        "ftp://coordinator.example",
        "https://coordinator.example/v1",
        "https://coordinator.example?x",
        "https://me@coordinator.example",
        "http://coordinator.example",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ProfileError):
        checked_origin(url)


def test_an_origin_is_taken_with_or_without_its_slash() -> None:
    assert checked_origin("https://Coordinator.example/") == "https://coordinator.example"
    assert checked_origin("http://127.0.0.1:8080") == "http://127.0.0.1:8080"


def test_pins_are_kept_replaced_and_removed(store: ProfileStore) -> None:
    assert store.pins() == {}
    store.pin("exchange-b.example", "a" * 43)
    store.pin("exchange-b.example", "b" * 43)
    assert store.pins() == {"exchange-b.example": "b" * 43}
    assert store.unpin("exchange-b.example")
    assert not store.unpin("exchange-b.example")


@pytest.mark.parametrize(
    ("handle", "thumbprint"), [("Exchange-B", "a" * 43), ("b.example", "short"), ("", "")]
)
def test_a_pin_that_is_none_is_refused(store: ProfileStore, handle: str, thumbprint: str) -> None:
    with pytest.raises(ProfileError):
        store.pin(handle, thumbprint)
    assert store.pins() == {}


def test_a_key_request_holds_no_private_key(tmp_path: Path) -> None:
    profile = some_profile()
    path = tmp_path / "request.json"
    write_key_request(key_request(profile), path)
    raw = path.read_bytes()
    assert set(strict_json.loads(raw)["jwk"]) == {"kty", "crv", "x"}
    assert profile.key.to_pem().splitlines()[1] not in raw
    assert read_key_request(raw).subject == profile.subject


def test_a_key_request_for_somebody_elses_key_is_refused() -> None:
    request = key_request(some_profile())
    stolen = key_request(some_profile()).jwk
    forged = request.model_copy(update={"jwk": stolen}).model_dump(exclude_none=True)
    with pytest.raises(InvalidDraftError, match="cannot be trusted"):
        read_key_request(canonical_json.dumps(forged))
    with pytest.raises(InvalidDraftError, match="no key request"):
        read_key_request(b"{}")


def joining(stub: StubCoordinator) -> Joining:
    return Joining(
        coordinator=stub.origin,
        handle="exchange-a.example",
        invitation="i" * 24,
        people=[Person("lead", (Role.SECURITY_LEAD,))],
        systems=[System("system", owner="lead", acts_as_compliance=True)],
    )


def test_joining_keeps_its_keys_when_the_answer_is_lost(
    store: ProfileStore, stub: StubCoordinator
) -> None:
    root = new_profile("root", coordinator=stub.origin, handle="exchange-a.example", kind="root")
    stub.keys[root.key.kid] = root.key.public
    store.save(root)
    stub.answers("POST", "/v1/join", problem(409, "conflict"), status=409)
    answer = {
        "handle": "exchange-a.example",
        "status": "pending",
        "root_kid": store.load("root").key.kid,
        "grants": [],
    }
    stub.answers("POST", "/v1/join", answer, status=201)
    with pytest.raises(ConflictError):
        join(store, joining(stub))
    join(store, joining(stub))
    first, second = (Join.model_validate(strict_json.loads(seen.body)) for seen in stub.seen)
    assert [grant.jwk for grant in first.grants] == [grant.jwk for grant in second.grants]
    assert second.grants[1].owner == second.grants[0].subject
    policy = second.grants[2].policy
    assert policy is not None
    assert policy.systems_as_compliance == [second.grants[1].subject]


def test_joining_does_not_take_a_profile_of_another_partner(
    store: ProfileStore, stub: StubCoordinator
) -> None:
    store.save(some_profile("lead"))
    with pytest.raises(ProfileError, match="lead"):
        join(store, joining(stub))
    assert stub.seen == []

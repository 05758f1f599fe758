"""What the kit's tests share: a stub on a real socket, and a partner with keys."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.transport import RetryPolicy, Transport
from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ, REQUEST, Shell
from tests.partners.signed_world import World, evidence_view, request_body, sign
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.submitted import Submitted
from tests.partners.views import act_view


@pytest.fixture
def stub() -> Iterator[StubCoordinator]:
    with StubCoordinator() as stub:
        yield stub


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "home")


@pytest.fixture
def analyst(stub: StubCoordinator, store: ProfileStore) -> Profile:
    profile = new_profile(
        "analyst", coordinator=stub.origin, handle="exchange-a.example", kind="person"
    )
    stub.keys[profile.key.kid] = profile.key.public
    store.save(profile)
    return profile


@pytest.fixture
def waits() -> list[float]:
    """How long the client meant to sleep, in order."""
    return []


@pytest.fixture
def client(analyst: Profile, waits: list[float]) -> Iterator[Client]:
    transport = Transport(
        analyst, analyst.coordinator, retries=RetryPolicy(attempts=4), sleep=waits.append
    )
    yield Client(analyst, transport=transport)
    transport.session.close()


@pytest.fixture
def shell(store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("holdfast.client.transport.RetryPolicy.wait_before", lambda *_: 0.0)
    monkeypatch.chdir(tmp_path)
    return Shell(store, tmp_path)


@pytest.fixture
def submitted(stub: StubCoordinator, store: ProfileStore) -> Submitted:
    world = World(origin=stub.origin)
    submitter, lead = world.person(Role.ANALYST), world.person(Role.SECURITY_LEAD)
    stub.keys[lead.key.kid] = lead.key.public
    store.save(lead)
    signed = sign(submitter, f"{stub.origin}/v1/freeze-requests", request_body(summary="Signed."))
    context = canonical_json.dumps(
        {
            "v": 1,
            "request_id": FRQ,
            "content_sha256": sha256(signed.body).hexdigest(),
            "act_sha256": sha256(signed.body).hexdigest(),
            "to": ["exchange-b.example"],
            "warnings": [],
        }
    ).decode()
    made = Submitted(stub, world, submitter, lead, signed, context)
    made.answer_evidence(evidence_view("submit", signed, submitter))
    stub.answers("POST", f"{REQUEST}/approvals", act_view(), status=201)
    return made

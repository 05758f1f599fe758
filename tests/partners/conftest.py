"""What the kit's tests share: a stub on a real socket, and a partner with keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.transport import RetryPolicy, Transport
from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.store import Profile, ProfileStore
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator


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

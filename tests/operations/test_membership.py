"""The operator suspends, reinstates and announces a root key from the command line."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coordinator.cli import main
from coordinator.domain.clock import SystemClock
from coordinator.key_files import read_keys
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from holdfast.profiles.key_requests import (
    KeyRequest,
    key_request,
    new_profile,
    root_key_request,
    write_key_request,
)
from holdfast.protocol.membership_payloads import RootKeyRequest
from tests import factories
from tests.factories import ORIGIN, Exchange

A = factories.HANDLES[0]


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """An active exchange of a coordinator whose settings stand in the environment."""
    monkeypatch.setenv("HOLDFAST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOLDFAST_ORIGIN", ORIGIN)
    settings = Settings.from_env(os.environ)
    prepare(settings)
    made = factories.new_exchange(A)
    database = open_settings_database(settings)
    factories.admit(database, read_keys(settings.keys_dir).vault, SystemClock(), made)
    database.engine.dispose()
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_partner_is_suspended_and_reinstated(exchange: Exchange) -> None:
    assert run("partner", "suspend", exchange.handle).exit_code == 0
    assert "suspended" in run("partner", "list").output
    again = run("partner", "suspend", exchange.handle)
    assert (again.exit_code, "is suspended" in again.stderr) == (1, True)
    assert run("partner", "reinstate", exchange.handle).exit_code == 0
    assert "suspended" not in run("partner", "list").output
    assert run("partner", "reinstate", exchange.handle).exit_code == 1
    assert run("partner", "suspend", "nobody.example").exit_code == 1


def test_a_root_key_is_announced_from_the_file_that_the_partner_handed_over(
    exchange: Exchange, tmp_path: Path
) -> None:
    profile = new_profile("r", coordinator=ORIGIN, handle=exchange.handle, kind="root")
    path = tmp_path / "root.json"
    write_key_request(root_key_request(profile), path)
    done = run("partner", "reset-root", exchange.handle, "--jwk", str(path))
    assert done.exit_code == 0, done.output
    assert profile.key.kid in done.output
    assert exchange.root.key.kid in run("partner", "list").output
    again = run("partner", "reset-root", exchange.handle, "--jwk", str(path))
    assert (again.exit_code, "coming already" in again.stderr) == (1, True)


@pytest.mark.parametrize("fault", ["junk", "bare", "subject", "handle", "coordinator", "forged"])
def test_another_file_is_refused_with_the_reason(
    exchange: Exchange, tmp_path: Path, fault: str
) -> None:
    profile = new_profile("r", coordinator=ORIGIN, handle=A, kind="root")
    person = new_profile("p", coordinator=ORIGIN, handle=A, kind="person")
    foreign = new_profile("r", coordinator=ORIGIN, handle=factories.HANDLES[1], kind="root")
    elsewhere = new_profile("r", coordinator="https://c.example", handle=A, kind="root")
    good = root_key_request(profile)
    forged = good.model_copy(update={"jwk": root_key_request(foreign).jwk})
    path = tmp_path / "root.json"
    requests: dict[str, tuple[KeyRequest | RootKeyRequest, str]] = {
        "subject": (key_request(person), "no root key request"),
        "handle": (root_key_request(foreign), "is for exchange-b.example"),
        "coordinator": (root_key_request(elsewhere), "at https://c.example"),
        "forged": (forged, "no root key that exchange-a.example made"),
    }
    if fault in requests:
        write_key_request(requests[fault][0], path)
    else:
        path.write_bytes(b"nothing" if fault == "junk" else b'{"kty":"OKP"}')
    said = requests[fault][1] if fault in requests else "no root key request"
    done = run("partner", "reset-root", exchange.handle, "--jwk", str(path))
    assert done.exit_code == 1
    assert said in done.stderr

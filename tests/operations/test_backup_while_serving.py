"""A backup that is made while requests come in holds all that was answered before it began."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from coordinator.domain.clock import SystemClock
from coordinator.key_files import read_keys
from coordinator.operations.checks import run_checks
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.request_token import make_request_token
from tests import factories
from tests.conftest import BACKENDS
from tests.factories import Exchange, Member, freeze_request_body
from tests.operations.reconciled import take_changes_again
from tests.ports import free_port
from tests.postgres import PostgresServer

pytestmark = pytest.mark.processes

_PATIENCE = 120
_HOST = "127.0.0.1"
_PATH = "/v1/freeze-requests"


def _environment(data: Path, url: str) -> dict[str, str]:
    port = free_port()
    return {
        "HOLDFAST_ORIGIN": f"http://{_HOST}:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(data),
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_LOG_LEVEL": "error",
    }


@pytest.fixture(name="urls", params=BACKENDS)
def _urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The databases of two coordinators, the second of which is empty."""
    if request.param == "sqlite":
        yield ("", "")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    urls = (server.create_database(), server.create_database())
    yield urls
    for url in urls:
        server.drop_database(url)


def _command(environment: dict[str, str], *words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


class Served:
    """`serve` as a process, while the block runs."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coordinator.cli", "serve"],
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert any(line.startswith("ready:") for line in self._process.stdout)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(slots=True)
class Submitter:
    """Submits one request after the other, and remembers what was confirmed, and when."""

    origin: str
    member: Member
    stop: threading.Event
    confirmed: list[tuple[float, str]] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.is_set():
            answer = send(self.origin, self.member, "POST", _PATH, freeze_request_body())
            assert answer.status_code == 201, answer.text
            self.confirmed.append((time.monotonic(), answer.json()["id"]))


def send(
    origin: str, member: Member, method: str, path: str, body: object = None
) -> requests.Response:
    """Send a signed request."""
    raw = b"" if body is None else canonical_json.dumps(body)
    token = make_request_token(
        member.key,
        iss=member.handle,
        sub=member.subject,
        aud=origin,
        method=method,
        url=origin + path,
        body=raw,
        now=int(time.time()),
    )
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": factories.nonce(),
        "Content-Type": "application/json",
    }
    return requests.request(method, origin + path, data=raw, headers=headers, timeout=_PATIENCE)


def _cast(settings: Settings) -> Exchange:
    keys = prepare(settings)
    database = open_settings_database(settings)
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
    for exchange in exchanges:
        factories.admit(database, keys.vault, SystemClock(), exchange)
    database.engine.dispose()
    return exchanges[0]


def _stored(settings: Settings) -> set[str]:
    """Return the ids of all requests; every document is opened."""
    database = open_settings_database(settings)
    vault = read_keys(settings.keys_dir).vault
    with database.engine.connect() as connection:
        keys = {
            key_id: vault.unwrap(key_id, wrapped)
            for key_id, wrapped in connection.execute(
                select(DocumentKeyRow.id, DocumentKeyRow.wrapped)
            )
        }
        documents = select(
            DocumentRow.owner_id, DocumentRow.name, DocumentRow.key_id, DocumentRow.sealed
        )
        for owner_id, name, key_id, sealed in connection.execute(documents):
            keys[key_id].open(owner_id, name, sealed)
        ids = set(connection.execute(select(FreezeRequestRow.id)).scalars())
    database.engine.dispose()
    return ids


def test_nothing_that_was_confirmed_is_missing_elsewhere(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    own = _environment(tmp_path / "own", urls[0])
    settings = Settings.from_env(own)
    exchange = _cast(settings)
    stop = threading.Event()
    with Served(own):
        clients = [Submitter(settings.origin, exchange.analyst, stop) for _ in range(3)]
        threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        until = time.monotonic() + _PATIENCE
        while min(len(client.confirmed) for client in clients) < 5:
            assert time.monotonic() < until
            time.sleep(0.05)
        begun = time.monotonic()
        where = ("--to", tmp_path / "backups", "--keys-to", tmp_path / "keys")
        said = strict_json.loads(_command(own, "backup", *where, "--json").encode())
        ended = time.monotonic()
        stop.set()
        for thread in threads:
            thread.join(_PATIENCE)
    confirmed = [each for client in clients for each in client.confirmed]
    before = {request_id for at, request_id in confirmed if at < begun}
    meanwhile = [request_id for at, request_id in confirmed if begun <= at < ended]
    assert meanwhile, "nothing came in while the backup was made"

    # The restored one answers under the name of the first, which is gone.
    other = {**own, "HOLDFAST_DATA_DIR": str(tmp_path / "other"), "HOLDFAST_DATABASE_URL": urls[1]}
    elsewhere = Settings.from_env(other)
    _command(other, "restore", said["backup"], "--keys", tmp_path / "keys")
    take_changes_again(elsewhere)
    assert [finding for finding in run_checks(elsewhere) if not finding.is_good] == []
    restored = _stored(elsewhere)
    assert before - restored == set()
    assert restored <= {request_id for _, request_id in confirmed}
    with Served(other):
        for request_id in (min(before), max(before)):
            answer = send(settings.origin, exchange.analyst, "GET", f"{_PATH}/{request_id}")
            assert (answer.status_code, answer.json()["id"]) == (200, request_id)
        more = send(settings.origin, exchange.analyst, "POST", _PATH, freeze_request_body())
        assert more.status_code == 201, more.text
    assert [finding for finding in run_checks(elsewhere) if not finding.is_good] == []


def test_a_file_copied_from_a_served_coordinator_is_noticed(tmp_path: Path) -> None:
    own = _environment(tmp_path / "own", "")
    settings = Settings.from_env(own)
    exchange = _cast(settings)
    copy = tmp_path / "copy"
    copy.mkdir()
    with Served(own):
        answer = send(settings.origin, exchange.analyst, "POST", _PATH, freeze_request_body())
        assert answer.status_code == 201
        content = (tmp_path / "own" / "holdfast.sqlite3").read_bytes()
        (copy / "holdfast.sqlite3").write_bytes(content)
        assert [f for f in run_checks(settings) if not f.is_good] == []
    (tmp_path / "own" / "keys").rename(copy / "keys")
    faults = [
        f.name for f in run_checks(Settings.from_env(_environment(copy, ""))) if not f.is_good
    ]
    assert faults == ["file"]
    (copy / "keys").rename(tmp_path / "own" / "keys")
    assert [f for f in run_checks(settings) if not f.is_good] == []

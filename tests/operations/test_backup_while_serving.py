"""A backup that is made while requests come in holds all that was answered before it began."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from coordinator.key_files import read_keys
from coordinator.operations.checks import run_checks
from coordinator.operations.preparation import open_settings_database
from coordinator.settings import Settings
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol import strict_json
from tests.conftest import BACKENDS
from tests.factories import Member, freeze_request_body
from tests.operations.reconciled import take_changes_again
from tests.operations.serving import PATIENCE, Served, cast, command, environment_of, send
from tests.postgres import PostgresServer

pytestmark = pytest.mark.processes

_PATH = "/v1/freeze-requests"


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


@dataclass(slots=True)
class Submitter:
    """Submits some twenty requests a second, and remembers what was confirmed, and when."""

    origin: str
    member: Member
    stop: threading.Event
    confirmed: list[tuple[float, str]] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.wait(0.05):
            answer = send(self.origin, self.member, "POST", _PATH, freeze_request_body())
            assert answer.status_code == 201, answer.text
            self.confirmed.append((time.monotonic(), answer.json()["id"]))


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
    own = environment_of(tmp_path / "own", urls[0])
    settings = Settings.from_env(own)
    exchange = cast(settings)
    stop = threading.Event()
    with Served(own):
        clients = [Submitter(settings.origin, exchange.analyst, stop) for _ in range(3)]
        threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        until = time.monotonic() + PATIENCE
        while min(len(client.confirmed) for client in clients) < 5:
            assert time.monotonic() < until
            time.sleep(0.05)
        begun = time.monotonic()
        where = ("--to", tmp_path / "backups", "--keys-to", tmp_path / "keys")
        said = strict_json.loads(command(own, "backup", *where, "--json").encode())
        ended = time.monotonic()
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    confirmed = [each for client in clients for each in client.confirmed]
    before = {request_id for at, request_id in confirmed if at < begun}
    meanwhile = [request_id for at, request_id in confirmed if begun <= at < ended]
    assert meanwhile, "nothing came in while the backup was made"

    # The restored one answers under the name of the first, which is gone.
    other = {**own, "HOLDFAST_DATA_DIR": str(tmp_path / "other"), "HOLDFAST_DATABASE_URL": urls[1]}
    elsewhere = Settings.from_env(other)
    command(other, "restore", said["backup"], "--keys", tmp_path / "keys")
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
    own = environment_of(tmp_path / "own", "")
    settings = Settings.from_env(own)
    exchange = cast(settings)
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
        f.name for f in run_checks(Settings.from_env(environment_of(copy, ""))) if not f.is_good
    ]
    assert faults == ["file"]
    (copy / "keys").rename(tmp_path / "own" / "keys")
    assert [f for f in run_checks(settings) if not f.is_good] == []

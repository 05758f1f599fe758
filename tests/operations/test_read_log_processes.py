"""The read log of processes that end: told to, nothing is missing; killed, a second is at most."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from coordinator.operations.preparation import open_settings_database
from coordinator.settings import Settings
from coordinator.storage.tables.read_log import RequestReadRow
from tests.conftest import BACKENDS
from tests.factories import Member, freeze_request_body
from tests.operations.serving import PATIENCE, cast, environment_of, send
from tests.postgres import PostgresServer

pytestmark = pytest.mark.processes

_PATH = "/v1/freeze-requests"
_READS = 40


@pytest.fixture(name="url", params=BACKENDS)
def _url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(name="environment")
def _environment(url: str, tmp_path: Path) -> dict[str, str]:
    return {**environment_of(tmp_path / "own", url), "HOLDFAST_WEB_PROCESSES": "2"}


@contextmanager
def _served(environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """Yield `serve`, with two web processes, at the head of a group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.cli", "serve"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert any(line.startswith("ready:") for line in process.stdout)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
        process.stdout.close()


def _read(settings: Settings, member: Member, request_id: str) -> None:
    for _ in range(_READS):
        # A connection each, so that both web processes have some of them.
        answer = send(settings.origin, member, "GET", f"{_PATH}/{request_id}")
        assert answer.status_code == 200, answer.text


def _submit(settings: Settings, member: Member) -> str:
    made = send(settings.origin, member, "POST", _PATH, freeze_request_body())
    assert made.status_code == 201, made.text
    request_id: str = made.json()["id"]
    return request_id


def _logged(settings: Settings) -> int:
    database = open_settings_database(settings)
    with database.engine.connect() as connection:
        query = select(func.coalesce(func.sum(RequestReadRow.times), 0))
        found = int(connection.execute(query).scalar_one())
    database.engine.dispose()
    return found


def _wait_for(settings: Settings, count: int) -> None:
    until = time.monotonic() + PATIENCE
    while _logged(settings) != count:
        assert time.monotonic() < until, f"{_logged(settings)} of {count} reads are in the log"
        time.sleep(0.1)


def test_a_clean_stop_loses_no_read(environment: dict[str, str]) -> None:
    settings = Settings.from_env(environment)
    analyst = cast(settings).analyst
    with _served(environment) as process:
        request_id = _submit(settings, analyst)
        _read(settings, analyst, request_id)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert _logged(settings) == _READS


def test_a_kill_loses_only_what_was_read_since_it_was_last_stored(
    environment: dict[str, str],
) -> None:
    settings = Settings.from_env(environment)
    analyst = cast(settings).analyst
    with _served(environment) as process:
        request_id = _submit(settings, analyst)
        _read(settings, analyst, request_id)
        _wait_for(settings, _READS)
        _read(settings, analyst, request_id)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
    assert _READS <= _logged(settings) <= 2 * _READS
    with _served(environment) as process:
        before = _logged(settings)
        _read(settings, analyst, request_id)
        _wait_for(settings, before + _READS)

"""PostgreSQL killed and started again under load: callers are asked to come back, nothing is lost.

The figure of how soon the service is back is asserted with FAULTS=1 alone.
"""

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
import requests

from coordinator.operations.trial_postgres import PostgresUnavailableError
from tests.dispatcher.outbox_cast import eventually
from tests.end_to_end.under_load import START_SECONDS, WHOLE, Load, loaded, variables
from tests.postgres import PostgresServer

OUTAGES = 10 if WHOLE else 1
BACK_WITHIN_SECONDS = 10

pytestmark = [
    pytest.mark.processes,
    pytest.mark.postgresql,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc"),
]


class MortalServer(PostgresServer):
    """A PostgreSQL that a test kills and starts again, on the same port and data."""

    def kill(self) -> None:
        """End the server as a power cut would: its backends, too, which notice by themselves."""
        assert self._server is not None
        assert self._admin is not None
        self._admin.close()
        backends = _children(self._server.pid)
        self._server.send_signal(signal.SIGKILL)
        self._server.wait(START_SECONDS)
        # Until it notices, one may answer once more.
        eventually(lambda: not any(map(_is_running, backends)), START_SECONDS)

    def start_again(self) -> None:
        """Start it, with its keeper; wait until it takes connections."""
        until = time.monotonic() + START_SECONDS
        while True:
            self._server = self._spawn(self._command, "server.log")
            try:
                self._admin = self._connect(self._server)
                break
            except PostgresUnavailableError:
                # Backends of the killed one may hold its memory for a moment yet.
                assert time.monotonic() < until, self._tail("server.log")
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.kill()  # before it sees the end of its input, and tidies up
        self._keeper.wait()
        self._keeper.stdin.close()
        known = (str(self._server.pid), str(self._folder), str(self._data))
        self._keeper = self._spawn([*self._keeping, *known], "keeper.log", stdin=subprocess.PIPE)

    def _spawn(
        self, command: Sequence[str], log: str, stdin: int = subprocess.DEVNULL
    ) -> "subprocess.Popen[bytes]":
        if log == "server.log":
            self._command = command
        elif log == "keeper.log":
            self._keeping = command[:4]
        return super()._spawn(command, log, stdin)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in found.split()]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def server(databases: Path) -> Iterator[MortalServer]:
    """One of its own, for the session's serves other tests."""
    mortal = MortalServer(databases.parent)
    try:
        mortal.start()
    except PostgresUnavailableError as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield mortal
    mortal.stop()


def _is_asked_to_come_back(answer: requests.Response) -> bool:
    return (
        answer.status_code == 503
        and answer.json()["code"] == "unavailable"
        and int(answer.headers["Retry-After"]) >= 1
    )


def _everything_answers_503(load: Load) -> None:
    """See what readers and writers hear while there is no database; not only the first of them."""
    client = load.clients[0]
    for path in ("/v1/freeze-requests", "/v1/events", "/v1/tasks"):
        answer = client.call("GET", path)
        assert _is_asked_to_come_back(answer), (path, answer.status_code, answer.text)
    assert requests.get(f"{client.origin}/readyz", timeout=15).status_code == 503
    assert requests.get(f"{client.origin}/healthz", timeout=15).ok


def test_a_postgresql_that_is_killed_under_load_loses_nothing_and_is_back_soon(
    server: MortalServer, tmp_path: Path
) -> None:
    url = server.create_database()
    environment = variables(tmp_path, HOLDFAST_DATABASE_URL=url)
    took = []
    with loaded(environment) as load:
        load.start()
        for _ in range(OUTAGES):
            load.goes_on(posts=5)
            before = len(load.refused)
            server.kill()
            _everything_answers_503(load)
            _wait_for_refusals(load, before)
            server.start_again()
            began = time.monotonic()
            accepted = len(load.accepted)
            while len(load.accepted) == accepted:
                assert time.monotonic() < began + START_SECONDS
                time.sleep(0.01)
            load.goes_on()
            took.append(time.monotonic() - began)
        load.settle()
        wrong = [a for a in load.refused if not _is_asked_to_come_back(a)]
        assert [(a.status_code, a.text) for a in wrong] == []
        assert len(load.coordinator.children("worker")) == 2
    if WHOLE:
        assert max(took) < BACK_WITHIN_SECONDS, took


def _wait_for_refusals(load: Load, before: int) -> None:
    """Wait until somebody who writes was refused."""
    until = time.monotonic() + START_SECONDS
    while len(load.refused) == before:
        assert time.monotonic() < until, "nobody was refused"
        time.sleep(0.02)


def test_the_server_of_these_tests_keeps_what_it_confirmed(server: MortalServer) -> None:
    url = server.create_database().replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.kill()
    server.start_again()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)

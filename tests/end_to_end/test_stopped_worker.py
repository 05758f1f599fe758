"""A worker that is stopped (SIGSTOP) past its lease changes nothing when it goes on.

Real worker processes, and none but these two: what the stopped one had sent is the other's by then.
That it sends nothing of what it had only claimed is tried in `tests/dispatcher/test_loop`.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coordinator.domain.clock import SystemClock
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from tests import factories
from tests.conftest import BACKENDS
from tests.dispatcher.outbox_cast import Outbox, Received, Receiver, eventually
from tests.end_to_end.under_load import START_SECONDS, WHOLE, variables
from tests.factories import Member
from tests.postgres import PostgresServer

STOPS = 20 if WHOLE else 1
#: One worker sends so many at once.
SENDERS = 2

pytestmark = pytest.mark.processes


class _Workers:
    """Two worker processes on one database, each started when it is wanted."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        """Start one more."""
        command = [sys.executable, "-m", "coordinator.cli", "worker"]
        self._running.append(subprocess.Popen(command, env=self._environment))
        return self._running[-1]

    def end(self) -> None:
        """End those that run, by their ids."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(START_SECONDS)


def _stop(process: "subprocess.Popen[bytes]", outbox: Outbox) -> None:
    """Stop it, but not in the midst of a change: SQLite lets nobody else write then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: _state(process.pid) == "T", START_SECONDS)
        if not _is_lock_held(outbox):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def _is_lock_held(outbox: Outbox) -> bool:
    path = outbox.database.write_lock._file
    if path is None:
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_all_done(outbox: Outbox) -> bool:
    owed = outbox.value("SELECT COUNT(*) FROM delivery WHERE status <> 'delivered'")
    held = outbox.value("SELECT COUNT(*) FROM lane WHERE lease_token IS NOT NULL")
    return (owed, held) == (0, 0)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


@pytest.fixture(params=BACKENDS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    own = variables(
        tmp_path,
        HOLDFAST_WORKER_SENDERS=str(SENDERS),
        # Its try must not be over before it is stopped, however busy the machine is.
        HOLDFAST_WEBHOOK_DEADLINE="8",
        HOLDFAST_LEASE="13",
    )
    if request.param == "sqlite":
        yield own
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield own | {"HOLDFAST_DATABASE_URL": url}
    server.drop_database(url)


class _Gate:
    """What a receiver answers: at once, or only when the gate is opened again."""

    def __init__(self) -> None:
        self.is_open = threading.Event()

    def __call__(self, received: Received) -> int:
        del received
        self.is_open.wait(START_SECONDS)
        return 204


def _stored(outbox: Outbox) -> list[tuple[object, ...]]:
    """Return all that the end of a try changes."""
    deliveries = "SELECT id, event_id, status, attempts, finished_at, owes FROM delivery"
    tries = "SELECT delivery_id, number, at, status, error FROM attempt"
    lanes = "SELECT request_id, due_at, lease_token, attempt, gaps FROM lane"
    return [
        *outbox.rows(f"{deliveries} ORDER BY id"),
        *outbox.rows(f"{tries} ORDER BY delivery_id, number"),
        *outbox.rows(f"{lanes} ORDER BY request_id"),
        *outbox.rows("SELECT id, failing_since FROM webhook_endpoint"),
    ]


@dataclass(slots=True)
class _Scene:
    """Two exchanges, one receiver of both, the worker to be stopped, and one that stands by."""

    outbox: Outbox
    receiver: Receiver
    gate: _Gate
    members: tuple[Member, ...]
    slow: "subprocess.Popen[bytes]"
    quick: "subprocess.Popen[bytes]"

    def stop_and_go_on(self, name: str) -> None:
        """Stop it while it sends, have another deliver all, and see that it changes nothing."""
        outbox, receiver = self.outbox, self.receiver
        self.gate.is_open.clear()
        posts = len(receiver.got)
        events = [
            outbox.event(member.handle, f"frq_{name}_{each}")
            for each in range(SENDERS)
            for member in self.members
        ]
        # All its senders wait for an answer: none is between looking at its lease and sending, from
        # where it would send late when it goes on.
        assert receiver.wait_for(lambda: len(receiver.got) == posts + SENDERS, START_SECONDS)
        _stop(self.slow, outbox)
        held = outbox.value("SELECT COUNT(*) FROM lane WHERE lease_token IS NOT NULL")
        sent = {received.id for received in receiver.got[posts:]}
        assert held >= len(sent) == SENDERS
        self.gate.is_open.set()
        self.quick.send_signal(signal.SIGCONT)
        eventually(
            lambda: all(outbox.status(event) == "delivered" for event in events), START_SECONDS
        )
        eventually(lambda: _is_all_done(outbox))
        _stop(self.quick, outbox)
        before = _stored(outbox)
        counts = receiver.counts
        self.slow.send_signal(signal.SIGCONT)
        # It goes on: what it had sent is answered by now, or its deadline is over.
        later = outbox.event(self.members[0].handle, f"frq_{name}_later")
        eventually(lambda: outbox.status(later) == "delivered", START_SECONDS)
        assert set(_stored(outbox)) >= set(before)
        for event in events:
            assert counts[event] == (2 if event in sent else 1)
            assert receiver.counts[event] == counts[event]


@pytest.fixture
def scene(environment: dict[str, str]) -> Iterator[_Scene]:
    settings = Settings.from_env(environment)
    vault = prepare(settings).vault
    outbox = Outbox(open_settings_database(settings), vault, SystemClock())
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES[:2]]
    gate, workers = _Gate(), _Workers(environment)
    try:
        with Receiver(gate) as receiver:
            for each in exchanges:
                factories.admit(outbox.database, vault, SystemClock(), each)
                outbox.endpoint(each.lead, receiver.url)
            members = tuple(each.lead for each in exchanges)
            gate.is_open.set()
            quick = workers.start()
            outbox.event(members[0].handle)
            eventually(lambda: _is_all_done(outbox), START_SECONDS)
            _stop(quick, outbox)
            slow = workers.start()
            yield _Scene(outbox, receiver, gate, members, slow, quick)
            gate.is_open.set()
    finally:
        workers.end()
        outbox.database.engine.dispose()
    assert (slow.returncode, quick.returncode) == (0, 0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_worker_that_was_stopped_past_its_lease_changes_nothing_when_it_goes_on(
    scene: _Scene,
) -> None:
    for number in range(STOPS):
        scene.stop_and_go_on(str(number))

"""Kill -9 of web and worker processes under load: no accepted request and no delivery is lost."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import requests
from sqlalchemy import text

from coordinator.domain.clock import SystemClock
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from holdfast.protocol.request_token import make_request_token
from tests import factories
from tests.conftest import BACKENDS
from tests.dispatcher.outbox_cast import Outbox, Receiver
from tests.factories import Exchange, Member
from tests.postgres import PostgresServer

#: In the order of the kills; no process so often that its keeper gives up.
VICTIMS = ["worker", "web", "worker", "worker", "web", "worker", "worker", "web", "worker", "web"]
_START_SECONDS = 60
_END_SECONDS = 90

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc"),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class Coordinator:
    """`holdfast-coordinator serve` as a process, with a web process and two workers."""

    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coordinator.cli", "serve"],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def children(self, kind: str) -> list[int]:
        """Return the process ids of the running children of one kind."""
        assert self.process is not None
        pid = self.process.pid
        found = []
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if kind.encode() in command:
                found.append(int(child))
        return found

    def kill(self, kind: str, number: int) -> None:
        """Kill a child of one kind, by its id, in the midst of what it does."""
        until = time.monotonic() + _START_SECONDS
        while not (pids := self.children(kind)):
            assert time.monotonic() < until, f"no {kind} runs any more"
            time.sleep(0.05)
        os.kill(pids[number % len(pids)], signal.SIGKILL)


@dataclass(slots=True)
class Client:
    """Posts as a partner does: again, with the same idempotency key, until there is an answer."""

    origin: str
    member: Member
    paths: Sequence[str]
    stop: threading.Event
    accepted: list[str] = field(default_factory=list)

    def run(self) -> None:
        for path in cycle(self.paths):
            if self.stop.is_set():
                return
            self.accepted.append(self._post(path, secrets.token_hex(16)))

    def _post(self, path: str, key: str) -> str:
        until = time.monotonic() + _END_SECONDS
        while time.monotonic() < until:
            token = make_request_token(
                self.member.key,
                iss=self.member.handle,
                sub=self.member.subject,
                aud=self.origin,
                method="POST",
                url=self.origin + path,
                body=b"",
                now=int(time.time()),
            )
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            try:
                answer = requests.post(self.origin + path, headers=headers, timeout=5)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.ok:
                return str(answer.json()["event_id"])
            assert answer.status_code >= 500, answer.text
        raise AssertionError("the coordinator never answered")


@pytest.fixture(params=BACKENDS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    port = free_port()
    variables = {
        "HOLDFAST_ORIGIN": f"http://127.0.0.1:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(tmp_path),
        "HOLDFAST_WORKER_PROCESSES": "2",
        "HOLDFAST_WORKER_SENDERS": "4",
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        # Short, so that what a killed worker had claimed is soon somebody else's.
        "HOLDFAST_WEBHOOK_DEADLINE": "1",
        "HOLDFAST_LEASE": "6",
        "HOLDFAST_LOG_LEVEL": "error",
    }
    if request.param == "sqlite":
        yield variables
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield variables | {"HOLDFAST_DATABASE_URL": url}
    server.drop_database(url)


def test_ten_kills_under_load_lose_no_accepted_request_and_no_delivery(
    environment: dict[str, str],
) -> None:
    settings = Settings.from_env(environment)
    keys = prepare(settings)
    database = open_settings_database(settings)
    outbox = Outbox(database, keys.vault, SystemClock())
    exchange: Exchange = factories.new_exchange(factories.HANDLES[0])
    factories.admit(database, keys.vault, SystemClock(), exchange)
    stop = threading.Event()
    with Receiver() as receiver, Coordinator(environment) as coordinator:
        # A lane each, so that a kill holds up a part of them alone until the lease is over.
        endpoints = [outbox.endpoint(exchange.system, receiver.url) for _ in range(12)]
        paths = [f"/v1/webhook-endpoints/{endpoint.id}/test" for endpoint in endpoints]
        clients = [Client(settings.origin, exchange.system, paths, stop) for _ in range(3)]
        threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        for number, victim in enumerate(VICTIMS):
            so_far = len(receiver.got)
            # It does its work again before the next one is killed.
            assert receiver.wait_for(lambda seen=so_far: len(receiver.got) > seen, _START_SECONDS)  # type: ignore[misc]  # the default binds it
            coordinator.kill(victim, number)
        stop.set()
        for thread in threads:
            thread.join(_END_SECONDS)
        accepted = [event for client in clients for event in client.accepted]
        assert len(accepted) >= len(VICTIMS)
        assert receiver.wait_for(lambda: set(accepted) <= set(receiver.counts), _END_SECONDS), (
            f"{len(set(accepted) - set(receiver.counts))} of {len(accepted)} never arrived"
        )
    assert coordinator.process is not None
    assert coordinator.process.returncode == 0
    with database.engine.connect() as connection:
        made = connection.execute(text("SELECT id FROM event WHERE type = 'endpoint.test'"))
        assert sorted(made.scalars()) == sorted(accepted), "one event for each idempotency key"
        left = connection.execute(text("SELECT COUNT(*) FROM delivery WHERE status <> 'delivered'"))
        # What was sent right before a kill may be on its way to being sent once more.
        assert left.scalar_one() <= len(VICTIMS)
    database.engine.dispose()

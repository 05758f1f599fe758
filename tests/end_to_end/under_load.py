"""A coordinator as processes, partners that submit whatever happens, and what they were promised.

For tests that do it harm meanwhile. Counts are small; FAULTS=1 takes those that are promised.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from coordinator.domain.clock import SystemClock
from coordinator.key_files import read_keys
from coordinator.operations.preparation import open_settings_database
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.request_token import make_request_token
from tests import factories
from tests.dispatcher.outbox_cast import Outbox, Receiver, eventually
from tests.factories import Member
from tests.ports import free_port

#: Whether faults are tried as often as is promised, or a few times.
WHOLE = bool(os.environ.get("FAULTS"))
#: Limits only end a broken test.
START_SECONDS = 60
END_SECONDS = 90
_BETWEEN_SECONDS = 0.05
#: What a process can send and not have recorded yet: what it may have claimed.
SENDERS = 4
MOST_UNDER_WAY = 2 * SENDERS


def variables(data_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment of a coordinator, on SQLite unless `more` says otherwise."""
    port = free_port()
    return {
        "HOLDFAST_ORIGIN": f"http://127.0.0.1:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(data_dir),
        "HOLDFAST_WORKER_PROCESSES": "2",
        "HOLDFAST_WORKER_SENDERS": str(SENDERS),
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        # Short, so that what a killed worker had claimed is soon somebody else's; and yet receivers
        # on a busy machine answer in time, or what they took would be sent again.
        "HOLDFAST_WEBHOOK_DEADLINE": "4",
        "HOLDFAST_LEASE": "9",
        "HOLDFAST_LOG_LEVEL": "error",
        "HOLDFAST_RATE_PER_MINUTE": "0",
        **more,
    }


@dataclass(slots=True)
class Coordinator:
    """`holdfast-coordinator serve` as a process, with a web process and its workers.

    Attributes:
        environment: Its settings.
    """

    environment: Mapping[str, str]
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
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()

    @property
    def pid(self) -> int:
        """The id of the process that watches the others."""
        assert self.process is not None
        return self.process.pid

    def is_ready(self) -> bool:
        """Tell whether it says that it can serve."""
        assert self.process is not None
        assert self.process.poll() is None, "it ended"
        try:
            return requests.get(f"{self.environment['HOLDFAST_ORIGIN']}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def children(self, kind: str) -> list[int]:
        """Return the process ids of the running children of one kind."""
        found = []
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if kind.encode() in command:
                found.append(int(child))
        return found

    def kill(self, kind: str, number: int) -> None:
        """Kill a child of one kind, by its id, in the midst of what it does."""
        until = time.monotonic() + START_SECONDS
        while not (pids := self.children(kind)):
            assert time.monotonic() < until, f"no {kind} runs any more"
            time.sleep(0.05)
        os.kill(pids[number % len(pids)], signal.SIGKILL)


@dataclass(slots=True)
class Client:
    """Submits as a partner does: again, with the same idempotency key, until there is an answer.

    Attributes:
        accepted: Ids of the requests that were answered for.
        refused: Answers that were no success.
    """

    origin: str
    member: Member
    asked: str
    stop: threading.Event
    accepted: list[str] = field(default_factory=list)
    refused: list[requests.Response] = field(default_factory=list)

    def run(self) -> None:
        """Submit one request after the other until told to stop."""
        while not self.stop.wait(_BETWEEN_SECONDS):
            self.submit()

    def submit(self) -> str:
        """Submit one request; return its id."""
        body = canonical_json.dumps(factories.freeze_request_body(to=[self.asked]))
        key = secrets.token_hex(16)
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until:
            try:
                answer = self.call("POST", "/v1/freeze-requests", body, key)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.ok:
                self.accepted.append(str(answer.json()["id"]))
                return self.accepted[-1]
            assert answer.status_code >= 500, answer.text
            self.refused.append(answer)
            time.sleep(_BETWEEN_SECONDS)
        raise AssertionError("the coordinator never answered")

    def call(self, method: str, path: str, body: bytes = b"", key: str = "") -> requests.Response:
        """Send one signed call."""
        url = f"{self.origin}{path}"
        token = make_request_token(
            self.member.key,
            iss=self.member.handle,
            sub=self.member.subject,
            aud=self.origin,
            method=method,
            url=url,
            body=body,
            now=int(time.time()),
        )
        headers = {"Authorization": f"Bearer {token}"}
        if body:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
        # Longer than a connection to a database is tried for: who gives up before hears nothing.
        return requests.request(method, url, data=body, headers=headers, timeout=15)


@dataclass(slots=True)
class Load:
    """Partners that submit, a coordinator, and a receiver of what it says of them.

    Attributes:
        outbox: Reads the database behind the coordinator's back.
        clients: Each submits on a thread of its own.
    """

    coordinator: Coordinator
    receiver: Receiver
    outbox: Outbox
    clients: list[Client]
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Have all clients submit until `settle`."""
        for client in self.clients:
            self._threads.append(threading.Thread(target=client.run, daemon=True))
            self._threads[-1].start()

    def goes_on(self, posts: int = 1) -> None:
        """Wait until it was seen to do its work: so many more posts."""
        seen = len(self.receiver.got)
        assert self.receiver.wait_for(
            lambda: len(self.receiver.got) >= seen + posts, START_SECONDS
        ), "nothing more arrived"

    @property
    def accepted(self) -> list[str]:
        """Ids of all requests that were answered for."""
        return [request_id for client in self.clients for request_id in client.accepted]

    @property
    def refused(self) -> list[requests.Response]:
        """All answers that were no success."""
        return [answer for client in self.clients for answer in client.refused]

    def settle(self) -> None:
        """Have the clients stop, and see that whatever was accepted is there and was delivered.

        Each idempotency key made one request; a repeated webhook has the id and bytes of the first.
        """
        self.clients[0].stop.set()
        for thread in self._threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive()
        # Connections of ours may have been cut off, too.
        self.outbox.database.engine.dispose()
        made = self.outbox.rows(
            "SELECT id, request_id FROM event WHERE type = 'freeze_request.submitted'"
        )
        assert sorted(request_id for _, request_id in made) == sorted(self.accepted)
        events = {event_id for event_id, _ in made}
        assert self.receiver.wait_for(lambda: events <= set(self.receiver.counts), END_SECONDS), (
            f"{len(events - set(self.receiver.counts))} of {len(events)} never arrived"
        )
        bodies: dict[str, bytes] = {}
        for received in self.receiver.got:
            assert bodies.setdefault(received.id, received.body) == received.body

    def repeats(self) -> int:
        """Return how many posts were not the first of their id."""
        return sum(count - 1 for count in self.receiver.counts.values())


@contextmanager
def loaded(environment: Mapping[str, str], *, clients: int = 3) -> Iterator[Load]:
    """Serve a fresh coordinator and admit two exchanges to it; nobody submits yet.

    Args:
        environment: Its settings; see `variables`.
        clients: How many submit later.
    """
    with Receiver() as receiver, Coordinator(environment) as coordinator:
        eventually(coordinator.is_ready, START_SECONDS)
        settings = Settings.from_env(environment)
        vault = read_keys(settings.keys_dir).vault
        outbox = Outbox(open_settings_database(settings), vault, SystemClock())
        exchange, asked = (factories.new_exchange(handle) for handle in factories.HANDLES[:2])
        try:
            for each in (exchange, asked):
                factories.admit(outbox.database, vault, SystemClock(), each)
            # A request has a lane of its own, so that a fault holds up those alone it was at.
            outbox.endpoint(exchange.system, receiver.url)
            stop = threading.Event()
            origin, analyst = settings.origin, exchange.analyst
            submitting = [Client(origin, analyst, asked.handle, stop) for _ in range(clients)]
            yield Load(coordinator, receiver, outbox, submitting)
        finally:
            outbox.database.engine.dispose()
    assert coordinator.process is not None
    assert coordinator.process.returncode == 0

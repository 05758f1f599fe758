"""A coordinator as in production: real processes, a real database, the cast in it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.domain.clock import Clock, SystemClock
from coordinator.key_files import LOG_KEY as LOG_KEY_FILE
from coordinator.key_files import read_keys
from coordinator.operations.preparation import prepare
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json, strict_json
from tests import factories
from tests.benchmarks.load import Caller, raw_request
from tests.factories import Cast, Member
from tests.ports import free_port
from tests.postgres import PostgresServer
from tests.rulebook import LOG_KEY

#: How long a process may take to come up, in seconds.
_START_SECONDS = 60.0
#: How much of a log is shown when a figure cannot be measured.
_LOG_LINES = 40


@dataclass(frozen=True, slots=True)
class Server:
    """A process of a stage, and where it writes what it has to say."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int | None = None

    def last_words(self) -> str:
        """Return what became of it and the end of its log."""
        status = self.process.poll()
        state = "still runs" if status is None else f"ended with status {status}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        where = "" if self.port is None else f" (port {self.port})"
        return "\n".join([f"-- {self.log.stem}{where} {state}; its log:", *lines[-_LOG_LINES:]])


@dataclass(slots=True)
class Stage:
    """One database with the cast, and the processes that were started on it.

    Attributes:
        folder: Data folder of the coordinator.
        environment: What its processes are started with.
        cast: Exchanges A to D.
    """

    folder: Path
    kind: str
    settings: Settings
    environment: dict[str, str]
    database: Database
    vault: Vault
    clock: Clock
    cast: Cast
    _servers: list[Server] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where its web processes listen."""
        return self.settings.port

    def start_web(self) -> subprocess.Popen[bytes]:
        """Start web processes and wait until they answer."""
        process = self.spawn([sys.executable, "-m", "coordinator.cli", "web"], "web.log", self.port)
        wait_for_port(self.port, process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one worker process."""
        return self.spawn([sys.executable, "-m", "coordinator.cli", "worker"], "worker.log")

    def spawn(
        self, command: Sequence[str], log: str, port: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process that ends with the stage."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._servers.append(Server(process, self.folder / log, port))
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End one process, by its id."""
        end(process)

    def explain(self, error: BaseException) -> None:
        """Print what the servers said, for a figure could not be measured."""
        print(f"{self.kind}: {error}", file=sys.stderr)  # noqa: T201 - what it is for
        for server in self._servers:
            print(server.last_words(), file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """End every process and let the database go."""
        for server in reversed(self._servers):
            end(server.process)
        self._servers.clear()
        self.database.engine.dispose()

    def signed(self, member: Member, method: str, path: str, body: Any = None) -> bytes:
        """Return a signed request, ready to be sent; good for a minute."""
        raw = b"" if body is None else body
        if not isinstance(raw, bytes):
            raw = canonical_json.dumps(raw)
        token = factories.request_token(member, method, path, raw, self.clock)
        headers = [("Authorization", f"Bearer {token}")]
        if method != "GET":
            headers.append(("Idempotency-Key", secrets.token_hex(16)))
            headers.append(("Content-Type", "application/json"))
        return raw_request(method, path, raw, headers)

    def call(
        self, caller: Caller, member: Member, method: str, path: str, body: Any = None
    ) -> dict[str, Any]:
        """Sign, send and return the answer, which must be a good one."""
        status, content = caller.send(self.signed(member, method, path, body))
        if status not in {200, 201}:
            raise AssertionError(f"{method} {path}: {status} {content[:2000]!r}")
        answer: dict[str, Any] = strict_json.loads(content)
        return answer


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process by its id, and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens on `port`."""
    limit = time.monotonic() + _START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nothing came up on port {port}; status {process.poll()}")


@dataclass(slots=True)
class Stages:
    """Makes stages on one kind of database."""

    kind: str
    folder: Path
    postgres: PostgresServer | None = None

    @contextmanager
    def open(
        self, fill: Callable[[Stage], None] | None = None, **settings: object
    ) -> Iterator[Stage]:
        """Yield a stage on a fresh database with the cast in it, filled but nothing started yet."""
        stage = self._make({name: str(value) for name, value in settings.items()})
        try:
            if fill is not None:
                fill(stage)
            yield stage
        except BaseException as error:
            stage.explain(error)
            raise
        finally:
            stage.close()
            if self.postgres is not None:
                self.postgres.drop_database(stage.settings.database_url)
            shutil.rmtree(stage.folder)

    def _make(self, extra: dict[str, str]) -> Stage:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        url = "" if self.postgres is None else self.postgres.create_database()
        values = {
            "origin": factories.ORIGIN,
            "port": str(free_port()),
            "data_dir": str(folder),
            "database_url": url,
            "rate_per_minute": "0",
            "webhook_allowed_networks": "127.0.0.0/8",
            **extra,
        }
        environment = {
            **os.environ,
            **{f"HOLDFAST_{name.upper()}": value for name, value in values.items()},
        }
        settings = Settings.from_env(environment)
        prepare(settings)
        # The cast is admitted by commands of this process, which sign the log with the tests' key.
        (settings.keys_dir / LOG_KEY_FILE).write_bytes(LOG_KEY.to_pem())
        database = open_database(settings.resolved_database_url)
        vault, clock = read_keys(settings.keys_dir).vault, SystemClock()
        exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
        for exchange in exchanges:
            factories.admit(database, vault, clock, exchange)
        return Stage(
            folder, self.kind, settings, environment, database, vault, clock, Cast(*exchanges)
        )

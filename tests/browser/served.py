"""A coordinator that a browser can visit: a web process of its own, on a socket of this machine."""

import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import requests

from coordinator.domain.clock import OffsetClock
from coordinator.settings import Settings
from holdfast.clock import set_offset
from holdfast.protocol import canonical_json
from tests import factories
from tests.browser import forked
from tests.browser.forked import Copy
from tests.factories import Cast, Member
from tests.ports import free_port

HOST = "127.0.0.1"
#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 120.0


@dataclass(slots=True)
class Served:
    """A coordinator with the cast in it, exchanges A to D and their people.

    Attributes:
        port: Where its web process listens.
        console: Origin of the console: a name, for passkeys know no IP addresses.
        cast: Who is in it; their keys sign for `factories.ORIGIN`, whatever the port.
        folder: Its data folder, with the logs of its processes.
        environment: What its processes are started with.
    """

    port: int
    cast: Cast
    folder: Path
    environment: dict[str, str]
    _running: list[Copy] = field(default_factory=list)

    @property
    def console(self) -> str:
        """The console's origin."""
        return f"http://localhost:{self.port}"

    @property
    def offset_file(self) -> Path:
        """Where its processes read how far their clock is put forward, in seconds."""
        return self.folder / "clock_offset"

    @property
    def clock(self) -> OffsetClock:
        """Its clock."""
        return OffsetClock(self.offset_file)

    def put_clock_forward(self, seconds: int) -> None:
        """Have its clock run so far ahead of the host's; it is read again within 0.05 s."""
        set_offset(self.offset_file, seconds)
        time.sleep(0.1)

    def send(
        self, member: Member, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> requests.Response:
        """Sign as somebody of the cast, and send; `body` is bytes as they are, or JSON."""
        raw = b"" if body is None else body
        if not isinstance(raw, bytes):
            raw = canonical_json.dumps(raw)
        token = factories.request_token(member, method, path, raw, self.clock)
        headers = {"Authorization": f"Bearer {token}"}
        if method != "GET":
            headers["Idempotency-Key"] = key or secrets.token_hex(16)
        if raw:
            headers["Content-Type"] = "application/json"
        url = f"http://{HOST}:{self.port}{path}"
        return requests.request(method, url, data=raw or None, headers=headers, timeout=PATIENCE)

    def get(self, member: Member, path: str) -> requests.Response:
        """Sign and send a GET."""
        return self.send(member, "GET", path)

    def post(self, member: Member, path: str, body: Any = None) -> requests.Response:
        """Sign and send a POST."""
        return self.send(member, "POST", path, body)

    def start_web(self) -> Copy:
        """Start the web process and wait until it answers."""
        process = self._start("web")
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and process.poll() is None:
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return process
        raise AssertionError(f"nothing came up on port {self.port}: {self.log('web')}")

    def start_worker(self) -> Copy:
        """Start a worker, for what timers and webhooks do."""
        return self._start("worker")

    def log(self, name: str) -> str:
        """Return the end of a process's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2_000:]

    def stop(self) -> None:
        """End its processes at once: nothing of theirs outlives a test, and none has to be kept."""
        for process in self._running:
            process.send(signal.SIGKILL)
        for process in self._running:
            process.wait(PATIENCE)
        self._running.clear()

    def _start(self, name: str) -> Copy:
        process = forked.start(name, self.environment, self.folder / f"{name}.log")
        self._running.append(process)
        return process


@contextmanager
def serve(database_url: str, cast: Cast, folder: Path, **settings: object) -> Iterator[Served]:
    """Yield a coordinator on a migrated database with the cast in it, once it answers.

    Args:
        database_url: Where the cast is.
        cast: Who is in it.
        folder: Its data folder, with its keys in it.
        settings: More of them, by their names in `config/default.toml`.
    """
    port = free_port()
    chosen: dict[str, object] = {
        "origin": factories.ORIGIN,
        "port": port,
        "database_url": database_url,
        "data_dir": folder,
        "clock_offset_file": folder / "clock_offset",
        "webhook_allowed_networks": "127.0.0.0/8",
        "log_level": "warning",
        **settings,
    }
    if "console_origin" in {each.name for each in fields(Settings)}:
        chosen.setdefault("console_origin", f"http://localhost:{port}")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "PROMETHEUS_"))}
    ours = {f"HOLDFAST_{name.upper()}": str(value) for name, value in chosen.items()}
    served = Served(port, cast, folder, kept | ours)
    try:
        served.start_web()
        yield served
    finally:
        served.stop()

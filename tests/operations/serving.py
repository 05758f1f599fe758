"""Coordinators that serve as processes, for tests of what an operator does meanwhile."""

import os
import subprocess
import sys
import time
from pathlib import Path

import requests

from coordinator.domain.clock import SystemClock
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.request_token import make_request_token
from tests import factories
from tests.factories import Exchange, Member
from tests.ports import free_port

PATIENCE = 120
_HOST = "127.0.0.1"


def environment_of(data: Path, url: str) -> dict[str, str]:
    """Return what a coordinator of its own is started with."""
    port = free_port()
    return {
        "HOLDFAST_ORIGIN": f"http://{_HOST}:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(data),
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_LOG_LEVEL": "error",
    }


def command(environment: dict[str, str], *words: str | Path) -> str:
    """Run a command to its end; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
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
        self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


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
    return requests.request(method, origin + path, data=raw, headers=headers, timeout=PATIENCE)


def cast(settings: Settings) -> Exchange:
    """Prepare a coordinator with four members; return the first."""
    keys = prepare(settings)
    database = open_settings_database(settings)
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
    for exchange in exchanges:
        factories.admit(database, keys.vault, SystemClock(), exchange)
    database.engine.dispose()
    return exchanges[0]

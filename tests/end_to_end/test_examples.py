"""Each receiver of `examples/` takes what is the coordinator's, once, and refuses all else."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from queue import Queue

import pytest
import requests

from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret, sign
from tests.architecture.tree import ROOT
from tests.ports import free_port

pytestmark = pytest.mark.processes

EXAMPLES = ROOT / "examples"
#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 120
SECRET, KEY = new_secret(), PrivateKey.generate()


def _flask(folder: Path) -> list[str]:
    del folder
    return [sys.executable, str(EXAMPLES / "receiver_flask.py")]


def _fastapi(folder: Path) -> list[str]:
    del folder
    if find_spec("fastapi") is None:
        pytest.skip("needs fastapi, which nothing else here does")
    return [sys.executable, str(EXAMPLES / "receiver_fastapi.py")]


def _node(folder: Path) -> list[str]:
    del folder
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    return [node, str(EXAMPLES / "receiver_node.mjs")]


def _go(folder: Path) -> list[str]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs go")
    program = folder / "receiver"
    source = EXAMPLES / "receiver_go"
    for command in (["vet"], ["build", "-o", program]):
        subprocess.run(
            [go, *command, "."],
            cwd=source,
            env={**os.environ, "CGO_ENABLED": "0"},  # nothing of it is C, and there may be no gcc
            check=True,
            timeout=PATIENCE,
        )
    return [str(program)]


RECEIVERS = {"Flask": _flask, "FastAPI": _fastapi, "Node": _node, "Go": _go}


@dataclass(slots=True)
class Running:
    """A receiver, and the lines that it says."""

    url: str
    lines: "Queue[str]" = field(default_factory=Queue)

    def post(self, headers: dict[str, str], body: bytes) -> int:
        """Post one delivery; return the status."""
        given = {"Content-Type": "application/json", **headers}
        return requests.post(self.url, data=body, headers=given, timeout=PATIENCE).status_code

    def worked(self) -> str:
        """Wait for the next event that it worked on; return id and type."""
        while True:
            # What the framework says as it starts may stand on the same line.
            said = re.search(
                r"worked (evt_\w+ [\w.]+(?: drill)?)", self.lines.get(timeout=PATIENCE)
            )
            if said:
                return said[1]


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[Running]:
    port = free_port()
    process = subprocess.Popen(
        command,
        cwd=EXAMPLES,
        env={**os.environ, "RECEIVER_DIR": str(folder), "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    running = Running(f"http://127.0.0.1:{port}/hook")
    stdout = process.stdout
    assert stdout is not None

    def read() -> None:
        for line in stdout:
            running.lines.put(line)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        _wait_for(port, process)
        yield running
    finally:
        process.terminate()
        process.wait(PATIENCE)
        reader.join()
        stdout.close()


def _wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("it did not come up")


def _delivery(
    event_id: str, *, drill: bool = False, **changed: object
) -> tuple[dict[str, str], bytes]:
    """Return headers and body as a coordinator signs them just now."""
    data = {"sequence": 1, **({"drill": True} if drill else {})}
    body = canonical_json.dumps(
        {"data": data, "timestamp": "2026-03-02T12:00:00Z", "type": "leg.acknowledged"}
    )
    given = {"secrets": [SECRET], "keys": [KEY], "now": int(time.time()), **changed}
    headers = sign(event_id, given.pop("now"), body, **given)  # type: ignore[arg-type]  # as named
    return headers, body


@pytest.mark.parametrize("language", RECEIVERS)
def test_it_takes_what_the_coordinator_signed_once_and_nothing_else(
    language: str, tmp_path: Path
) -> None:
    command = RECEIVERS[language](tmp_path)
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="ascii")
    public = KEY.public
    jwk = {**public.jwk(), "kid": public.kid, "use": "sig", "alg": public.alg}
    (tmp_path / "jwks.json").write_bytes(canonical_json.dumps({"keys": [jwk]}))
    with _running(command, tmp_path) as receiver:
        headers, body = _delivery("evt_1")
        refused = {
            "another body": (headers, body + b" "),
            "another id": (headers | {"webhook-id": "evt_2"}, body),
            "an id that is a path": (headers | {"webhook-id": "../evt_1"}, body),
            "no headers": ({}, body),
            "too old": _delivery("evt_4", now=int(time.time()) - 400),
            "from the future": _delivery("evt_5", now=int(time.time()) + 400),
            "another secret": _delivery("evt_6", secrets=[new_secret()]),
            "another key": _delivery("evt_7", keys=[PrivateKey.generate()]),
            "the secret alone": _delivery("evt_8", keys=[]),
            "the key alone": _delivery("evt_9", secrets=[]),
        }
        answers = {what: receiver.post(*delivery) for what, delivery in refused.items()}
        assert answers == dict.fromkeys(refused, 401)
        assert receiver.post(headers, b"x" * 200_000) == 413
        assert receiver.post(headers, body) == 204
        assert receiver.worked() == "evt_1 leg.acknowledged"
        assert [receiver.post(*_delivery("evt_1")) for _ in range(3)] == [204] * 3
        both = _delivery(
            "evt_10", secrets=[new_secret(), SECRET], keys=[PrivateKey.generate(), KEY]
        )
        assert receiver.post(*both) == 204
        assert receiver.worked() == "evt_10 leg.acknowledged"
        assert receiver.post(*_delivery("evt_11d", drill=True)) == 204
        assert receiver.worked() == "evt_11d leg.acknowledged drill"
        # Once the next one is worked on, the one before is marked as done.
        assert receiver.post(*_delivery("evt_12")) == 204
        assert receiver.worked() == "evt_12 leg.acknowledged"
    with _running(command, tmp_path) as receiver:
        assert receiver.post(*_delivery("evt_10")) == 204
        assert receiver.post(*_delivery("evt_11")) == 204
        worked = [receiver.worked()]
        while worked[-1] != "evt_11 leg.acknowledged":
            worked.append(receiver.worked())
        # The last one before may have been stopped between its work and its mark.
        assert set(worked) <= {"evt_12 leg.acknowledged", "evt_11 leg.acknowledged"}

"""One command runs it all, replaces what dies, and ends all of it."""

import json
import os
import re
import resource
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from coordinator.domain.clock import SystemClock
from coordinator.operations.supervisor import MOST_DEATHS, Supervisor
from holdfast.protocol import canonical_json
from tests.factories import ORIGIN, join_body, new_exchange, request_token
from tests.ports import free_port

pytestmark = pytest.mark.processes

#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 90
HOST = "127.0.0.1"


@dataclass(slots=True)
class Served:
    """A coordinator that runs, and what it said while it started."""

    process: "subprocess.Popen[str]"
    url: str
    metrics_url: str
    said: list[str]
    environment: dict[str, str]

    def pid_of(self, name: str) -> int:
        """Return the process id that `serve` said of a child."""
        found = re.search(rf"^{name}: process (\d+)$", "\n".join(self.said), re.MULTILINE)
        assert found is not None, self.said
        return int(found[1])


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "PROMETHEUS_"))}
    return {**kept, "HOLDFAST_DATA_DIR": str(folder), "HOLDFAST_LOG_LEVEL": "error", **more}


@pytest.fixture(name="served")
def _served(tmp_path: Path) -> Iterator[Served]:
    """One that the test may end."""
    with _running(tmp_path) as served:
        yield served


@pytest.fixture(name="shared", scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests that leave it well, by the same processes: as it was, or well again."""
    with _running(tmp_path_factory.mktemp("shared")) as served:
        yield served


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that listens elsewhere than partners sign, as behind a proxy."""
    with _running(tmp_path_factory.mktemp("elsewhere"), HOLDFAST_ORIGIN=ORIGIN) as served:
        yield served


@contextmanager
def _running(folder: Path, **more: str) -> Iterator[Served]:
    port, metrics_port = free_port(), free_port()
    url = f"http://{HOST}:{port}"
    environment = _environment(
        folder / "data",
        **{
            "HOLDFAST_PORT": str(port),
            "HOLDFAST_ORIGIN": url,
            "HOLDFAST_METRICS_PORT": str(metrics_port),
            **more,
        },
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("ready:"):
            break
    yield Served(process, url, f"http://{HOST}:{metrics_port}/metrics", said, environment)
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE)
    process.stdout.close()


def _eventually(look: Any) -> Any:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found = look()
        except requests.RequestException:
            found = None
        if found:
            return found
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        # A process that ended and was not waited for still has an entry.
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]


def test_it_says_where_it_is_and_what_it_stores_in(shared: Served) -> None:
    said = "\n".join(shared.said)
    assert re.search(r"^database: SQLite [0-9.]+ .*journal", said, re.MULTILINE)
    assert f"ready: {shared.url} (documentation at {shared.url}/docs)" in said
    assert requests.get(f"{shared.url}/v1", timeout=PATIENCE).json()["origin"] == shared.url


def test_it_says_where_it_listens_when_that_is_not_what_partners_sign(elsewhere: Served) -> None:
    assert f"ready: {ORIGIN}" in elsewhere.said[-1]
    assert elsewhere.process.stdout is not None
    assert elsewhere.process.stdout.readline().startswith(f"listening at {elsewhere.url}; ")


def _posted(served: Served, target: str, token: str, body: bytes) -> int:
    """Send a request line byte for byte, as no client library does; return the status."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {secrets.token_hex(16)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection((HOST, port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


def _invited(served: Served, handle: str) -> str:
    words = ["partner", "invite", handle, "--name", "Exchange Z", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words],
        env=served.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return str(json.loads(done.stdout)["invitation"])


def test_another_spelling_of_a_url_leads_nowhere_through_the_real_server(elsewhere: Served) -> None:
    exchange = new_exchange("exchange-z.example")
    body = canonical_json.dumps(join_body(exchange, _invited(elsewhere, exchange.handle)))

    def post(target: str, signed: str | None = None) -> int:
        url = target if signed is None else signed
        token = request_token(exchange.root, "POST", url, body, SystemClock())
        return _posted(elsewhere, target, token, body)

    # What the server shows us is nowhere, whoever signed it.
    for target in ("//v1/join", "/v1//join", "/v1/join/", "/v1/./join", "/v1/join?&"):
        assert post(target) == 404, target
        assert _posted(elsewhere, target, "none", body) == 404, target
    for target in ("/v1/join;a", "/v1/%6aoin", "/v1%2Fjoin"):
        assert post(target) == 404, target
        assert post(target, signed="/v1/join") == 404, target
    # It drops a bare question mark, and what follows a hash: there, something else was signed.
    for target in ("/v1/join?", "/v1/join#a"):
        assert post(target) == 401, target
    # Nothing came of any of them: the invitation is still good, for who signs the exact path.
    assert post("/v1/join") == 201


def _looks_at_health(figures: str) -> float:
    counted = 'holdfast_http_requests_total{method="GET",route="/healthz",status="200"} '
    found = re.search(f"^{re.escape(counted)}(.+)$", figures, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _figures_with(served: Served, wanted: str) -> str:
    """Return the figures once there is such a line among them, and "" before."""
    figures = requests.get(served.metrics_url, timeout=PATIENCE).text
    return figures if re.search(wanted, figures, re.MULTILINE) else ""


def test_figures_of_all_processes_have_an_address_of_their_own(shared: Served) -> None:
    before = _looks_at_health(requests.get(shared.metrics_url, timeout=PATIENCE).text)
    requests.get(f"{shared.url}/healthz", timeout=PATIENCE)
    figures = requests.get(shared.metrics_url, timeout=PATIENCE).text
    assert _looks_at_health(figures) == before + 1
    assert "holdfast_database_up 1.0" in figures
    # It is ready before its worker has looked at the deadlines for the first time.
    looked = r"^holdfast_timers_last_pass_timestamp_seconds [1-9]"
    figures = _eventually(lambda: _figures_with(shared, looked))
    assert "holdfast_clock_held 0.0" in figures
    assert requests.get(f"{shared.url}/metrics", timeout=PATIENCE).status_code == 404


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_processes_in_good_order(
    served: Served, signal_number: signal.Signals
) -> None:
    children = [served.pid_of("web"), served.pid_of("worker-1")]
    children += _children(served.pid_of("web"))
    assert len(children) == 3
    served.process.send_signal(signal_number)
    assert served.process.wait(PATIENCE) == 0
    assert [pid for pid in children if _is_alive(pid)] == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_when_it_is_killed_nothing_of_it_goes_on(served: Served) -> None:
    children = [served.pid_of("web"), served.pid_of("worker-1")]
    children += _children(served.pid_of("web"))
    served.process.kill()
    served.process.wait(PATIENCE)
    _eventually(lambda: not any(_is_alive(pid) for pid in children))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process's files")
def test_on_a_disk_that_takes_nothing_more_it_is_alive_but_not_ready(shared: Served) -> None:
    [web] = _children(shared.pid_of("web"))
    assert requests.get(f"{shared.url}/readyz", timeout=PATIENCE).ok
    limits = resource.prlimit(web, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    refused = _eventually(
        lambda: [r for r in [requests.get(f"{shared.url}/readyz", timeout=2)] if not r.ok]
    )
    assert (refused[0].status_code, refused[0].json()["code"]) == (503, "unavailable")
    assert "takes no changes" in refused[0].json()["detail"]
    assert requests.get(f"{shared.url}/healthz", timeout=PATIENCE).ok
    resource.prlimit(web, resource.RLIMIT_FSIZE, limits)
    _eventually(lambda: requests.get(f"{shared.url}/readyz", timeout=2).ok)


def test_a_web_process_that_is_killed_is_replaced(served: Served) -> None:
    web = served.pid_of("web")
    os.kill(web, signal.SIGKILL)
    _eventually(lambda: not _is_alive(web))
    _eventually(lambda: requests.get(f"{served.url}/readyz", timeout=2).ok)


_HANDLED_BY_ANOTHER = """
import os, signal, threading
from coordinator.operations.lifetime import call_on_signal
told = threading.Event()
call_on_signal(told.set)
signal.signal(signal.SIGTERM, lambda *_: None)  # as the web server does, later
os.kill(os.getpid(), signal.SIGTERM)
assert told.wait(60)
print("told")
"""


def test_a_process_is_told_of_a_signal_that_its_web_server_handles() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HANDLED_BY_ANOTHER],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == "told\n", done.stderr


def test_the_collector_passes_over_what_a_web_process_started_with() -> None:
    code = (
        "import gc; from coordinator.operations import web_server as web; web.spare_collector();"
        "print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] == web.COLLECT_AFTER)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == "True True\n", done.stderr


def test_an_address_that_is_taken_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "coordinator.cli", "serve"],
            env=_environment(tmp_path / "data", HOLDFAST_PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert f"cannot listen on {HOST}:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_child_that_dies_again_and_again_ends_all() -> None:
    supervisor = Supervisor({"broken": ["no-such-command"]})
    supervisor.start()
    assert not supervisor.run(threading.Event())
    assert MOST_DEATHS > 1
    assert all(not _is_alive(pid) for pid in supervisor.pids.values())

"""Web and worker processes on networks of their own, cut off from PostgreSQL and brought back.

Each process has a network namespace with one wire to this one, where database and receiver are.
When the wire is cut, packets are lost without a word, as where a switch dies: neither side of a
connection is told. Others go on meanwhile, and nothing that was confirmed is lost or done twice.
"""

import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from coordinator.domain.clock import SystemClock
from coordinator.key_files import LOG_KEY as LOG_KEY_FILE
from coordinator.key_files import read_keys
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.operations.trial_postgres import PostgresUnavailableError
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from tests import factories
from tests.dispatcher.outbox_cast import Outbox, Receiver, eventually
from tests.end_to_end.under_load import END_SECONDS, SENDERS, START_SECONDS, WHOLE
from tests.factories import ORIGIN, Member, request_token
from tests.ports import free_port
from tests.postgres import PostgresServer
from tests.rulebook import LOG_KEY

CUTS = 5 if WHOLE else 1
_CLIENTS = 3
_IP = shutil.which("ip") or ""
_NOBODY = "02:00:00:00:00:01"


def _ip(*words: str) -> None:
    subprocess.run([_IP, *words], check=True, capture_output=True)


def _may_make_networks() -> bool:
    if not _IP or os.geteuid() != 0:
        return False
    name = f"hf{os.getpid()}t"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except subprocess.CalledProcessError:
        return False
    return True


pytestmark = [
    pytest.mark.processes,
    pytest.mark.postgresql,
    pytest.mark.skipif(
        not _may_make_networks(), reason="needs root, network namespaces and the program `ip`"
    ),
]


@dataclass(frozen=True, slots=True)
class Network:
    """A network namespace with one wire to this one.

    Attributes:
        name: Of the namespace.
        here: This side's address; the database and the receiver are reached there.
        there: The namespace's own.
    """

    name: str
    here: str
    there: str

    @property
    def wire(self) -> str:
        """This side's end of the wire."""
        return f"{self.name}h"

    @property
    def inside(self) -> str:
        """The namespace's end of the wire."""
        return f"{self.name}n"

    def cut(self) -> None:
        """Lose every packet from now on.

        Both ends send on, to a hardware address that nobody has. The links stay up: with a link
        goes its route, and what is sent to the namespace would leave the machine by another one.
        """
        for namespace, entry in self._neighbours():
            _ip(*namespace, "neigh", "replace", *entry, "lladdr", _NOBODY, "nud", "permanent")

    def mend(self) -> None:
        """Let packets through again."""
        for namespace, entry in self._neighbours():
            _ip(*namespace, "neigh", "del", *entry)

    def _neighbours(self) -> tuple[tuple[list[str], list[str]], ...]:
        return (
            ([], [self.there, "dev", self.wire]),
            (["-n", self.name], [self.here, "dev", self.inside]),
        )


@contextmanager
def _network(number: int) -> Iterator[Network]:
    # One test process's networks are not another's.
    third = os.getpid() % 60 * 4 + number
    network = Network(f"hf{os.getpid()}{number}", f"10.213.{third}.1", f"10.213.{third}.2")
    _ip("netns", "add", network.name)
    try:
        _ip("link", "add", network.wire, "type", "veth", "peer", "name", network.inside)
        _ip("link", "set", network.inside, "netns", network.name)
        _ip("addr", "add", f"{network.here}/30", "dev", network.wire)
        _ip("-n", network.name, "addr", "add", f"{network.there}/30", "dev", network.inside)
        for link in ("lo", network.inside):
            _ip("-n", network.name, "link", "set", link, "up")
        _ip("link", "set", network.wire, "up")
        _ip("-n", network.name, "route", "add", "default", "via", network.here)
        yield network
    finally:
        _ip("netns", "del", network.name)


class OpenServer(PostgresServer):
    """A PostgreSQL that is reached from other networks, too."""

    def more_settings(self) -> dict[str, str]:
        """Return how it is started."""
        rules = self._folder / "networks.conf"
        rules.write_text("host all all 0.0.0.0/0 scram-sha-256\n", encoding="ascii")
        rules.chmod(0o644)
        return {
            **super().more_settings(),
            "listen_addresses": "0.0.0.0",  # noqa: S104 - password, and gone in a minute
            "hba_file": str(rules),
        }


@pytest.fixture(name="server")
def _server(databases: Path) -> Iterator[OpenServer]:
    server = OpenServer(databases.parent)
    try:
        server.start()
    except PostgresUnavailableError as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield server
    server.stop()


@dataclass(slots=True)
class Submitter:
    """Submits through whichever web process answers, each request until it is confirmed.

    Attributes:
        webs: Where they listen, the one that is asked first at the front.
        accepted: Ids of the requests that were confirmed.
        by: How many of them by each process.
    """

    webs: list[str]
    member: Member
    asked: str
    stop: threading.Event
    accepted: list[str] = field(default_factory=list)
    by: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Submit one request after the other until told to stop."""
        while not self.stop.wait(0.05):
            self._submit()

    def _submit(self) -> None:
        body = canonical_json.dumps(factories.freeze_request_body(to=[self.asked]))
        key = secrets.token_hex(16)
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until:
            for web in self.webs:
                try:
                    answer = self._post(web, body, key)
                except requests.RequestException:
                    continue
                if answer.ok:
                    self.accepted.append(str(answer.json()["id"]))
                    self.by[web] = self.by.get(web, 0) + 1
                    return
                assert answer.status_code == 503, answer.text
            time.sleep(0.1)
        raise AssertionError("no web process confirmed it")

    def _post(self, web: str, body: bytes, key: str) -> requests.Response:
        path = "/v1/freeze-requests"
        token = request_token(self.member, "POST", path, body, SystemClock())
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        return requests.post(f"{web}{path}", data=body, headers=headers, timeout=5)


def _is_ready(web: str) -> bool:
    try:
        return requests.get(f"{web}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def _process(kind: str, network: Network, environment: dict[str, str]) -> Iterator[None]:
    command = [_IP, "netns", "exec", network.name, sys.executable, "-m", "coordinator.cli", kind]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield
        assert process.poll() is None, f"{kind} ended"
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(slots=True)
class Sites:
    """A coordinator whose processes have a network each: two web, two workers.

    Attributes:
        networks: Of the web processes, then of the workers.
        webs: Where the web processes listen.
    """

    networks: list[Network]
    webs: list[str]
    receiver: Receiver
    outbox: Outbox
    clients: list[Submitter]

    def goes_on(self, web: str) -> None:
        """Wait until more was confirmed by a web process."""
        seen = self._confirmed(web)
        eventually(lambda: self._confirmed(web) >= seen + 5, END_SECONDS)

    def _confirmed(self, web: str) -> int:
        return sum(client.by.get(web, 0) for client in self.clients)


@contextmanager
def _sites(server: OpenServer, folder: Path) -> Iterator[Sites]:
    url = server.create_database()
    port = free_port()
    common = {
        "HOLDFAST_ORIGIN": ORIGIN,
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(folder / "data"),
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_WORKER_SENDERS": str(SENDERS),
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "10.213.0.0/16",
        "HOLDFAST_WEBHOOK_DEADLINE": "0.5",
        "HOLDFAST_LEASE": "5.5",
        "HOLDFAST_LOG_LEVEL": "error",
        "HOLDFAST_RATE_PER_MINUTE": "0",
    }
    settings = Settings.from_env(common)
    prepare(settings)
    (settings.keys_dir / LOG_KEY_FILE).write_bytes(LOG_KEY.to_pem())
    vault = read_keys(settings.keys_dir).vault
    outbox = Outbox(open_settings_database(settings), vault, SystemClock())
    exchange, asked = (factories.new_exchange(handle) for handle in factories.HANDLES[:2])
    for each in (exchange, asked):
        factories.admit(outbox.database, vault, SystemClock(), each)
    with ExitStack() as stack:
        stack.callback(outbox.database.engine.dispose)
        networks = [stack.enter_context(_network(number)) for number in range(4)]
        for kind, network in zip(("web", "web", "worker", "worker"), networks, strict=True):
            there = {
                **common,
                "HOLDFAST_HOST": network.there,
                "HOLDFAST_DATABASE_URL": url.replace(urlsplit(url).hostname or "", network.here),
            }
            stack.enter_context(_process(kind, network, there))
        # Where no wire is ever cut; each worker comes to it over its own.
        receiver = stack.enter_context(Receiver(host=networks[1].here))
        outbox.endpoint(exchange.system, receiver.url)
        webs = [f"http://{network.there}:{port}" for network in networks[:2]]
        eventually(lambda: all(map(_is_ready, webs)), START_SECONDS)
        stop = threading.Event()
        clients = [Submitter(webs, exchange.analyst, asked.handle, stop) for _ in range(_CLIENTS)]
        yield Sites(networks, webs, receiver, outbox, clients)


def test_processes_that_are_cut_off_and_brought_back_lose_nothing(
    server: OpenServer, tmp_path: Path
) -> None:
    with _sites(server, tmp_path) as sites:
        threads = [threading.Thread(target=client.run, daemon=True) for client in sites.clients]
        for thread in threads:
            thread.start()
        (web, other), worker = sites.webs, sites.networks[2]
        sites.goes_on(web)
        for _ in range(CUTS):
            # In the midst of commits: what is cut off may hold the lock of the log's head.
            sites.networks[0].cut()
            sites.goes_on(other)
            sites.networks[0].mend()
            sites.goes_on(web)
            worker.cut()
            sites.goes_on(web)
            worker.mend()
        sites.clients[0].stop.set()
        for thread in threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive()
        made = sites.outbox.rows(
            "SELECT id, request_id FROM event WHERE type = 'freeze_request.submitted'"
        )
        accepted = [request_id for client in sites.clients for request_id in client.accepted]
        assert sorted(request_id for _, request_id in made) == sorted(accepted)
        events, counts = {event_id for event_id, _ in made}, sites.receiver.counts
        assert sites.receiver.wait_for(lambda: events <= set(sites.receiver.counts), END_SECONDS), (
            f"{len(events - set(counts))} of {len(events)} never arrived"
        )

"""Figures of small requests while others disturb, and what large bodies leave in memory."""

import multiprocessing
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from sqlalchemy import text

from coordinator.services.core.unit_of_work import About, transaction
from holdfast.protocol import canonical_json
from holdfast.protocol.type_ids import new_id
from tests import factories
from tests.benchmarks.deliveries import register
from tests.benchmarks.figures import Figure, percentile, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Member
from tests.ports import free_port
from tests.rulebook import command_context

PATH = "/v1/freeze-requests"
ADDRESSES = 20_000
BIG_BODIES = 8
DRIPS = 100
POLLS = 200
SAMPLES = 200
#: What a small request may take beside others, p99 in ms.
GET_AIM = 100.0
POST_AIMS = {"sqlite": 250.0, "postgresql": 100.0}
LARGE_BODIES = 20
LARGE_BYTES = 16 * 1024 * 1024
#: 100,000 deliveries due: each of these events to each of these endpoints.
DUE_ENDPOINTS = 20
DUE_EVENTS = 5_000
DUE_AT_ONCE = 250
_DRIP_SECONDS = 1.0
#: What the viewers are given to read what there is and to begin to wait.
_ARRIVAL_SECONDS = 5.0


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage:
        stage.start_web()
        small = _Small(stage)
        for disturbed, by in (
            ("8_bodies_of_20000_addresses", _eight_big),
            ("100_dripping_bodies", _drips),
            ("200_long_polls", _polls),
        ):
            quiet = small.sample(lambda done: done >= SAMPLES)
            with by(stage) as is_over:
                beside = small.sample(is_over)
            yield from _figures(stage.kind, disturbed, quiet, beside)
        small.close()
    yield from _memory(stages)
    yield _memory_with_much_due(stages)


class _Small:
    """One reader and one requester, who send one small request after the other."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._caller = Caller(stage.port)

    def sample(self, is_over: Callable[[int], bool]) -> tuple[list[float], list[float]]:
        """Return the milliseconds of GETs and of POSTs until `is_over` of how many there were."""
        gets: list[float] = []
        posts: list[float] = []
        while not is_over(len(posts)):
            gets += [self._get(), self._get()]
            posts.append(self._post())
        return gets, posts

    def close(self) -> None:
        """Close the connection."""
        self._caller.close()

    def _get(self) -> float:
        reader = self._stage.cast.b.lead
        return self._send(self._stage.signed(reader, "GET", f"{PATH}?box=received"))

    def _post(self) -> float:
        raw = _body(self._stage.cast.c.handle, 1)
        return self._send(self._stage.signed(self._stage.cast.b.analyst, "POST", PATH, raw))

    def _send(self, request: bytes) -> float:
        def work() -> None:
            status, content = self._caller.send(request)
            if status not in {200, 201}:
                raise AssertionError(f"{status} {content[:500]!r}")

        return seconds_of(work) * 1000


def _body(to: str, count: int) -> bytes:
    body = factories.freeze_request_body(to=[to], addresses=mixed_addresses(count))
    return canonical_json.dumps(body)


@contextmanager
def _eight_big(stage: Stage) -> Iterator[Callable[[int], bool]]:
    """Have eight bodies worked on; the same list twice, so that half of it is known."""
    document = factories.freeze_request_body(
        to=[stage.cast.b.handle], addresses=mixed_addresses(ADDRESSES)
    )
    senders = cycle([stage.cast.a.analyst, stage.cast.c.analyst, stage.cast.d.analyst])
    requests = []
    for _, sender in zip(range(BIG_BODIES), senders, strict=False):
        raw = canonical_json.dumps({**document, "nonce": secrets.token_urlsafe(16)})
        requests.append(stage.signed(sender, "POST", PATH, raw))
    statuses: list[int] = []

    def send(request: bytes) -> None:
        caller = Caller(stage.port)
        statuses.append(caller.send(request)[0])
        caller.close()

    threads = [threading.Thread(target=send, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    yield lambda _done: not any(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    if set(statuses) != {201}:
        raise AssertionError(f"large bodies were answered {statuses}")


@contextmanager
def _drips(stage: Stage) -> Iterator[Callable[[int], bool]]:
    """Have bodies come a byte a second: small and large ones, and a stranger's."""
    a = stage.cast.a.analyst
    kinds = [(PATH, 1_000), (PATH, 1_000), (PATH, 1_000_000), ("/v1/join", 1_000)]
    chosen = [kinds[number % len(kinds)] for number in range(DRIPS)]
    with _open_sockets(stage, [_head_only(stage, a, *kind) for kind in chosen]) as sockets:
        is_over = threading.Event()

        def drip() -> None:
            while not is_over.wait(_DRIP_SECONDS):
                for each in list(sockets):
                    try:
                        each.sendall(b"x")
                    except OSError:
                        sockets.remove(each)  # answered with 408

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield lambda done: done >= SAMPLES
        finally:
            is_over.set()
            dripping.join()


def _head_only(stage: Stage, member: Member, path: str, length: int) -> bytes:
    head, _, _ = stage.signed(member, "POST", path, b"y").partition(b"\r\n\r\n")
    kept = [x for x in head.split(b"\r\n") if not x.lower().startswith(b"content-length")]
    return b"\r\n".join([*kept, b"Content-Length: %d" % length, b"", b"x"])


@contextmanager
def _polls(stage: Stage) -> Iterator[Callable[[int], bool]]:
    """Have so many viewers follow the feed, every other one for a type that does not come."""
    readers = cycle([stage.cast.a.lead, stage.cast.b.lead, stage.cast.c.lead, stage.cast.d.lead])
    # In a process of their own: what it costs to be a viewer is not the server's.
    viewers = multiprocessing.get_context("fork").Process(
        target=_follow, args=(stage, list(islice(readers, POLLS)))
    )
    viewers.start()
    time.sleep(_ARRIVAL_SECONDS)
    try:
        yield lambda done: done >= SAMPLES
        if not viewers.is_alive():
            raise AssertionError("the viewers gave up")
    finally:
        viewers.kill()
        viewers.join()


def _follow(stage: Stage, readers: Sequence[Member]) -> None:
    def follow(reader: Member, types: str) -> None:
        caller, after = Caller(stage.port), 0
        while True:
            path = f"/v1/events?after={after}&wait=20{types}"
            after = stage.call(caller, reader, "GET", path)["next_after"]

    for number, reader in enumerate(readers):
        types = "" if number % 8 < 4 else "&types=endpoint.test"
        threading.Thread(target=follow, args=(reader, types), daemon=True).start()
    time.sleep(600)


@contextmanager
def _open_sockets(stage: Stage, requests: Sequence[bytes]) -> Iterator[list[socket.socket]]:
    sockets = []
    try:
        for request in requests:
            sockets.append(socket.create_connection(("127.0.0.1", stage.port)))
            sockets[-1].sendall(request)
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _figures(
    kind: str,
    disturbed: str,
    quiet: tuple[list[float], list[float]],
    beside: tuple[list[float], list[float]],
) -> Iterator[Figure]:
    aims = (GET_AIM, POST_AIMS[kind])
    for name, aim, floor, values in zip(("get", "post"), aims, quiet, beside, strict=True):
        base, value = percentile(floor, 0.99), percentile(values, 0.99)
        yield Figure(
            name=f"small_{name}_p99_beside_{disturbed}",
            database=kind,
            value=value,
            unit="ms",
            floor=base,
            ratio=value / base,
            aim=f"< {aim:.0f} ms",
            is_met=value < aim,
            more={"p50_ms": percentile(values, 0.5), "worst_ms": max(values), "n": len(values)},
        )


def _memory(stages: Stages) -> Iterator[Figure]:
    """Measure what a web process and a worker keep: idle, and after 20 bodies of 16 MiB."""
    with stages.open() as stage:
        processes = {"web": stage.start_web(), "worker": stage.start_worker()}
        caller = Caller(stage.port)
        caller.send(stage.signed(stage.cast.b.lead, "GET", PATH))
        time.sleep(1)
        idle = {name: _resident(process.pid) for name, process in processes.items()}
        document = factories.freeze_request_body(
            to=[stage.cast.b.handle],
            addresses=[{**x, "note": ("seen " * 39).strip()} for x in mixed_addresses(ADDRESSES)],
        )
        for _ in range(LARGE_BODIES):
            raw = canonical_json.dumps({**document, "nonce": secrets.token_urlsafe(16)})
            raw += b" " * (LARGE_BYTES - len(raw))
            status, content = caller.send(stage.signed(stage.cast.a.analyst, "POST", PATH, raw))
            if status != 201:
                raise AssertionError(f"{status} {content[:500]!r}")
        caller.close()
        for name, process in processes.items():
            yield Figure(
                name=f"memory_of_{name}_after_20_bodies_of_16_MiB",
                database=stage.kind,
                value=_resident(process.pid),
                unit="MiB",
                floor=idle[name],
                ratio=_resident(process.pid) / idle[name],
                more={"note": "the floor is the same process idle"},
            )


def _memory_with_much_due(stages: Stages) -> Figure:
    """Measure what a worker keeps while 100,000 deliveries are due to endpoints that are down."""
    with stages.open() as stage:
        worker = stage.start_worker()
        time.sleep(_ARRIVAL_SECONDS)
        idle = _resident(worker.pid)
        down = f"http://127.0.0.1:{free_port()}/hook"
        register(stage, stage.cast.a, [f"{down}/{n}" for n in range(DUE_ENDPOINTS)])
        key_of = text("SELECT document_key_id FROM partner WHERE handle = :handle")
        with stage.database.engine.connect() as connection:
            key_id = connection.execute(key_of, {"handle": stage.cast.a.handle}).scalar_one()
        for _ in range(DUE_EVENTS // DUE_AT_ONCE):
            with transaction(command_context(stage.database, stage.vault, stage.clock)) as uow:
                for _ in range(DUE_AT_ONCE):
                    uow.record(
                        "freeze.found",
                        {"note": "x" * 300},
                        key=uow.key(key_id),
                        audience=[stage.cast.a.handle],
                        about=About(new_id("frq")),
                    )
                uow.finish()
        highest = 0.0
        for _ in range(10):
            time.sleep(1)
            highest = max(highest, _resident(worker.pid))
        with stage.database.engine.connect() as connection:
            due = connection.execute(text("SELECT COUNT(*) FROM lane")).scalar_one()
        return Figure(
            name="memory_of_worker_with_100000_deliveries_due",
            database=stage.kind,
            value=highest,
            unit="MiB",
            floor=idle,
            ratio=highest / idle,
            more={"due": due, "note": "the floor is the same process idle; the most of ten looks"},
        )


def _resident(pid: int) -> float:
    """Return the memory of a process and its children, what they share once, in MiB."""
    pids, kib = [pid], 0
    while pids:
        each = Path(f"/proc/{pids.pop()}")
        rollup = (each / "smaps_rollup").read_text(encoding="ascii").splitlines()
        kib += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        for task in (each / "task").iterdir():
            pids += map(int, (task / "children").read_text(encoding="ascii").split())
    return kib / 1024

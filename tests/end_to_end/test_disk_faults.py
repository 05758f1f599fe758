"""A full disk, files that nobody may write, a database that takes no changes: under load.

Reading goes on, writing is asked to come back, nothing is half done, and once the fault is over the
service is back without a restart. What needs root or a file system's help is skipped without them.
A full disk of PostgreSQL's own is either an error like these (see `tests/storage/test_database`) or
ends the server, which `test_database_outages` tries.
"""

import array
import errno
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests
from psycopg import sql

from tests.dispatcher.outbox_cast import eventually
from tests.end_to_end.under_load import START_SECONDS, WHOLE, Load, loaded, variables
from tests.postgres import PostgresServer

ROUNDS = 5 if WHOLE else 1
#: Room for a database, its log, and the largest body, without which it would not be ready.
DISK_BYTES = 64 * 2**20
_CHUNK = b"\0" * 2**16
#: Linux's ioctl(2) on the attributes of a file, and the one that lets nobody write: chattr(1) +i.
_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x8008_6601, 0x4008_6602, 0x10

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc"),
]


@dataclass(frozen=True, slots=True)
class Harm:
    """One coordinator, and what is done to where it keeps its database."""

    load: Load
    fault: Callable[[], AbstractContextManager[None]]


@contextmanager
def _small_disk(tmp_path: Path) -> Iterator[Harm]:
    """Mount a small file system for as long as it is needed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    options = f"size={DISK_BYTES},mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)]
    tried = subprocess.run(mount, check=False, capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {tried.stderr}")
    try:
        with loaded(variables(disk)) as load:
            yield Harm(load, partial(_full, disk / "ballast"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607 - as mount was found


@contextmanager
def _full(ballast: Path) -> Iterator[None]:
    try:
        with ballast.open("wb", buffering=0) as file:
            _fill(file.fileno())
        yield
    finally:
        ballast.unlink()


def _fill(descriptor: int) -> None:
    """Write until nothing more fits, not even a single byte."""
    size = len(_CHUNK)
    while size:
        try:
            os.write(descriptor, _CHUNK[:size])
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            size //= 2


def _set_immutable(path: Path, *, is_immutable: bool) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flags = array.array("i", [0])
        fcntl.ioctl(descriptor, _GET_FLAGS, flags, True)  # noqa: FBT003 - its own signature
        flags[0] = flags[0] | _IMMUTABLE if is_immutable else flags[0] & ~_IMMUTABLE
        fcntl.ioctl(descriptor, _SET_FLAGS, flags)
    finally:
        os.close(descriptor)


def _takes_immutable(folder: Path) -> bool:
    """Tell whether files there can be made such that even who has them open writes no more."""
    path = folder / "tried"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _set_immutable(path, is_immutable=True)
        try:
            os.write(descriptor, b"x")
        except OSError:
            return True
        finally:
            _set_immutable(path, is_immutable=False)
    except OSError:
        return False
    finally:
        os.close(descriptor)
        path.unlink()
    return False


@contextmanager
def _files_nobody_may_write(tmp_path: Path) -> Iterator[Harm]:
    """Have the file system refuse every write to files that are open already, as a read-only one.

    A real one cannot be made so behind the back of who writes to it, unless it breaks.
    """
    if not _takes_immutable(tmp_path):
        pytest.skip("needs root and a file system like ext4")
    with loaded(variables(tmp_path)) as load:

        @contextmanager
        def read_only() -> Iterator[None]:
            # The index of the write-ahead log is memory that processes share. Where Linux refuses a
            # write to that, it ends the process (SIGBUS), which is then started anew.
            files = [p for p in tmp_path.glob("*.sqlite3*") if not p.name.endswith("-shm")]
            assert len(files) >= 3
            try:
                for path in files:
                    _set_immutable(path, is_immutable=True)
                yield
            finally:
                for path in files:
                    _set_immutable(path, is_immutable=False)

        yield Harm(load, read_only)


@contextmanager
def _server_that_takes_no_changes(tmp_path: Path, postgres: PostgresServer) -> Iterator[Harm]:
    """Have PostgreSQL answer like a standby, also on the connections that there are."""
    url = postgres.create_database()
    name = sql.Identifier(url.rpartition("/")[2])
    everyone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"

    def switch(word: str) -> None:
        change = "ALTER DATABASE {} SET default_transaction_read_only = {}"
        postgres.execute(sql.SQL(change).format(name, sql.SQL(word)))
        postgres.execute(sql.SQL(everyone).format(sql.Literal(url.rpartition("/")[2])))

    @contextmanager
    def read_only() -> Iterator[None]:
        switch("on")
        try:
            yield
        finally:
            switch("off")

    with loaded(variables(tmp_path, HOLDFAST_DATABASE_URL=url)) as load:
        yield Harm(load, read_only)
    postgres.drop_database(url)


@pytest.fixture(params=["full disk", "files nobody may write", "postgresql"])
def harm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harm]:
    """Each fault with a coordinator of its own."""
    if request.param == "full disk":
        made = _small_disk(tmp_path)
    elif request.param == "files nobody may write":
        made = _files_nobody_may_write(tmp_path)
    else:
        made = _server_that_takes_no_changes(tmp_path, request.getfixturevalue("postgres"))
    with made as found:
        yield found


def _is_asked_to_come_back(answer: requests.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1


def _refusals(load: Load) -> list[int]:
    """Return how often each of those who write was refused."""
    return [len(client.refused) for client in load.clients]


def _more(load: Load, before: list[int]) -> list[int]:
    return [now - then for now, then in zip(_refusals(load), before, strict=True)]


def test_where_nothing_can_be_stored_reading_goes_on_and_all_comes_back_by_itself(
    harm: Harm,
) -> None:
    load = harm.load
    load.start()
    load.goes_on(posts=3)
    processes = [load.coordinator.children(kind) for kind in ("web", "worker")]
    for _ in range(ROUNDS):
        before = _refusals(load)
        with harm.fault():
            # Each of those who write hears it, again and again; then nothing of before goes on.
            eventually(lambda seen=before: min(_more(load, seen)) >= 3, START_SECONDS)  # type: ignore[misc]  # the default binds it
            stored = len(load.accepted)
            seen = load.accepted[-1]
            for path in ("/v1/freeze-requests", f"/v1/freeze-requests/{seen}", "/v1/events"):
                answer = load.clients[0].call("GET", path)
                assert answer.status_code == 200, (path, answer.text)
            assert len(load.accepted) == stored, "something was accepted though it cannot be kept"
            assert requests.get(f"{load.clients[0].origin}/healthz", timeout=15).ok
            # Looked at every few seconds only; `test_serve` and `test_readiness` try it, too.
            if WHOLE:
                eventually(lambda: not load.coordinator.is_ready(), START_SECONDS)
        eventually(lambda seen=stored: len(load.accepted) > seen, START_SECONDS)  # type: ignore[misc]  # the default binds it
        load.goes_on()
        if WHOLE:
            eventually(load.coordinator.is_ready, START_SECONDS)
    load.settle()
    wrong = [answer for answer in load.refused if not _is_asked_to_come_back(answer)]
    assert [(answer.status_code, answer.text) for answer in wrong] == []
    assert [load.coordinator.children(kind) for kind in ("web", "worker")] == processes
    if load.outbox.database.is_sqlite:
        assert load.outbox.value("PRAGMA integrity_check") == "ok"

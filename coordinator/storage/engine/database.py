"""The engine: SQLite (one host) or PostgreSQL (many), each with its safest settings.

SQLite: writers queue on an in-process lock, then on a `flock` beside the database, then take
`BEGIN IMMEDIATE`; SQLite's own busy time-out is only a backstop, for it is unfair and slow. WAL is
used where the library is free of the WAL-reset bug (3.51.3, 3.50.7, 3.44.6 and later), else a
rollback journal with `synchronous=EXTRA`.

PostgreSQL: `fsync` and `synchronous_commit` must be on. Every round trip counts there, so reading
connections are in autocommit mode (each statement sees what is committed by then, as in the default
isolation anyway), only connections that were idle are pinged when they are taken, and statements
are prepared on the server unless something stands between that lends its connections to others.
"""

import fcntl
import importlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NotRequired, TypedDict

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import Pool, QueuePool

from coordinator.storage.engine import driver


class GivesUp(TypedDict):
    """Parameters of libpq: seconds, but for `tcp_user_timeout`, which is in milliseconds."""

    connect_timeout: int
    keepalives_idle: int
    keepalives_interval: int
    keepalives_count: int
    tcp_user_timeout: int


BUSY_TIMEOUT_MS = 15_000
#: A pooled connection that was idle for longer is pinged before it is used.
IDLE_SECONDS = 1.0
#: A statement is prepared when it comes for the third time; one connection keeps so many.
PREPARE_THRESHOLD = 2
PREPARED_AT_MOST = 300
#: What libpq gives a connection up by if the network drops packets without a word: after some ten
#: seconds, where Linux alone would wait for a quarter of an hour.
GIVES_UP: GivesUp = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: The same on the server's side: whoever was cut off may hold the lock that all others wait for.
_SERVER_GIVES_UP = (
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'"
)
_WAL_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


class UnsafeDatabaseError(Exception):
    """The database would lose what it has confirmed."""


def sqlite_module() -> ModuleType:
    """Return the newest SQLite driver at hand: the `pysqlite3` wheel, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3.dbapi2")


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite is free of the WAL-reset bug of 3.7.0 to 3.51.2."""
    for fixed in _WAL_FIXED:
        if version[:2] == fixed[:2]:
            return version >= fixed
    return version >= _WAL_FIXED[-1]


def _sqlite_journal(module: ModuleType) -> tuple[str, str]:
    version = tuple(int(part) for part in module.sqlite_version.split("."))
    return ("WAL", "FULL") if wal_is_safe(version) else ("DELETE", "EXTRA")


class WriteLock:
    """Lets one writing transaction of a SQLite file in at a time, over threads and processes.

    On PostgreSQL it is open: rows are locked there.
    """

    def __init__(self, lock_file: Path | None) -> None:
        self._file = lock_file
        self._thread_lock = threading.Lock()
        self._descriptor: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock while the block runs.

        Raises:
            OperationalError: If the file cannot be opened or locked, as of any fault of the disk.
        """
        if self._file is None:
            yield
            return
        with self._thread_lock:
            descriptor = self._lock(self._file)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _lock(self, file: Path) -> int:
        try:
            if self._descriptor is None:
                self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise OperationalError(None, None, error) from error
        return self._descriptor


class Database:
    """An engine, with its write lock and its description."""

    def __init__(self, engine: Engine, lock_file: Path | None, description: str) -> None:
        self.engine = engine
        self.write_lock = WriteLock(lock_file)
        self.description = description

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection inside a writing transaction; whoever uses it commits.

        Leaving without a commit rolls back.
        """
        with self.write_lock.held(), self.engine.connect() as connection:
            try:
                yield connection.execution_options(holdfast_writes=True)
            except OperationalError:
                if self.is_sqlite:
                    # Opened while the file could not be written, it would never write again.
                    connection.invalidate()
                raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection in a writing transaction that commits at the end of the block.

        It rolls back if the block raises. Statements that `driver` runs share round trips.
        """
        with self.writing() as connection:
            begun = connection.begin() if self.is_sqlite else driver.pipelined(connection)
            with begun:
                yield connection


class EngineArguments(TypedDict):
    """What `create_engine` is told of a database beside its URL."""

    pool_size: int
    max_overflow: int
    connect_args: dict[str, object]
    module: NotRequired[ModuleType]
    poolclass: NotRequired[type[Pool]]
    isolation_level: NotRequired[Literal["AUTOCOMMIT"]]


def engine_arguments(url: str | URL, *, pool_size: int = 8) -> tuple[URL, EngineArguments]:
    """Return the URL and the arguments that `create_engine` takes for this database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed, {
            "module": sqlite_module(),
            "poolclass": QueuePool,
            "pool_size": pool_size,
            "max_overflow": 4,
            "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        }
    return parsed, {
        "pool_size": pool_size,
        "max_overflow": 4,
        # Writers say BEGIN themselves, see `_prepare_postgres`.
        "isolation_level": "AUTOCOMMIT",
        "connect_args": {
            # Until it is known that no pooler stands between.
            "prepare_threshold": None,
            **GIVES_UP,
            "cursor_factory": driver.WaitingCursor,
        },
    }


def describe(url: str | URL) -> str:
    """Return one line that says which database and which journal is used."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return f"PostgreSQL, database {parsed.database} on {parsed.host}"
    module = sqlite_module()
    journal, synchronous = _sqlite_journal(module)
    return (
        f"SQLite {module.sqlite_version} ({module.__name__.split('.')[0]}), journal {journal}, "
        f"synchronous {synchronous}, file {parsed.database}"
    )


def prepare_engine(engine: Engine) -> Database:
    """Put our settings on `engine` and return it as a `Database`."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
        name = engine.url.database
        lock = Path(f"{name}.lock") if name and name != ":memory:" else None
        return Database(engine, lock, describe(engine.url))
    _prepare_postgres(engine)
    return Database(engine, None, describe(engine.url))


def open_database(url: str | URL, *, pool_size: int = 8) -> Database:
    """Open a database outside of Flask (tools, tests)."""
    parsed, arguments = engine_arguments(url, pool_size=pool_size)
    return prepare_engine(create_engine(parsed, **arguments))


def _running_sum() -> Generator[int, str | None, None]:
    """Take decimal strings and give their sum so far; None adds nothing."""
    total = 0
    while True:
        text = yield total
        if text is not None:
            total += int(text)


def _add_units(module: ModuleType) -> Callable[[Any], None]:
    class SumUnits:
        """Adds decimal strings exactly, for SQLite has no integer above 64 bits.

        `step` resumes a generator, which costs a sixth less than a call of a method.
        """

        __slots__ = ("step", "sums")

        def __init__(self) -> None:
            self.sums = _running_sum()
            next(self.sums)
            self.step = self.sums.send

        def finalize(self) -> str:
            return str(self.sums.send(None))

    del module

    def register(connection: Any) -> None:
        connection.create_aggregate("sum_units", 1, SumUnits)

    return register


def _prepare_sqlite(engine: Engine) -> None:
    module = sqlite_module()
    journal, synchronous = _sqlite_journal(module)
    register_sum = _add_units(module)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: object) -> None:
        del record
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA journal_mode={journal}")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # What is deleted is overwritten where the page is written anyway; see ADR 0064.
        cursor.execute("PRAGMA secure_delete=FAST")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()
        register_sum(connection)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("holdfast_writes", False)
        driver.execute(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgres(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        del record
        if is_direct(connection):
            connection.execute(_SERVER_GIVES_UP)
            connection.prepare_threshold = PREPARE_THRESHOLD
            connection.prepared_max = PREPARED_AT_MOST

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("holdfast_writes", False):
            driver.execute(connection, "BEGIN")

    _ping_idle_connections(engine)


def _ping_idle_connections(engine: Engine) -> None:
    @event.listens_for(engine, "checkin")
    def on_checkin(connection: Any, record: Any) -> None:
        del connection
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, record: Any, proxy: object) -> None:
        del proxy
        since = record.info.get("idle_since")
        if since is None or time.monotonic() - since < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error


def is_direct(connection: "psycopg.Connection[Any]") -> bool:
    """Tell whether a connection leads to one backend for good.

    A pooler that lends backends by the transaction makes up the process id that it greets with;
    statements prepared on one backend are then missing on the next.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.pgconn.backend_pid


@contextmanager
def one_moment(connection: Connection) -> Iterator[None]:
    """Have everything that is read inside the block be of one moment, whatever is committed.

    Args:
        connection: Reads alone. On SQLite it is inside a transaction or begins one, and that is a
            snapshot anyhow.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    driver.execute(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        driver.execute(connection, "ROLLBACK")


def is_deadlock_victim(error: BaseException) -> bool:
    """Tell whether the database ended this transaction to resolve a deadlock or a conflict.

    PostgreSQL's deadlock_detected and serialization_failure; SQLite's writers queue and never meet.
    """
    return _sqlstate(error) in {"40P01", "40001"}


def is_read_only(error: BaseException) -> bool:
    """Tell whether PostgreSQL refuses changes: it is a standby, or set read-only."""
    return _sqlstate(error) == "25006"


def is_unavailable(error: BaseException) -> bool:
    """Tell whether an error says that the database cannot be had, or takes no changes.

    It is away, restarts, has no room, cannot be written to, or all connections are in use: nothing
    that another statement of ours would mend. It may come as the driver's own error, too, where a
    connection is lost while several statements are on their way.
    """
    if isinstance(error, DBAPIError):
        is_lost = error.connection_invalidated or isinstance(error, OperationalError)
        return is_lost or is_read_only(error)
    return isinstance(error, psycopg.OperationalError | PoolTimeoutError)


def _sqlstate(error: BaseException) -> str | None:
    found: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found


def require_durable(database: Database) -> None:
    """Refuse a database that confirms what it has not stored.

    Raises:
        UnsafeDatabaseError: If PostgreSQL runs with fsync or synchronous_commit off.
    """
    if database.is_sqlite:
        return
    with database.engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            value = connection.execute(text(f"SHOW {name}")).scalar_one()
            if value == "off":
                raise UnsafeDatabaseError(
                    f"PostgreSQL runs with {name}=off and would lose confirmed freezes in a crash; "
                    f"set {name}=on"
                )

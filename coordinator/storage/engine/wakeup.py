"""Learning at once that somebody committed, whichever process it was.

SQLite: `PRAGMA data_version` of one connection changes when any other connection commits; it is
asked every few milliseconds. PostgreSQL: LISTEN on a connection of its own (a pooler between would
lose it), and everything is looked at again after each reconnect. A wake-up may come for nothing or
get lost on the way, so whoever waits also looks on a slow poll.
"""

import contextlib
import select
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from coordinator.storage.engine.database import GIVES_UP, Database, sqlite_module

CHANNEL = "holdfast_wakeup"
SQLITE_INTERVAL = timedelta(milliseconds=5)
_RECONNECT_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


class Notifier(Protocol):
    """Wakes whoever waits for commits; called after each commit."""

    def notify(self) -> None:
        """Say that something was committed; returns at once."""
        ...

    def close(self) -> None:
        """Give up what it holds."""
        ...


class SilentNotifier:
    """For SQLite: the commit itself is what watchers see."""

    def notify(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class PostgresNotifier:
    """Sends NOTIFY on an autocommit connection of its own, after the commit, from its own thread.

    Inside the transaction NOTIFY takes a lock over all of them and costs as much as the log's head.
    Calls that come while one is being sent are one.
    """

    def __init__(self, url: str) -> None:
        self._url = libpq_url(url)
        self._wanted = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def notify(self) -> None:
        """Have the channel notified."""
        if self._thread is None:
            self._start()
        self._wanted.set()

    def close(self) -> None:
        """End the thread and its connection, once what was asked for is sent."""
        self._closed = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            self._wanted.wait()
            is_last = self._closed
            self._wanted.clear()
            try:
                if connection is None:
                    connection = psycopg.connect(self._url, autocommit=True, **GIVES_UP)
                connection.execute(f"NOTIFY {CHANNEL}")
            except psycopg.Error:
                # Lost: those who wait look by themselves within a second.
                if connection is not None:
                    connection.close()
                connection = None
            if is_last:
                if connection is not None:
                    connection.close()
                return


def open_notifier(database: Database, url: str = "") -> Notifier:
    """Return the notifier of a database; `url` where it differs from the engine's own."""
    if database.is_sqlite:
        return SilentNotifier()
    return PostgresNotifier(url or database.engine.url.render_as_string(hide_password=False))


def libpq_url(url: str) -> str:
    """Return an SQLAlchemy URL in the form that psycopg takes."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Watcher:
    """One thread a process that counts commits; any number of threads may wait for the next.

    Args:
        database: What is watched.
        listen_url: PostgreSQL only: a direct connection, where the engine goes through a pooler.
        poll: How often PostgreSQL is looked at although nobody notified.
    """

    def __init__(
        self,
        database: Database,
        *,
        listen_url: str = "",
        poll: timedelta = timedelta(seconds=1),
        sqlite_interval: timedelta = SQLITE_INTERVAL,
    ) -> None:
        self._database = database
        self._listen_url = listen_url
        self._poll = poll.total_seconds()
        self._interval = sqlite_interval.total_seconds()
        self._condition = threading.Condition()
        self._generation = 0
        self._callbacks: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def generation(self) -> int:
        """How many wake-ups there were; read it before looking, then wait for another."""
        return self._generation

    @property
    def is_stopped(self) -> bool:
        """Whether waiting is over for good."""
        return self._stop.is_set()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, on the watcher's thread, at each wake-up; it must not block."""
        self._callbacks.append(callback)

    def start(self) -> None:
        """Start watching; a second call does nothing."""
        with self._condition:
            if self._thread is None and not self._stop.is_set():
                run = self._watch_sqlite if self._database.is_sqlite else self._watch_postgres
                self._thread = threading.Thread(target=run, name="watcher", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop watching and wake everybody; later waits return at once."""
        self._stop.set()
        self.wake()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """Wake everybody who waits in this process."""
        with self._condition:
            self._generation += 1
            self._condition.notify_all()
        for callback in self._callbacks:
            callback()

    def wait(self, seen: int, timeout: timedelta) -> int:
        """Wait for a wake-up after generation `seen`, or for `timeout`; returns the count."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._generation != seen or self._stop.is_set(), timeout.total_seconds()
            )
            return self._generation

    def _watch_sqlite(self) -> None:
        path = self._database.engine.url.database
        if not path or path == ":memory:":
            return  # nobody else can open it
        module = sqlite_module()
        connection = module.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
        cursor = connection.cursor()
        seen = None
        try:
            while not self._stop.wait(self._interval):
                try:
                    version = cursor.execute("PRAGMA data_version").fetchone()[0]
                except module.OperationalError:
                    continue  # a writer of a rollback journal holds it alone for a moment
                if version != seen:
                    seen = version
                    self.wake()
        finally:
            connection.close()

    def _watch_postgres(self) -> None:
        url = self._listen_url or self._database.engine.url.render_as_string(hide_password=False)
        failures = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(libpq_url(url), autocommit=True, **GIVES_UP) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    failures = 0
                    # Read before waking: a commit in between would else be taken for seen.
                    seen = self._event_seq()
                    self.wake()  # whatever was committed while nobody listened
                    self._listen(connection, seen)
            except psycopg.Error:
                wait = _RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)]
                failures += 1
                self._stop.wait(wait)

    def _listen(self, connection: psycopg.Connection[Any], seen: int | None) -> None:
        looked_at = time.monotonic()
        while not self._stop.is_set():
            ready, _, _ = select.select([connection.fileno()], [], [], min(self._poll, 0.25))
            if ready:
                # All that has come is one wake-up.
                for _ in connection.notifies(timeout=0):
                    pass
                self.wake()
            if time.monotonic() - looked_at >= self._poll:
                looked_at = time.monotonic()
                present = self._event_seq()
                if present != seen:
                    seen = present
                    self.wake()

    def _event_seq(self) -> int | None:
        with contextlib.suppress(Exception), self._database.engine.connect() as connection:
            return int(
                connection.execute(text("SELECT event_seq FROM log_head WHERE id = 1")).scalar_one()
            )
        return None

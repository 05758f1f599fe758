"""Waking up at commits of others, on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.wakeup import (
    CHANNEL,
    PostgresNotifier,
    Watcher,
    libpq_url,
    open_notifier,
)
from tests.dispatcher.outbox_cast import eventually

LONG = timedelta(seconds=20)
#: So slow that only a notification can have been it.
NEVER = timedelta(hours=1)


@pytest.fixture
def watcher(database: Database) -> Iterator[Watcher]:
    made = Watcher(database, poll=NEVER)
    yield made
    made.stop()


@pytest.fixture
def other(database_url: str) -> Iterator[Database]:
    """The same database, as another process has it."""
    opened = open_database(database_url)
    yield opened
    opened.engine.dispose()


def settle(watcher: Watcher) -> int:
    """Start a watcher and return its count after its first look."""
    watcher.start()
    return watcher.wait(0, LONG)


def commit(database: Database) -> None:
    with database.writing() as connection, connection.begin():
        connection.execute(text("UPDATE log_head SET event_seq = event_seq + 1"))


def test_a_commit_of_another_process_wakes_whoever_waits(
    watcher: Watcher, other: Database, database_url: str
) -> None:
    seen = settle(watcher)
    notifier = open_notifier(other, database_url)
    commit(other)
    notifier.notify()
    assert watcher.wait(seen, LONG) > seen
    notifier.close()


def test_a_wake_up_between_looking_and_waiting_is_not_missed(watcher: Watcher) -> None:
    seen = watcher.generation
    watcher.wake()
    assert watcher.wait(seen, NEVER) == seen + 1


def test_without_a_commit_nobody_is_woken(watcher: Watcher) -> None:
    seen = settle(watcher)
    assert watcher.wait(seen, timedelta(milliseconds=100)) == seen


def test_stopping_wakes_everybody_and_later_waits_return_at_once(watcher: Watcher) -> None:
    seen = settle(watcher)
    returned = threading.Event()

    def wait() -> None:
        watcher.wait(seen, NEVER)
        returned.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    watcher.stop()
    waiting.join(20)
    assert returned.is_set()
    assert watcher.is_stopped
    watcher.wait(watcher.generation, NEVER)


def test_callbacks_are_called_at_each_wake_up(watcher: Watcher) -> None:
    called = threading.Event()
    watcher.subscribe(called.set)
    watcher.wake()
    assert called.is_set()


def test_a_listener_whose_connection_breaks_looks_again(watcher: Watcher, other: Database) -> None:
    if other.is_sqlite:
        pytest.skip("nothing listens on SQLite")
    seen = settle(watcher)
    with other.engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        ).all()
    assert len(ended) == 1
    again = watcher.wait(seen, LONG)
    assert again > seen, "what was committed meanwhile would wait for the slow poll"


def test_the_slow_poll_finds_what_nobody_announced(database: Database, other: Database) -> None:
    if other.is_sqlite:
        pytest.skip("on SQLite the commit is the announcement")
    watcher = Watcher(database, poll=timedelta(milliseconds=50))
    seen = settle(watcher)
    commit(other)
    assert watcher.wait(seen, LONG) > seen
    watcher.stop()


def test_a_notifier_outlives_the_loss_of_its_connection(
    watcher: Watcher, other: Database, database_url: str
) -> None:
    if other.is_sqlite:
        pytest.skip("nobody notifies on SQLite")
    settle(watcher)
    notifier = PostgresNotifier(database_url)
    notifier.notify()

    def find() -> int:
        with other.engine.connect() as connection:
            found = text(
                "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'NOTIFY%'"
            )
            return int(connection.execute(found).scalar_one())

    eventually(lambda: find() == 1)

    def is_heard() -> bool:
        before = watcher.generation
        notifier.notify()
        return watcher.wait(before, timedelta(milliseconds=500)) > before

    eventually(is_heard)
    notifier.close()


def test_closing_a_notifier_sends_what_was_asked_for(
    watcher: Watcher, other: Database, database_url: str
) -> None:
    if other.is_sqlite:
        pytest.skip("nobody notifies on SQLite")
    seen = settle(watcher)
    notifier = PostgresNotifier(database_url)
    notifier.notify()
    notifier.close()
    assert watcher.wait(seen, LONG) > seen


def test_urls_are_given_to_the_driver_without_our_prefix() -> None:
    url = "postgresql+psycopg://user:p%40ss@127.0.0.1:5432/name"
    assert libpq_url(url) == "postgresql://user:p%40ss@127.0.0.1:5432/name"
    assert CHANNEL.isidentifier()

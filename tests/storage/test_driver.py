"""Statements that share round trips: whatever fails is told, and nothing of it stays."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from coordinator.storage.engine import database as database_module
from coordinator.storage.engine import driver
from coordinator.storage.engine.database import Database, is_direct, open_database
from tests.conftest import World


@pytest.fixture
def table(database: Database) -> Database:
    """A database with an empty table `pair`."""
    with database.writing() as connection, connection.begin():
        connection.execute(text("CREATE TABLE pair (a INTEGER PRIMARY KEY, b INTEGER)"))
    return database


@pytest.fixture
def postgres_database(postgres_world: World) -> Iterator[Database]:
    """A database on PostgreSQL."""
    url = postgres_world.copy()
    opened = open_database(url)
    yield opened
    opened.engine.dispose()
    postgres_world.drop(url)


def _insert(connection: Connection, a: int, b: int = 0) -> driver.PendingResult:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    sql = f"INSERT INTO pair (a, b) VALUES ({mark}, {mark})"  # noqa: S608 - marks
    return driver.execute(connection, sql, (a, b))


def _stored(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT a FROM pair ORDER BY a")).scalars())


def _insert_all(database: Database, *numbers: int, wait: bool = False) -> None:
    with database.transaction() as connection:
        sent = [_insert(connection, number, 77_777) for number in numbers]
        if wait:
            sent[-1].changed()


def test_what_nobody_waited_for_is_stored_at_the_end_of_the_block(table: Database) -> None:
    with table.transaction() as connection:
        _insert(connection, 1)
        _insert(connection, 2)
        assert _stored(table) == []
    assert _stored(table) == [1, 2]


def test_a_fault_that_nobody_waited_for_raises_at_the_commit_and_nothing_is_stored(
    table: Database,
) -> None:
    with pytest.raises(IntegrityError):
        _insert_all(table, 1, 1, 2)
    assert _stored(table) == []


def test_a_fault_raises_where_an_answer_is_next_waited_for(table: Database) -> None:
    reached = []

    def act() -> None:
        with table.transaction() as connection:
            _insert(connection, 1)
            _insert(connection, 1)
            connection.execute(text("SELECT 1"))
            reached.append("behind the answer")

    with pytest.raises(IntegrityError):
        act()
    assert reached == []


def test_a_swallowed_fault_never_commits_on_postgresql(postgres_database: Database) -> None:
    with postgres_database.writing() as connection, connection.begin():
        connection.execute(text("CREATE TABLE pair (a INTEGER PRIMARY KEY, b INTEGER)"))

    def act() -> None:
        with postgres_database.transaction() as connection:
            _insert(connection, 1)
            with contextlib.suppress(IntegrityError):
                _insert(connection, 1).changed()

    with pytest.raises(DBAPIError):
        act()
    assert _stored(postgres_database) == []


def test_an_error_of_the_block_itself_comes_out_as_it_is(table: Database) -> None:
    def act() -> None:
        with table.transaction() as connection:
            _insert(connection, 1)
            raise KeyError

    with pytest.raises(KeyError):
        act()
    assert _stored(table) == []


def test_a_pooled_connection_is_whole_again_after_a_fault(table: Database) -> None:
    for number in range(20):
        with pytest.raises(IntegrityError):
            _insert_all(table, number, number)
    _insert_all(table, 1)
    assert _stored(table) == [1]


def test_sqlalchemy_has_its_answer_at_once_in_the_middle_of_the_block(table: Database) -> None:
    with table.transaction() as connection:
        _insert(connection, 1, 7)
        assert connection.execute(text("SELECT b FROM pair")).scalar_one() == 7
        changed = connection.execute(text("UPDATE pair SET b = 8"))
        assert changed.rowcount == 1
        assert _insert(connection, 2).changed() == 1


def test_a_query_shows_what_stood_when_it_was_sent(table: Database) -> None:
    with table.transaction() as connection:
        _insert(connection, 1)
        sent = driver.execute(connection, "SELECT a FROM pair ORDER BY a")
        _insert(connection, 2)
        assert [row[0] for row in sent.rows()] == [1]


def test_an_error_does_not_say_what_the_values_were(table: Database) -> None:
    with pytest.raises(IntegrityError) as refused:
        _insert_all(table, 1, 1, wait=True)
    assert refused.value.params is None


def test_readers_hold_no_transaction_open_on_postgresql(postgres_database: Database) -> None:
    with postgres_database.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        own = connection.connection.driver_connection
        assert isinstance(own, psycopg.Connection)
        assert own.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_statements_are_prepared_only_where_the_backend_is_ones_own(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_database.engine.connect() as connection:
        own = connection.connection.driver_connection
        assert isinstance(own, psycopg.Connection)
        assert own.prepare_threshold == database_module.PREPARE_THRESHOLD
        assert is_direct(own)
    monkeypatch.setattr(database_module, "is_direct", lambda _: False)
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    behind_a_pooler = open_database(url)
    with behind_a_pooler.engine.connect() as connection:
        own = connection.connection.driver_connection
        assert isinstance(own, psycopg.Connection)
        assert own.prepare_threshold is None
    behind_a_pooler.engine.dispose()


@contextmanager
def _ended_by_the_server(database: Database) -> Iterator[None]:
    with database.engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    url = database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    yield


def test_a_connection_that_was_idle_and_is_gone_is_replaced_unnoticed(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "IDLE_SECONDS", 0.0)
    with _ended_by_the_server(postgres_database), postgres_database.engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.parametrize("is_waited_for", [False, True])
def test_what_is_larger_than_the_sockets_buffers_is_sent_whole(
    database: Database, *, is_waited_for: bool
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no socket")
    large = b"x" * 2**25
    with database.engine.connect() as connection:
        driver.execute(connection, "CREATE TEMPORARY TABLE large (body BYTEA)", ())
        connection.commit()
        with driver.pipelined(connection):
            sent = driver.execute(connection, "INSERT INTO large VALUES (%s)", (large,))
            if is_waited_for:
                assert sent.changed() == 1
        stored = driver.execute(connection, "SELECT length(body) FROM large", ()).rows()
    assert [tuple(row) for row in stored] == [(len(large),)]

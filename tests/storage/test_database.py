"""Which journal SQLite is used with, and what is taken for the database being away."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from coordinator.storage.engine.database import (
    WriteLock,
    is_unavailable,
    open_database,
    wal_is_safe,
)


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 7, 0), False),
        *(((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 46, 9), False)),
        *(((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True)),
        *(((3, 52, 0), True), ((4, 0, 0), True)),
    ],
)
def test_wal_is_used_only_where_the_reset_bug_is_mended(
    *, version: tuple[int, ...], is_safe: bool
) -> None:
    assert wal_is_safe(version) is is_safe


def test_a_connection_that_cannot_write_is_not_kept_for_the_next_change(tmp_path: Path) -> None:
    """As one is that was opened while the file system was read-only."""
    database = open_database(f"sqlite:///{tmp_path / 'one.sqlite3'}", pool_size=1)
    with database.writing() as connection, connection.begin():
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
    with database.engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    write = text("INSERT INTO kept VALUES (7)")
    with (
        pytest.raises(OperationalError, match="readonly"),
        database.writing() as connection,
        connection.begin(),
    ):
        connection.execute(write)
    with database.writing() as connection, connection.begin():
        connection.execute(write)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT number FROM kept")).scalars().all() == [7]
    database.engine.dispose()


def test_a_lock_file_that_cannot_be_opened_is_a_fault_of_the_database(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "no such folder" / "lock")
    with pytest.raises(OperationalError, match="No such file") as raised, lock.held():
        raise AssertionError
    assert is_unavailable(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.AdminShutdown,
        psycopg.errors.CannotConnectNow,
        psycopg.errors.ConnectionFailure,
        psycopg.errors.DiskFull,
        psycopg.errors.IoError,
        psycopg.errors.OutOfMemory,
        psycopg.errors.TooManyConnections,
        psycopg.errors.ReadOnlySqlTransaction,
    ],
)
def test_what_postgresql_says_of_itself_is_no_fault_of_a_statement(
    error: type[psycopg.Error],
) -> None:
    wrapped = DBAPIError.instance("SELECT 1", None, error("said"), psycopg.Error)
    assert is_unavailable(wrapped)
    assert not is_unavailable(
        DBAPIError.instance("SELECT 1", None, psycopg.errors.UndefinedTable("x"), psycopg.Error)
    )

"""The driver's own cursor under an SQLAlchemy connection, and PostgreSQL's pipeline.

Running a statement on the driver's cursor costs a fraction of what a result object does. The
transaction stays the connection's: it begins and ends through SQLAlchemy, and errors come wrapped
as SQLAlchemy wraps them.

Inside `pipelined`, PostgreSQL is sent statements without waiting for each answer: several share one
round trip (libpq's pipeline mode). An error then surfaces where an answer is next waited for, at
the latest at the commit; what followed it in the pipeline was skipped by the server, the commit
included. Statements that SQLAlchemy itself runs wait for their answer as ever.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_COMMIT = "COMMIT"
Values = Sequence[Any] | dict[str, Any]


class PipelineCursor(psycopg.Cursor[Any]):
    """A cursor on PostgreSQL that can wait for its answer without reading rows."""

    def wait(self) -> None:
        """Wait until the answer is there."""
        self._fetch_pipeline()


class WaitingCursor(PipelineCursor):
    """SQLAlchemy's cursor on PostgreSQL: has its answer when it returns, pipeline or not."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Run one statement."""
        super().execute(*args, **kwargs)
        self.wait()
        return self

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """Run one statement for many rows."""
        super().executemany(*args, **kwargs)
        self.wait()


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Begin a transaction whose statements share round trips, and commit it after the block.

    It rolls back if the block raises. The commit is the server's word: an answer other than COMMIT,
    as a transaction that failed before would get, raises.

    Raises:
        DBAPIError: If a statement whose answer nobody waited for failed, or the commit did.
    """
    driver = _driver_connection(connection)
    with driver.pipeline() as pipeline, connection.begin():
        try:
            yield
            with _wrapped(connection, _COMMIT):
                cursor = psycopg.Cursor(driver)
                cursor.execute(_COMMIT)
                pipeline.sync()
                _require_committed(cursor.statusmessage)
        except BaseException:
            # What was skipped after a fault says so when it is read: here, so that nothing is left
            # in the pipeline before the rollback.
            with contextlib.suppress(psycopg.Error):
                pipeline.sync()
            raise


def _require_committed(status: str | None) -> None:
    if status != _COMMIT:
        raise psycopg.errors.InFailedSqlTransaction(f"the server answered {status} to COMMIT")


class Sent:
    """A statement that was sent; inside `pipelined` its answer may still be on its way.

    Raises:
        DBAPIError: From each method, if this statement or one sent before it failed.
    """

    __slots__ = ("_connection", "_cursor", "_rows", "_sql")

    def __init__(self, connection: Connection, sql: str, cursor: Any) -> None:
        self._connection, self._sql, self._cursor = connection, sql, cursor
        self._rows: list[Any] | None = None
        if connection.dialect.name == "sqlite" and cursor.description is not None:
            # SQLite would run the rest of a query only after what is written next.
            self._rows = cursor.fetchall()

    def rows(self) -> list[Any]:
        """Return all rows as tuples, having waited for them."""
        if self._rows is None:
            with _wrapped(self._connection, self._sql):
                self._rows = self._cursor.fetchall()
        return self._rows

    def changed(self) -> int:
        """Return how many rows were changed, having waited."""
        if isinstance(self._cursor, PipelineCursor):
            with _wrapped(self._connection, self._sql):
                self._cursor.wait()
        count: int = self._cursor.rowcount
        return count


def execute(connection: Connection, sql: str, values: Values = ()) -> Sent:
    """Run a statement on the driver's cursor, without waiting inside `pipelined`.

    Raises:
        DBAPIError: As SQLAlchemy wraps it, but without the values: a person may have written them.
    """
    with _wrapped(connection, sql):
        cursor = _cursor(connection)
        cursor.execute(sql, values)
        return Sent(connection, sql, cursor)


def execute_many(connection: Connection, sql: str, rows: Sequence[Values]) -> Sent:
    """Run a statement for many rows; else as `execute`."""
    with _wrapped(connection, sql):
        cursor = _cursor(connection)
        cursor.executemany(sql, rows)
        return Sent(connection, sql, cursor)


def _cursor(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        return connection.connection.cursor()
    return PipelineCursor(_driver_connection(connection))


def _driver_connection(connection: Connection) -> "psycopg.Connection[Any]":
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _wrapped(connection: Connection, sql: str) -> Iterator[None]:
    driver = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        raise DBAPIError.instance(
            sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error

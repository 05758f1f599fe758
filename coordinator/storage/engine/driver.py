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
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_COMMIT = "COMMIT"
Values = Sequence[object] | Mapping[str, object]


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
            _commit(connection, driver, pipeline)
        except BaseException:
            # What was skipped after a fault says so when it is read: here, so that nothing is left
            # in the pipeline before the rollback.
            with contextlib.suppress(psycopg.Error):
                pipeline.sync()
            raise


def _commit(
    connection: Connection, driver: "psycopg.Connection[Any]", pipeline: psycopg.Pipeline
) -> None:
    try:
        cursor = send(driver, _COMMIT)
        _flush(driver, pipeline)
        pipeline.sync()
        if cursor.statusmessage != _COMMIT:
            answer = f"the server answered {cursor.statusmessage} to COMMIT"
            raise psycopg.errors.InFailedSqlTransaction(answer)
    except psycopg.Error as error:
        raise _wrapped(connection, _COMMIT, error) from error


def _flush(driver: "psycopg.Connection[Any]", pipeline: psycopg.Pipeline) -> None:
    """Send all that was queued, however large.

    What the socket does not take at once stays with libpq, and psycopg then waits for an answer
    only: the server waits for the rest of a statement of some megabytes, and both for ever.
    """
    driver.wait(pipeline._communicate_gen())  # noqa: SLF001 - there is no public way to flush
    while driver.pgconn.flush():
        readable, _, _ = select.select([driver.fileno()], [driver.fileno()], [])
        if readable:
            driver.pgconn.consume_input()


class PendingResult:
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
            try:
                self._rows = self._cursor.fetchall()
            except _errors(self._connection) as error:
                raise _wrapped(self._connection, self._sql, error) from error
        return self._rows

    def changed(self) -> int:
        """Return how many rows were changed, having waited."""
        if isinstance(self._cursor, PipelineCursor):
            try:
                self._cursor.wait()
            except psycopg.Error as error:
                raise _wrapped(self._connection, self._sql, error) from error
        count: int = self._cursor.rowcount
        return count


def send(
    driver: "psycopg.Connection[Any]", sql: str, values: Values | None = None
) -> "psycopg.Cursor[Any]":
    """Run a statement on a connection of psycopg, without waiting inside its own pipeline."""
    return PipelineCursor(driver).execute(sql, values)


def execute(connection: Connection, sql: str, values: Values = ()) -> PendingResult:
    """Run a statement on the driver's cursor, without waiting inside `pipelined`.

    Raises:
        DBAPIError: As SQLAlchemy wraps it, but without the values: a person may have written them.
    """
    try:
        cursor = _cursor(connection)
        cursor.execute(sql, values)
        return PendingResult(connection, sql, cursor)
    except _errors(connection) as error:
        raise _wrapped(connection, sql, error) from error


def execute_many(connection: Connection, sql: str, rows: Sequence[Values]) -> PendingResult:
    """Run a statement for many rows; else as `execute`."""
    try:
        cursor = _cursor(connection)
        cursor.executemany(sql, rows)
        return PendingResult(connection, sql, cursor)
    except _errors(connection) as error:
        raise _wrapped(connection, sql, error) from error


def _cursor(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        return connection.connection.cursor()
    return PipelineCursor(_driver_connection(connection))


def _driver_connection(connection: Connection) -> "psycopg.Connection[Any]":
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _errors(connection: Connection) -> type[Exception]:
    found: type[Exception] = connection.dialect.loaded_dbapi.Error
    return found


def _wrapped(connection: Connection, sql: str, error: Exception) -> Exception:
    """Return an error as SQLAlchemy wraps it; `sql` is what ran when it surfaced."""
    return DBAPIError.instance(
        sql, None, error, _errors(connection), hide_parameters=True, dialect=connection.dialect
    )

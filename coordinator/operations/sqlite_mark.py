"""Tells a SQLite file that is whole from one that was copied by hand while it was in use.

What was confirmed last lies in the write-ahead log beside the file until SQLite moves it over. A
copy of the file alone is a database in good order, of some minutes ago, and nothing in it says so.
So whoever serves writes a random number into the file's header (`PRAGMA user_version`) and into
`<file>.in-use` beside it; whoever leaves last clears both, once everything is in the file. A file
whose number is not the one beside it was copied while it was in use.

After a crash both stay, and so does the write-ahead log: nothing is missing then.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from coordinator.storage.engine.database import Database

_log = structlog.get_logger(__name__)
#: `user_version` is a signed number of 32 bits.
_MOST = 2**31 - 1


def is_whole(database: Database) -> bool:
    """Tell whether a database is no copy that lacks what was confirmed last.

    PostgreSQL's files are its own business.
    """
    path = database_file(database)
    if path is None:
        return True
    with database.engine.connect() as connection:
        mark = _mark(connection)
    return mark == 0 or mark == _noted(_beside(path))


def database_file(database: Database) -> Path | None:
    """Return the path of a SQLite database; None for PostgreSQL."""
    return Path(database.engine.url.database or "") if database.is_sqlite else None


def clear(database: Database) -> None:
    """Say that the file is whole by itself, and that nobody uses it."""
    path = database_file(database)
    if path is None:
        return
    _store(database, 0)
    _beside(path).unlink(missing_ok=True)


@contextmanager
def marked(database: Database) -> Iterator[None]:
    """Mark a database as in use while the block runs; the last of all users clears the mark."""
    path = database_file(database)
    if path is None:
        yield
        return
    beside = _beside(path)
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _mark_as_used(database, beside)
        try:
            yield
        finally:
            _leave(database, descriptor)
    finally:
        os.close(descriptor)


def _mark_as_used(database: Database, beside: Path) -> None:
    with database.writing() as connection, connection.begin():
        if _mark(connection) == 0:
            number = 1 + secrets.randbelow(_MOST)
            # Beside first: a number in the file alone would look like a copy.
            _note(beside, number)
            _set(connection, number)
    _checkpoint(database)


def _leave(database: Database, descriptor: int) -> None:
    """Clear the mark, unless somebody else uses the database or it does not answer."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _store(database, 0)
    except BlockingIOError:
        return
    except SQLAlchemyError as error:
        # It stays in both places, as after a crash.
        _log.warning("mark_not_cleared", reason=str(getattr(error, "orig", error)))
        return
    os.ftruncate(descriptor, 0)


def _store(database: Database, number: int) -> None:
    with database.writing() as connection, connection.begin():
        _set(connection, number)
    _checkpoint(database)


def _checkpoint(database: Database) -> None:
    """Move everything from the write-ahead log into the file, as far as readers allow."""
    connection = database.engine.raw_connection()  # outside of any transaction
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _mark(connection: Connection) -> int:
    return int(connection.execute(text("PRAGMA user_version")).scalar_one())


def _set(connection: Connection, number: int) -> None:
    connection.execute(text(f"PRAGMA user_version = {number}"))


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.in-use")


def _note(beside: Path, number: int) -> None:
    descriptor = os.open(beside, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(str(number))
        file.flush()
        os.fsync(file.fileno())


def _noted(beside: Path) -> int | None:
    try:
        return int(beside.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

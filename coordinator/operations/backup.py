"""Backups: one consistent copy of the database, verified, and the keys in another place.

A backup is a folder with the database and a manifest; the manifest is written last. It is made
while the coordinator serves: SQLite copies what one reading transaction sees (`VACUUM INTO`, so
that nothing erased is copied along), and `pg_dump` works on a snapshot that we read the log's size
in. The keys never lie beside the database: whoever has both reads everything.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError

from coordinator.key_files import copied, read_keys
from coordinator.operations import sqlite_mark
from coordinator.operations.manifest import (
    LogSize,
    Manifest,
    file_digest,
    key_digests,
    sync,
    write_private,
)
from coordinator.operations.postgres_programs import find_program, run_program, without_password
from coordinator.operations.preparation import (
    PreparationError,
    open_migrated,
    require_own_keys,
    require_whole,
)
from coordinator.settings import Settings, clock_of
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, open_database
from holdfast.protocol.payloads import format_time

SQLITE_FILE = "holdfast.sqlite3"
POSTGRES_FILE = "holdfast.pgdump"
_COMPACT_TIME = "%Y%m%dT%H%M%SZ"
#: Behind the name of a folder that is not complete.
_PARTIAL = ".partial"


def back_up(settings: Settings, parent: Path) -> tuple[Path, Manifest]:
    """Write a verified backup of the database into a new folder below `parent`.

    Returns:
        The folder, and what its manifest says.

    Raises:
        KeyFileError: If a key file is missing or open to others.
        PreparationError: If it cannot be written, is not whole, or the keys are another's.
    """
    database = open_migrated(settings)
    try:
        require_whole(database)
        require_own_keys(database, read_keys(settings.keys_dir).vault, settings)
        now = clock_of(settings).now()
        name = f"holdfast-{now.strftime(_COMPACT_TIME)}"
        with _new_folder(parent, name) as folder:
            manifest = _write(settings, database, folder, now)
    finally:
        database.engine.dispose()
    return parent / name, manifest


def _write(settings: Settings, database: Database, folder: Path, now: datetime) -> Manifest:
    if database.is_sqlite:
        copy = folder / SQLITE_FILE
        log = _copy_sqlite(database, copy)
    else:
        copy = folder / POSTGRES_FILE
        log = _dump_postgres(settings, database, copy)
    sync(copy)
    manifest = Manifest(
        made_at=format_time(now),
        release=version("holdfast-coordinator"),
        backend=database.engine.dialect.name,
        file=copy.name,
        file_bytes=copy.stat().st_size,
        sha256=file_digest(copy),
        revision=schema.current_revision(database) or "",
        log=log,
        keys=key_digests(settings.keys_dir),
    )
    manifest.write(folder)
    return manifest


def back_up_keys(settings: Settings, folder: Path, database_parent: Path | None) -> bool:
    """Copy the keys into `folder`, mode 0600; False if the same ones are there already.

    Args:
        settings: Of the coordinator.
        folder: Where to; made if it is not there.
        database_parent: Where the database goes in the same run, which must be another place.

    Raises:
        KeyFileError: If the coordinator's own keys are not in order.
        PreparationError: If the places are one, other keys are there, or it cannot be written.
    """
    read_keys(settings.keys_dir)
    for other in (settings.data_dir, *([database_parent] if database_parent else [])):
        require_apart(folder, other)
    names = copied(settings.keys_dir)
    own = {name: (settings.keys_dir / name).read_bytes() for name in names}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        present = {name: (folder / name).read_bytes() for name in own if (folder / name).exists()}
        different = [name for name, content in present.items() if content != own[name]]
        if different:
            raise PreparationError(
                f"{folder / different[0]} is another key than this coordinator's and is not "
                "overwritten; name another folder"
            )
        for name in sorted(own.keys() - present.keys()):
            write_private(folder / name, own[name])
        sync(folder)
    except OSError as error:
        raise PreparationError(_not_written(folder, error)) from None
    return present.keys() != own.keys()


def require_apart(keys: Path, database: Path) -> None:
    """Refuse keys and database in one place, or one within the other.

    Raises:
        PreparationError: Saying why.
    """
    one, other = keys.resolve(), database.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise PreparationError(
            f"the keys may not be copied to {keys}, for {database} holds the database: whoever "
            "finds both reads everything. Name a folder on another medium"
        )


def verify_sqlite(path: Path) -> LogSize:
    """Examine a copy of a SQLite database and mark it as whole; return its log's size.

    Raises:
        PreparationError: If SQLite finds a fault in it.
    """
    copy = open_database(f"sqlite:///{path}", pool_size=1)
    try:
        with copy.engine.connect() as connection:
            faults = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            log = LogSize.read(connection)
        if faults != ["ok"] or orphans:
            said = "; ".join(faults) if faults != ["ok"] else f"{len(orphans)} rows without parent"
            raise PreparationError(f"{path} is damaged: {said}; take an earlier backup")
        sqlite_mark.clear(copy)
        fold_into_one_file(copy)
    except DatabaseError as error:
        raise PreparationError(f"{path} cannot be read: {error.orig}; take another") from None
    finally:
        copy.engine.dispose()
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    return log


def fold_into_one_file(copy: Database) -> None:
    """Have a SQLite database hold all that lies in its write-ahead log."""
    connection = copy.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = DELETE").fetchall()
    finally:
        connection.close()


def _copy_sqlite(database: Database, copy: Path) -> LogSize:
    source = database.engine.raw_connection()
    try:
        cursor = source.cursor()
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        # With a rollback journal a reader keeps writers out; they wait better on our lock.
        with nullcontext() if journal == "wal" else database.write_lock.held():
            copy.touch(mode=0o600)
            cursor.execute("VACUUM INTO ?", [str(copy)])
    finally:
        source.close()
    return verify_sqlite(copy)


def _dump_postgres(settings: Settings, database: Database, copy: Path) -> LogSize:
    url = direct_url(settings)
    program = find_program("pg_dump", server_version(database))
    reader = find_program("pg_restore", server_version(database))
    with psycopg.connect(_libpq(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
        head = connection.execute("SELECT leaf_count, event_seq FROM log_head").fetchone()
        if snapshot is None or head is None:
            raise PreparationError("the log has no head; see `holdfast-coordinator check`")
        copy.touch(mode=0o600)
        options = ["--format=custom", "--no-owner", "--no-privileges"]
        where = [f"--snapshot={snapshot[0]}", f"--file={copy}", without_password(url)]
        run_program(program, [*options, *where], url)
    # Reads every row of it.
    run_program(reader, [f"--file={os.devnull}", str(copy)], url)
    return LogSize(*head)


def server_version(database: Database) -> int:
    """Return PostgreSQL's major version."""
    with database.engine.connect() as connection:
        number = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    return int(number) // 10_000


def direct_url(settings: Settings) -> URL:
    """Return the URL of a direct connection: programs of PostgreSQL need a session of their own."""
    return make_url(settings.database_listen_url or settings.resolved_database_url)


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def _new_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a folder that gets its name when all is in it, and is removed when that fails."""
    folder = parent / f"{name}{_PARTIAL}"
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (parent / name).exists():
            raise PreparationError(f"{parent / name} is there already; try again in a second")
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise PreparationError(_not_written(folder, error)) from None
    try:
        yield folder
        sync(folder)
        folder.rename(parent / name)
        sync(parent)
    except OSError as error:
        raise PreparationError(_not_written(folder, error)) from None
    except DatabaseError as error:
        raise PreparationError(f"{folder} cannot be written: {error.orig}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _not_written(place: Path, error: OSError) -> str:
    return f"{error.filename or place} cannot be written: {error.strerror}; name another folder"

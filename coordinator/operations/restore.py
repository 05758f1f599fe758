"""Restoring a backup where no coordinator is yet, and seeing that it is what was backed up.

A restored database cannot know that it is old, so it is marked before it has its name: it is read
alone until `holdfast-coordinator reconcile`.
"""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text

from coordinator.key_files import (
    KEY_NAMES,
    LOG_KEY,
    NEEDED_KEYS,
    OLD_WEBHOOK_KEY,
    OLD_WRAPPING_KEY,
    RETIRED_KEYS,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    copied,
    read_keys,
)
from coordinator.operations.backup import (
    direct_url,
    fold_into_one_file,
    server_version,
    verify_sqlite,
)
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
    UNFINISHED_RESTORE,
    PreparationError,
    open_settings_database,
    require_document_key,
    require_own_keys,
    upgrade,
)
from coordinator.settings import Settings, clock_of
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.tail import restored

_OF_WEBHOOKS = frozenset({WEBHOOK_KEY, OLD_WEBHOOK_KEY, RETIRED_KEYS})
_TO_OPEN = frozenset({WRAPPING_KEY, OLD_WRAPPING_KEY})


def restore(
    settings: Settings, source: Path, keys: Path | None, *, other_webhook_key: bool = False
) -> Manifest:
    """Restore a backup into the place that the settings name, where nothing may be yet.

    Args:
        settings: Of the coordinator to be.
        source: The backup's folder.
        keys: Where its keys lie; None: they are in the data folder already.
        other_webhook_key: The key that signs webhooks may be another than when it was made.

    Returns:
        What the backup's manifest says; the restored database says the same.

    Raises:
        KeyFileError: If a key file is open to others or malformed.
        PreparationError: If anything is there already, or is not what was backed up.
    """
    manifest = Manifest.read(source)
    copy = source / manifest.file
    _require_unchanged(copy, manifest)
    replaced = _OF_WEBHOOKS if other_webhook_key else frozenset()
    _require_keys(settings, keys or settings.keys_dir, manifest, replaced)
    database = open_settings_database(settings)
    try:
        if database.engine.dialect.name != manifest.backend:
            raise PreparationError(
                f"{source} is of {manifest.backend}, and HOLDFAST_DATABASE_URL names "
                f"{database.engine.dialect.name}; a backup is restored into its own kind"
            )
        if database.is_sqlite:
            _place_sqlite(settings, copy)
        else:
            _restore_postgres(settings, database, copy)
            _mark(database, clock_of(settings).now())
        _place_keys(settings, keys)
        require_own_keys(database, read_keys(settings.keys_dir).vault, settings)
        require_document_key(settings)
        with database.engine.connect() as connection:
            log = LogSize.read(connection)
    finally:
        database.engine.dispose()
    if log != manifest.log:
        raise PreparationError(
            f"{log.leaves} leaves and {log.events} events were restored, but {source} says "
            f"{manifest.log.leaves} and {manifest.log.events}; take another backup"
        )
    return manifest


def adopt_copy(settings: Settings, file: Path, keys: Path | None) -> LogSize:
    """Go on with a SQLite file that was copied by hand, whatever it lacks.

    Args:
        settings: Of the coordinator to be.
        file: The copy.
        keys: Where its keys lie; None: they are in the data folder already.

    Returns:
        How far its log reaches.

    Raises:
        KeyFileError: If a key file is missing, open to others or malformed.
        PreparationError: If it is damaged, or something is in its place already.
    """
    if not file.is_file():
        raise PreparationError(f"{file} is no file; name the copied database itself")
    database = open_settings_database(settings)
    try:
        if not database.is_sqlite:
            raise PreparationError("only a SQLite file is copied; unset HOLDFAST_DATABASE_URL")
        log = _place_sqlite(settings, file)
        _place_keys(settings, keys)
        require_own_keys(database, read_keys(settings.keys_dir).vault, settings)
        require_document_key(settings)
    finally:
        database.engine.dispose()
    return log


def _require_unchanged(copy: Path, manifest: Manifest) -> None:
    try:
        is_same = copy.stat().st_size == manifest.file_bytes and (
            file_digest(copy) == manifest.sha256
        )
    except OSError as error:
        raise PreparationError(f"{copy} cannot be read: {error.strerror}") from None
    if not is_same:
        raise PreparationError(
            f"{copy} is not the file that was backed up: it was cut or changed since; take another "
            "backup"
        )


def _require_keys(
    settings: Settings, folder: Path, manifest: Manifest, replaced: frozenset[str]
) -> None:
    if not folder.is_dir():
        raise PreparationError(
            f"there are no keys in {folder}: name the folder that holds this coordinator's keys "
            "with --keys; without them nothing that it stored can be read"
        )
    present = key_digests(folder)
    # A backup from before there was a log key names none; whatever lies there is not of it.
    expected = manifest.keys if LOG_KEY in manifest.keys else {**present, **manifest.keys}
    wrong = [name for name in KEY_NAMES if present.get(name) != expected.get(name)]
    if _of_documents(expected) <= _of_documents(present):
        # Wrapped anew since, or not yet: all that opens its documents is there.
        wrong = [name for name in wrong if name not in _TO_OPEN]
    refused = [
        name
        for name in wrong
        if name not in replaced or (name in NEEDED_KEYS and name not in present)
    ]
    if refused:
        also = "; if it was replaced since, --other-webhook-key takes it as it is"
        raise PreparationError(
            f"{', '.join(str(folder / name) for name in refused)}: not of the coordinator that was "
            "backed up; name the folder of its keys with --keys"
            + (also if refused == [WEBHOOK_KEY] and WEBHOOK_KEY in present else "")
        )
    if folder != settings.keys_dir and settings.keys_dir.exists():
        there = [name for name in KEY_NAMES if (settings.keys_dir / name).exists()]
        if there and key_digests(settings.keys_dir) != present:
            raise PreparationError(
                f"{settings.keys_dir} holds other keys, which are not overwritten; restore into an "
                "empty HOLDFAST_DATA_DIR"
            )


def _of_documents(digests: Mapping[str, str]) -> set[str]:
    return {digest for name, digest in digests.items() if name in _TO_OPEN}


def _place_sqlite(settings: Settings, copy: Path) -> LogSize:
    target = Path(settings.resolved_database_url.removeprefix("sqlite:///"))
    there = [p for p in (target, *_companions(target)) if p.exists()]
    if there:
        raise PreparationError(
            f"{there[0]} is there already and is not overwritten; move it away, or restore into "
            "another HOLDFAST_DATA_DIR"
        )
    partial = target.with_name(f"{target.name}.partial")
    try:
        shutil.copyfile(copy, partial)
        partial.chmod(0o600)
        log_file = copy.with_name(f"{copy.name}-wal")
        if log_file.exists():  # of a copy by hand: what came last is in it
            shutil.copyfile(log_file, partial.with_name(f"{partial.name}-wal"))
        log = verify_sqlite(partial)
        _mark_file(partial, clock_of(settings).now())
        sync(partial)
        partial.rename(target)
        sync(target.parent)
    except OSError as error:
        raise PreparationError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        for path in (partial, *_companions(partial)):
            path.unlink(missing_ok=True)
    return log


def _mark_file(path: Path, now: datetime) -> None:
    """Mark a SQLite database that has its name not yet."""
    database = open_database(f"sqlite:///{path}", pool_size=1)
    try:
        _mark(database, now)
        fold_into_one_file(database)
    finally:
        database.engine.dispose()
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)


def _mark(database: Database, now: datetime) -> None:
    """Have a restored database be read alone; that of an earlier release is migrated first."""
    upgrade(database)
    with database.writing() as connection, connection.begin():
        restored.mark(connection, now)
        connection.execute(text(f"DROP TABLE IF EXISTS {UNFINISHED_RESTORE}"))


def _companions(path: Path) -> list[Path]:
    """Return what SQLite keeps beside a database file."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


def _restore_postgres(settings: Settings, database: Database, copy: Path) -> None:
    tables = inspect(database.engine).get_table_names()
    if tables:
        raise PreparationError(
            f"the database at HOLDFAST_DATABASE_URL is not empty ({len(tables)} tables): make a "
            "new one with `createdb`, and name that"
        )
    url = direct_url(settings)
    program = find_program("pg_restore", server_version(database))
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _execute(database, f"CREATE TABLE {UNFINISHED_RESTORE} (id INTEGER)")
    try:
        run_program(program, [*options, f"--dbname={without_password(url)}", str(copy)], url)
    except PreparationError:
        # Nothing of it was restored: the database is as empty as it was.
        _execute(database, f"DROP TABLE {UNFINISHED_RESTORE}")
        raise


def _execute(database: Database, statement: str) -> None:
    with database.writing() as connection, connection.begin():
        connection.execute(text(statement))


def _place_keys(settings: Settings, keys: Path | None) -> None:
    if keys is None or keys.resolve() == settings.keys_dir.resolve():
        return
    try:
        settings.keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in copied(keys):
            if not (settings.keys_dir / name).exists():
                write_private(settings.keys_dir / name, (keys / name).read_bytes())
        sync(settings.keys_dir)
    except OSError as error:
        where = error.filename or os.fspath(settings.keys_dir)
        raise PreparationError(f"{where} cannot be written: {error.strerror}") from None

"""What must hold before anything starts: keys exist; the database is durable, migrated, ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine import make_url

from coordinator.key_files import (
    CoordinatorKeys,
    make_document_key,
    make_keys,
    make_log_key,
    present_keys,
    read_document_key,
    read_keys,
)
from coordinator.operations import sqlite_mark
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, clock_of
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, open_database, require_durable
from coordinator.storage.engine.documents import DESTROYED, UnreadableDocumentError, Vault
from coordinator.storage.tables.documents import DocumentKeyRow
from coordinator.storage.tail import restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.signer import LogSigner, Signed, SignerError
from holdfast.protocol.checkpoint import parse_checkpoint
from holdfast.protocol.errors import LogError
from holdfast.protocol.signed_note import parse_note

_log = structlog.get_logger(__name__)

#: A table that is there while PostgreSQL restores, until the database is marked.
UNFINISHED_RESTORE = "restore_unfinished"
#: The first revision of the database with a signed log.
_SIGNED_SINCE = "0007"


class PreparationError(Exception):
    """The coordinator cannot start; the message says why and what to do."""


def open_settings_database(settings: Settings, *, pool_size: int = 2) -> Database:
    """Return the database that the settings name, outside of Flask.

    Raises:
        PreparationError: If the data folder cannot be made.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PreparationError(
            f"cannot make {settings.data_dir}: {error.strerror}; choose another HOLDFAST_DATA_DIR"
        ) from None
    return open_database(settings.resolved_database_url, pool_size=pool_size)


def prepare(settings: Settings) -> CoordinatorKeys:
    """Make keys for a fresh database, migrate it, and see that keys and database belong together.

    Raises:
        KeyFileError: If the keys of a database that was used before are missing or open to others.
        PreparationError: If the keys are another coordinator's, or the database is too new.
        UnsafeDatabaseError: If the database would lose what it has confirmed.
    """
    require_lists(settings)
    database = open_settings_database(settings)
    try:
        require_durable(database)
        require_whole(database)
        require_restored(database)
        present = schema.current_revision(database)
        if present is None and not present_keys(settings.keys_dir):
            make_keys(settings.keys_dir)
        read_keys(settings.keys_dir)
        require_document_key(settings)
        keys = read_keys(settings.keys_dir)
        if keys.log is None and present is not None and present < _SIGNED_SINCE:
            # This log was never signed, so no key of it can have been lost.
            make_log_key(settings.keys_dir)
            keys = read_keys(settings.keys_dir)
        signer = keys.log_signer(settings.origin, settings.log_signer_socket)
        upgrade(database)
        require_own_keys(database, keys.vault, settings)
        require_own_log_key(database, signer)
        mark_if_behind(database, signer, clock_of(settings).now())
    finally:
        database.engine.dispose()
    return keys


def require_document_key(settings: Settings) -> None:
    """Make the key that signs documents where there is none, and say so: members compare it."""
    host = urlsplit(settings.origin).hostname or "localhost"
    if make_document_key(settings.keys_dir, host, clock_of(settings).now()):
        made = read_document_key(settings.keys_dir)
        _log.debug("document_key_made", certificate_sha256=made.fingerprint)


def upgrade(database: Database) -> None:
    """Migrate; a database of a later release is refused.

    Raises:
        PreparationError: If this code does not know the database's revision.
    """
    present = schema.current_revision(database)
    if present is not None and not schema.is_known(present):
        raise PreparationError(
            f"the database is at revision {present}, which this release does not know; "
            "start the release that migrated it, or a later one"
        )
    schema.upgrade(database)


def require_migrated(database: Database) -> None:
    """Refuse a database that is not as new as this code; a newer one is served, too.

    Raises:
        PreparationError: Saying how to migrate.
    """
    present = schema.current_revision(database)
    if present is None or (present != schema.newest_revision() and schema.is_known(present)):
        raise PreparationError(
            f"the database is at revision {present}, and this release needs "
            f"{schema.newest_revision()}; run `holdfast-coordinator migrate` first"
        )


def open_present_database(settings: Settings, *, pool_size: int = 2) -> Database:
    """Return the database that the settings name, without making one.

    Raises:
        PreparationError: Saying where was looked, and how to make one.
    """
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise PreparationError(
            f"there is no database at {url.database}: set HOLDFAST_DATA_DIR to the coordinator's "
            "data folder (or HOLDFAST_DATABASE_URL), or make a new one with "
            "`holdfast-coordinator migrate`"
        )
    return open_database(url, pool_size=pool_size)


def open_migrated(settings: Settings) -> Database:
    """Return the database for a command that needs its tables.

    Raises:
        PreparationError: If it is not there, or not migrated.
    """
    database = open_present_database(settings)
    try:
        require_migrated(database)
    except PreparationError:
        database.engine.dispose()
        raise
    return database


def require_ready(settings: Settings) -> None:
    """Refuse to start web or worker alone before everything is prepared.

    Raises:
        KeyFileError: If a key is missing or open to others.
        PreparationError: If the database is not there or not migrated, or the keys are another's.
        UnsafeDatabaseError: If the database would lose what it has confirmed.
    """
    require_lists(settings)
    database = open_present_database(settings, pool_size=1)
    try:
        require_durable(database)
        require_whole(database)
        require_restored(database)
        require_migrated(database)
        keys = read_keys(settings.keys_dir)
        keys.document_key()
        signer = keys.log_signer(settings.origin, settings.log_signer_socket)
        require_own_keys(database, keys.vault, settings)
        require_own_log_key(database, signer)
        mark_if_behind(database, signer, clock_of(settings).now())
    finally:
        database.engine.dispose()


def require_lists(settings: Settings) -> None:
    """Refuse lists of the operator that cannot be read, before processes are started that do.

    Raises:
        SettingsError: Naming each.
    """
    if settings.service_wallets_file is not None:
        # With the application behind it; who has no list does not wait for it.
        from coordinator.app import service_wallets  # noqa: PLC0415

        service_wallets(settings, read_rulebook().chains)
    if settings.log_policy_file is not None:
        from coordinator.app import read_log_policy  # noqa: PLC0415

        read_log_policy(settings)
    if settings.timestamp_authority_roots is not None:
        from coordinator.app import timestamp_authority  # noqa: PLC0415 - as above

        timestamp_authority(settings)


def require_whole(database: Database) -> None:
    """Refuse a SQLite file that was copied while it was in use: what was confirmed last is missing.

    Raises:
        PreparationError: Saying what to take instead.
    """
    if not sqlite_mark.is_whole(database):
        path = sqlite_mark.database_file(database)
        raise PreparationError(
            f"{path} was copied while a coordinator used it, without what lay beside it: what was "
            "confirmed last is missing. Restore a backup (`holdfast-coordinator backup` makes "
            "one), or copy the whole folder again while nothing runs. If this file is all that is "
            "left, `holdfast-coordinator restore --help` tells how to go on with it"
        )


def require_restored(database: Database) -> None:
    """Refuse a database whose restore was interrupted: nothing says in it that it is old.

    Raises:
        PreparationError: Saying what to do.
    """
    if not database.is_sqlite and inspect(database.engine).has_table(UNFINISHED_RESTORE):
        raise PreparationError(
            "the restore of this database was not finished: make a new one with `createdb`, name "
            "that in HOLDFAST_DATABASE_URL, and restore again"
        )


@contextmanager
def marked_in_use(settings: Settings) -> Iterator[None]:
    """Mark the database as in use while the block runs; see `sqlite_mark`."""
    database = open_settings_database(settings, pool_size=1)
    try:
        with sqlite_mark.marked(database):
            # Between the first and the last moment nobody needs a connection.
            database.engine.dispose()
            yield
    finally:
        database.engine.dispose()


def require_own_keys(database: Database, vault: Vault, settings: Settings) -> None:
    """Refuse to run with another coordinator's keys: what is sealed could not be opened.

    Raises:
        PreparationError: If the newest data key does not unwrap.
    """
    newest = (
        select(DocumentKeyRow.id, DocumentKeyRow.wrapped)
        .where(DocumentKeyRow.wrapped != DESTROYED)
        .order_by(DocumentKeyRow.id.desc())
        .limit(1)
    )
    with database.engine.connect() as connection:
        found = connection.execute(newest).one_or_none()
    if found is None:
        return
    try:
        vault.unwrap(*found)
    except UnreadableDocumentError:
        raise PreparationError(
            f"the keys in {settings.keys_dir} are not those that this database was sealed with; "
            "restore the right ones from the backup"
        ) from None


def require_own_log_key(database: Database, signer: LogSigner) -> None:
    """Refuse to sign the log with another key than before: members keep that one.

    A signer that does not answer yet is asked with the first commit.

    Raises:
        PreparationError: If the newest checkpoint of this log does not verify under the key.
    """
    with database.engine.connect() as connection:
        size = log_store.tree_size(connection)
        encoded = log_store.checkpoint_at(connection, size) if size else None
    if encoded is None:
        return
    try:
        verifier = signer.verifier
    except SignerError:
        return
    try:
        note = parse_note(encoded)
        # Under another origin it is another log, which may have another key.
        if parse_checkpoint(note).origin == verifier.name:
            note.require_signed(verifier)
    except LogError:
        raise PreparationError(
            f"the key {verifier} is not the one that signed this log so far, and members refuse "
            "another; restore the right log-signing.pem from its copy"
        ) from None


def mark_if_behind(database: Database, signer: LogSigner, now: datetime) -> None:
    """Have a database be read alone that is older than what was signed: somebody rolled it back.

    Nobody said `restore` of it, yet what keeps count of the signatures knows more. A signer that
    does not answer yet is asked with the first commit.

    Args:
        database: Migrated.
        signer: Of the log.
        now: The time.
    """
    try:
        signed = signer.remembered()
    except SignerError:
        return
    if signed is None:
        return
    with database.engine.connect() as connection:
        is_behind = _is_behind(connection, signed)
    if not is_behind:
        return
    with database.writing() as connection, connection.begin():
        is_new = restored.mark(connection, now)
    if is_new:
        _log.error(
            "read_only",
            signed=signed.committed.size,
            advice="this database is older than what was signed, or another: nothing is changed and"
            " nothing is sent until `holdfast-coordinator reconcile`",
        )


def _is_behind(connection: Connection, signed: Signed) -> bool:
    """Tell whether the log lacks what was committed, or has something else in its place."""
    tree = log_store.tree_at(connection, signed.committed.size)
    return tree is None or tree != signed.committed.root

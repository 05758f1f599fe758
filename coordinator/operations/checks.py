"""`check`: whether database, keys and log are in order."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from coordinator.app import service_wallets
from coordinator.key_files import KeyFileError, read_keys
from coordinator.operations.preparation import (
    PreparationError,
    open_present_database,
    require_own_keys,
)
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, SettingsError
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, UnsafeDatabaseError, require_durable
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and its result."""

    name: str
    is_good: bool
    detail: str


def run_checks(settings: Settings) -> list[Finding]:
    """Run every check; nothing is changed."""
    database = open_present_database(settings)
    try:
        return list(_checks(settings, database))
    finally:
        database.engine.dispose()


def _checks(settings: Settings, database: Database) -> Iterator[Finding]:
    yield Finding("database", is_good=True, detail=database.description)
    try:
        require_durable(database)
        yield Finding("durability", is_good=True, detail="what is confirmed is on disk")
    except UnsafeDatabaseError as error:
        yield Finding("durability", is_good=False, detail=str(error))
    yield from _service_wallets(settings)
    present, newest = schema.current_revision(database), schema.newest_revision()
    detail = f"revision {present}, newest {newest}"
    if present != newest:
        detail += "; `holdfast-coordinator migrate` makes the schema"
    yield Finding("schema", is_good=present == newest, detail=detail)
    yield from _keys(settings, database, is_migrated=present is not None)
    if present is not None:
        yield _log_head(database)


def _keys(settings: Settings, database: Database, *, is_migrated: bool) -> Iterator[Finding]:
    folder = settings.keys_dir
    if folder.exists():
        mode = stat.S_IMODE(folder.stat().st_mode)
        is_own = not mode & (stat.S_IRWXG | stat.S_IRWXO)
        detail = f"{folder} is {mode:o}" + ("" if is_own else "; chmod 700 it")
        yield Finding("keys folder", is_good=is_own, detail=detail)
    try:
        keys = read_keys(folder)
        if is_migrated:
            require_own_keys(database, keys.vault, settings)
        detail = f"open the database; webhook key {keys.webhook.kid}"
        yield Finding("keys", is_good=True, detail=detail)
    except (KeyFileError, PreparationError) as error:
        yield Finding("keys", is_good=False, detail=str(error))


def _service_wallets(settings: Settings) -> Iterator[Finding]:
    """Yield each entry of the operator's lists that cannot be read, or how many there are."""
    if settings.service_wallets_file is None:
        return
    try:
        wallets = service_wallets(settings, read_rulebook().chains)
    except SettingsError as error:
        yield Finding("service wallets", is_good=False, detail=str(error))
        return
    for fault in wallets.faults:
        yield Finding("service wallets", is_good=False, detail=fault)
    detail = f"{len(wallets)} wallets are warned of"
    yield Finding("service wallets", is_good=True, detail=detail)


def _log_head(database: Database) -> Finding:
    leaves = select(func.count(), func.max(LogLeafRow.index)).select_from(LogLeafRow)
    events = select(func.count(), func.max(EventRow.seq)).select_from(EventRow)
    with database.engine.connect() as connection:
        head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq)
        head_leaves, head_events = connection.execute(head).one()
        leaf_count, last_leaf = connection.execute(leaves).one()
        event_count, last_seq = connection.execute(events).one()
    is_good = (
        (head_leaves, head_events) == (leaf_count, event_count)
        and (last_leaf is None or last_leaf == leaf_count - 1)
        and (last_seq is None or last_seq == event_count)
    )
    detail = (
        f"head says {head_leaves} leaves and {head_events} events; "
        f"{leaf_count} and {event_count} are stored, without a gap"
        if is_good
        else f"head says {head_leaves} leaves and {head_events} events, but {leaf_count} "
        f"(last {last_leaf}) and {event_count} (last {last_seq}) are stored"
    )
    return Finding("log", is_good=is_good, detail=detail)

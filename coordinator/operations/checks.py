"""`check`: whether database, keys and log are in order."""

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import DatabaseError

from coordinator.api.context import AppContext
from coordinator.app import create_app, read_log_policy, service_wallets
from coordinator.key_files import (
    OLD_WRAPPING_KEY,
    CoordinatorKeys,
    KeyFileError,
    key_faults,
    present_keys,
    read_keys,
)
from coordinator.operations.log_recount import recount_events, recount_keys, recount_tree
from coordinator.operations.preparation import (
    PreparationError,
    open_present_database,
    require_own_log_key,
    require_whole,
)
from coordinator.operations.request_recount import examine_requests
from coordinator.operations.sealed_recount import examine_sealed
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, SettingsError, clock_of
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, UnsafeDatabaseError, require_durable
from coordinator.storage.engine.documents import (
    UnreadableDocumentError,
    Vault,
    pages_of_keys,
)
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from coordinator.storage.tail import restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.storage.tail.log_keys import stored_keys
from coordinator.transparency_log.signer import LogSigner, SignerError
from coordinator.transparency_log.witnesses import WitnessState, quorum_state
from holdfast.protocol.errors import LogKeyError
from holdfast.protocol.log_policy import NONE
from holdfast.protocol.payloads import format_time
from holdfast.protocol.signed_note import parse_note

#: The name of the check that fails until a restored database is reconciled.
READ_ONLY_CHECK = "changes"
_KEYS_AT_A_TIME = 1_000
#: A checkpoint that witnesses follow is cosigned within seconds.
_QUORUM_WITHIN = timedelta(minutes=10)
#: Of one kind; a leaf that was altered makes every later checkpoint one of another tree.
_TOLD = 20
#: Keys that count, while one takes over.
_BOTH = 2
_PLURAL = {"leaf": "leaves", "event": "events"}


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


def run_thorough_checks(
    settings: Settings, on_count: Callable[[str, int], None]
) -> Iterator[Finding]:
    """Make tree, events, acts and ledgers anew from what is stored, and name every difference.

    Sealed files are held against what was signed, and stay sealed.

    Nothing is changed, and a coordinator may serve meanwhile: all is of one moment. The schema must
    be the newest, and the keys must open the database: see `run_checks`.

    Args:
        settings: Of the coordinator.
        on_count: Called with what is looked through, and how many of it so far.

    Raises:
        KeyFileError: If a key is missing.
        SignerError: If the process that signs the log does not answer.
    """
    app = create_app(settings)
    context = cast("AppContext", app.extensions["holdfast"])
    try:
        with app.app_context(), _snapshot(context.database) as connection:
            keys, found = recount_keys(connection, context.log_signer.verifier)
            well = f"signed with {keys.newest}"
            if found.count > 1:
                well += f", the last of {found.count} keys, each handed over by the one before"
            yield from _findings("log keys", found.faults, well)
            tree = recount_tree(connection, keys, partial(on_count, "entries"))
            well = f"{tree.count} entries come to the tree that was signed at every commit"
            yield from _findings("log tree", tree.faults, well)
            events = recount_events(connection, context.vault, partial(on_count, "events"))
            gone = f", {events.erased} more are erased" if events.erased else ""
            well = f"{events.count - events.erased} events are as they were logged{gone}"
            yield from _findings("events", events.faults, well)
            cases = examine_requests(context, connection, keys, partial(on_count, "requests"))
            well = (
                f"{cases.count} requests are what their {cases.acts} signed acts come to: "
                "approvals, status, legs, ledgers, totals"
            )
            yield from _findings("requests", cases.faults, well)
            files = examine_sealed(context, connection, partial(on_count, "sealed files"))
            well = (
                f"{files.count} files are those that were signed, and so are the {files.keys} keys"
                " that files are sealed to"
            )
            yield from _findings("sealed evidence", files.faults, well)
    finally:
        context.database.engine.dispose()


def _findings(name: str, faults: Sequence[str], well: str) -> Iterator[Finding]:
    for fault in faults[:_TOLD]:
        yield Finding(name, is_good=False, detail=fault)
    if len(faults) > _TOLD:
        yield Finding(name, is_good=False, detail=f"and {len(faults) - _TOLD} more")
    if not faults:
        yield Finding(name, is_good=True, detail=well)


def _checks(settings: Settings, database: Database) -> Iterator[Finding]:
    yield Finding("database", is_good=True, detail=database.description)
    try:
        require_durable(database)
        yield Finding("durability", is_good=True, detail="what is confirmed is on disk")
    except UnsafeDatabaseError as error:
        yield Finding("durability", is_good=False, detail=str(error))
    if database.is_sqlite:
        yield _file(database)
    yield from _service_wallets(settings)
    present, newest = schema.current_revision(database), schema.newest_revision()
    detail = f"revision {present or 'none'}, newest {newest}"
    if present != newest:
        detail += "; `holdfast-coordinator migrate` makes the schema"
    yield Finding("schema", is_good=present == newest, detail=detail)
    yield from _keys(settings, database, is_migrated=present is not None)
    if present == newest:
        yield _changes(database)
    if present is not None:
        yield from _log_head(database, has_losses=present == newest)
    if present == newest:
        yield from _log_key(settings, database)
        yield from _witnesses(settings, database)


def _changes(database: Database) -> Finding:
    """Look whether the database was restored and not reconciled yet."""
    with database.engine.connect() as connection:
        since = restored.since(connection)
    if since is None:
        return Finding(READ_ONLY_CHECK, is_good=True, detail="are taken")
    detail = (
        f"none is taken and nothing is sent since {format_time(since)}: this database was restored,"
        " or is older than what was signed. Reading goes on. Run `holdfast-coordinator reconcile`"
    )
    return Finding(READ_ONLY_CHECK, is_good=False, detail=detail)


def _keys(settings: Settings, database: Database, *, is_migrated: bool) -> Iterator[Finding]:
    folder = settings.keys_dir
    yield from _keys_folder(folder)
    if not is_migrated and not present_keys(folder):
        detail = (
            f"none in {folder}. If this coordinator ran before, restore its keys from the backup; "
            "a fresh one gets them with its schema"
        )
        yield Finding("keys", is_good=False, detail=detail)
        return
    faults = key_faults(folder)
    for fault in faults:
        yield Finding("keys", is_good=False, detail=fault)
    if faults:
        return
    keys = read_keys(folder)
    try:
        signer = keys.log_signer(settings.origin, settings.log_signer_socket)
    except KeyFileError as error:
        yield Finding("keys", is_good=False, detail=str(error))
        return
    if settings.log_signer_socket is not None:
        yield _log_signer(signer)
    if is_migrated:
        yield from _data_keys(folder, database, keys)
    else:
        yield Finding("keys", is_good=True, detail=f"webhook key {keys.webhook.kid}")


def _data_keys(folder: Path, database: Database, keys: CoordinatorKeys) -> Iterator[Finding]:
    """Look whether the coordinator's own key opens every data key."""
    unopened, old = _opened(database, keys.vault)
    for key_id in unopened:
        detail = (
            f"data key {key_id} does not open: either {folder} holds another coordinator's keys, "
            "or the database was changed; restore what belongs together from a backup"
        )
        yield Finding("keys", is_good=False, detail=detail)
    if unopened:
        return
    detail = f"they open the database; webhook key {keys.webhook.kid}"
    if keys.old_webhook is not None:
        detail += f", and {keys.old_webhook.kid} until `rotate-key webhook --finish`"
    if old:
        detail += f"; {old} data keys need {OLD_WRAPPING_KEY} until `rotate-key documents --finish`"
    yield Finding("keys", is_good=True, detail=detail)


def _keys_folder(folder: Path) -> Iterator[Finding]:
    if folder.exists():
        mode = stat.S_IMODE(folder.stat().st_mode)
        is_own = not mode & (stat.S_IRWXG | stat.S_IRWXO)
        detail = f"{folder} is {mode:o}" + ("" if is_own else "; chmod 700 it")
        yield Finding("keys folder", is_good=is_own, detail=detail)


def _log_signer(signer: LogSigner) -> Finding:
    """Ask the process that signs the log whether it is there, and signs this one."""
    try:
        detail = f"answers, and signs {signer.verifier.name}"
    except SignerError as error:
        detail = f"{error}; until then every change is answered 503"
        return Finding("log signer", is_good=False, detail=detail)
    return Finding("log signer", is_good=True, detail=detail)


def _opened(database: Database, vault: Vault) -> tuple[list[str], int]:
    """Return the ids of data keys that do not open, and how many open with the old key alone."""
    unopened, old = [], 0
    with database.engine.connect() as connection:
        for page in pages_of_keys(connection, _KEYS_AT_A_TIME):
            for key_id, wrapped in page:
                if vault.is_wrapped_anew(key_id, wrapped):
                    continue
                try:
                    vault.unwrap(key_id, wrapped)
                except UnreadableDocumentError:
                    unopened.append(key_id)
                else:
                    old += 1
    return unopened, old


def _file(database: Database) -> Finding:
    """Look whether a SQLite file is whole and undamaged."""
    try:
        require_whole(database)
        with database.engine.connect() as connection:
            faults = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check")]
    except (PreparationError, DatabaseError) as error:
        return Finding("file", is_good=False, detail=str(getattr(error, "orig", error)))
    if faults != ["ok"]:
        detail = f"{'; '.join(faults)}; restore it from a backup"
        return Finding("file", is_good=False, detail=detail)
    return Finding("file", is_good=True, detail="is whole, and SQLite finds no fault in it")


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


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """Yield a connection whose statements all see one moment, whatever is committed meanwhile."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:  # where a transaction that reads is a snapshot anyhow
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _log_head(database: Database, *, has_losses: bool) -> Iterator[Finding]:
    """Compare the head with what is stored, and name every gap.

    Args:
        database: Of any revision.
        has_losses: Whether its revision can tell of what was lost before a restore.
    """
    with _snapshot(database) as connection:
        head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq)
        leaf_count, event_seq = connection.execute(head).one()
        losses = restored.losses(connection) if has_losses else []
        lost = [(each.first_seq, each.end_seq) for each in losses]
        leaf = select(LogLeafRow.index.label("number"))
        event = select(EventRow.seq.label("number"))
        faults = [
            *_gaps(connection, "leaf", leaf, range(leaf_count)),
            *_gaps(connection, "event", event, range(1, event_seq + 1), lost),
        ]
    said = f"head says {leaf_count} leaves and {event_seq} events"
    entries = sum(each.end_leaf - each.first_leaf for each in losses)
    if entries:
        said += f", and {entries} entries of which a restore left no more"
    for fault in faults:
        detail = f"{said}, but {fault}; restore a backup that has them"
        yield Finding("log", is_good=False, detail=detail)
    if not faults:
        yield Finding("log", is_good=True, detail=f"{said}; all are stored, without a gap")


def _log_key(settings: Settings, database: Database) -> Iterator[Finding]:
    """Yield that the log was signed with another key so far; files at fault were told of before."""
    try:
        signer = read_keys(settings.keys_dir).log_signer(
            settings.origin, settings.log_signer_socket
        )
        require_own_log_key(database, signer)
        yield from _handover(database, signer)
    except KeyFileError:
        return
    except PreparationError as error:
        yield Finding("log key", is_good=False, detail=str(error))


def _handover(database: Database, signer: LogSigner) -> Iterator[Finding]:
    """Yield whether another key takes over, and signs; nothing where none does."""
    try:
        with _snapshot(database) as connection:
            keys = stored_keys(connection, signer.verifier)
            size = log_store.tree_size(connection)
            newest = log_store.checkpoint_at(connection, size) if size else None
    except SignerError:
        return  # told of before
    except LogKeyError as error:
        yield Finding("log key", is_good=False, detail=f"what is stored of its keys: {error}")
        return
    if len(keys.counting_at(size)) < _BOTH or newest is None:
        return
    said = f"handed over to {keys.newest} in entry {keys.spans[-1].first - 1}"
    ids = {each.key_id for each in parse_note(newest).signatures}
    if keys.newest.key_id not in ids:
        detail = (
            f"{said}, which did not sign the newest checkpoint: restart whatever signs with its "
            "key file; if nobody here replaced the key, somebody else did"
        )
        yield Finding("log key", is_good=False, detail=detail)
        return
    detail = f"{said}; both sign until `rotate-key log --finish`"
    yield Finding("log key", is_good=True, detail=detail)


def _witnesses(settings: Settings, database: Database) -> Iterator[Finding]:
    """Yield whether the log's witnesses cosign it, where the policy asks them to."""
    name = "log policy"
    try:
        policy, _ = read_log_policy(settings)
    except SettingsError as error:
        yield Finding(name, is_good=False, detail=str(error))
        return
    now = clock_of(settings).now()
    with _snapshot(database) as connection:
        state = quorum_state(connection, policy, now)
    if state.quorum == NONE:
        detail = "no checkpoint needs a cosignature"
        if state.witnesses:
            detail += f"; {_heard(state.witnesses, now)}"
        yield Finding(name, is_good=True, detail=detail)
        return
    said = f"the quorum {state.quorum} has cosigned {state.size} leaves"
    if state.behind > _QUORUM_WITHIN:
        said += f", and what came after waits since {_rough(state.behind)}"
    detail = f"{said}; {_heard(state.witnesses, now)}"
    yield Finding(name, is_good=state.behind <= _QUORUM_WITHIN, detail=detail)


def _heard(witnesses: Sequence[WitnessState], now: datetime) -> str:
    """Return when each witness was last heard of."""
    return ", ".join(
        f"{each.name} never"
        if each.last is None
        else f"{each.name} {_rough(max(timedelta(), now - each.last))} ago"
        for each in witnesses
    )


def _rough(span: timedelta) -> str:
    """Return a span as people say it: seconds, minutes or hours."""
    seconds = int(span.total_seconds())
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _gaps(
    connection: Connection,
    what: str,
    numbers: Select[int],
    expected: range,
    lost: Sequence[tuple[int, int]] = (),
) -> Iterator[str]:
    """Yield which of the numbers expected are missing, and what is there beyond.

    Numbers that were lost, each pair from the first to before the second, are not missing.
    """
    first, end = expected.start, expected.stop
    table = numbers.subquery()
    following = func.lead(table.c.number).over(order_by=table.c.number)
    steps = select(table.c.number, following.label("following")).subquery()
    gap = select(steps.c.number, steps.c.following).where(steps.c.following > steps.c.number + 1)
    least, most = connection.execute(
        select(func.min(table.c.number), func.max(table.c.number))
    ).one()
    if most is None:
        least, most = end, end - 1
    missing = [
        (first, least - 1),
        *((number + 1, after - 1) for number, after in connection.execute(gap)),
        (most + 1, end - 1),
    ]
    for start, stop in missing:
        if any(begin <= start and stop < after for begin, after in lost):
            continue
        if start == stop:
            yield f"{what} {start} is missing"
        elif start < stop:
            yield f"{_PLURAL[what]} {start} to {stop} are missing"
    if most >= end:
        yield f"the {_PLURAL[what]} go on to {most}"

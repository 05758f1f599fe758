"""Bringing a restored database in line with the log that others know, so that it may serve.

1. The mark must be there, and as old as the longest-lived token: the copy does not know which were
   used after it was made.
2. What others kept is collected, and verified against the database's own tree.
3. One transaction appends what is missing, tells all members, signs, and lifts the mark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from coordinator.key_files import read_keys
from coordinator.operations.kept_logs import KeptLogs, ReconcileError, ReconcileFault
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import (
    open_migrated,
    require_own_keys,
    require_own_log_key,
    require_whole,
)
from coordinator.services.membership.log_reconciliation import ReconcileLog
from coordinator.settings import Settings, clock_of
from coordinator.storage.engine.database import Database
from coordinator.storage.tail import restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.storage.tail.log_keys import stored_keys
from coordinator.transparency_log.signer import Signed, SignerError, Tree
from holdfast.protocol.merkle_tree import Frontier
from holdfast.protocol.payloads import format_time
from holdfast.protocol.request_token import DEFAULT_SKEW, MAX_LIFETIME

#: From a token's first use to its end: issued by a clock that was ahead, refused by one that lags.
TOKENS_LAST = timedelta(seconds=MAX_LIFETIME + 2 * DEFAULT_SKEW)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who was asked what they have of the log.

    Attributes:
        folders: Of members' monitors, or copies.
        checkpoints: Files with checkpoints that somebody holds.
        nothing_came_after: The operator knows that the copy was made after the last commit.
        last_commit_failed: The operator knows that the last tree that was signed was never
            committed, so that nobody was shown it.
    """

    folders: Sequence[Path] = ()
    checkpoints: Sequence[Path] = ()
    nothing_came_after: bool = False
    last_commit_failed: bool = False


def reconcile(settings: Settings, sources: Sources) -> Mapping[str, object]:
    """Bring a restored database in line with what others know; return what members are told.

    Raises:
        ReconcileError: If it cannot be; nothing was changed.
        CoordinatorError: If the log cannot be signed; nothing was changed.
        KeyFileError: If a key is missing.
        PreparationError: If database and keys do not belong together.
    """
    database = open_migrated(settings)
    try:
        command = _look(settings, database, sources)
    finally:
        database.engine.dispose()
    return carry_out(settings, command).body


def _look(settings: Settings, database: Database, sources: Sources) -> ReconcileLog:
    """Hold the database against what others know; return what is to be done."""
    keys = read_keys(settings.keys_dir)
    signer = keys.log_signer(settings.origin, settings.log_signer_socket)
    require_whole(database)
    require_own_keys(database, keys.vault, settings)
    require_own_log_key(database, signer)
    copy = _copy(database, clock_of(settings).now())
    try:
        with database.engine.connect() as connection:
            kept = KeptLogs(stored_keys(connection, signer.verifier), copy)
        remembered = signer.remembered()
    except SignerError as error:
        raise ReconcileError(ReconcileFault.NOBODY_ASKED, str(error)) from None
    for folder in sources.folders:
        kept.add_folder(folder)
    for checkpoint in sources.checkpoints:
        kept.add_checkpoint(checkpoint)
    if remembered is not None:
        kept.add_remembered(remembered, last_commit_failed=sources.last_commit_failed)
    _require_own_past(database, kept)
    missing = kept.missing()
    base = Tree(copy.size, copy.root())
    is_shown = bool(sources.folders) or _is_all(remembered, base)
    if not is_shown and not sources.nothing_came_after:
        raise ReconcileError(
            ReconcileFault.NOBODY_ASKED,
            "nothing here can tell whether something came after the backup. Have members copy "
            "their monitors' folders to you and name them with --from; or say "
            "--nothing-came-after, if the coordinator had stopped for good when it was made",
        )
    return ReconcileLog(
        base=base,
        entries=missing.entries,
        checkpoints=missing.checkpoints,
        is_word_alone=not is_shown,
    )


def _copy(database: Database, now: datetime) -> Frontier:
    """Return the tree of a database that was restored, and long enough ago."""
    with database.engine.connect() as connection:
        since = restored.since(connection)
    if since is None:
        raise ReconcileError(
            ReconcileFault.NOT_RESTORED,
            "this database takes changes: it was not restored, or is reconciled already",
        )
    if now < since + TOKENS_LAST:
        left = int((since + TOKENS_LAST - now).total_seconds()) + 1
        raise ReconcileError(
            ReconcileFault.TOO_EARLY,
            f"it was restored at {format_time(since)}, and what was signed before may be used until"
            f" {format_time(since + TOKENS_LAST)}: wait {left} s more",
        )
    with database.transaction() as connection:
        head = log_store.lock(connection, events=0, revocations=0)
        return log_store.caught_up(connection, head)


def _require_own_past(database: Database, kept: KeptLogs) -> None:
    """Refuse what shows another beginning of the log than the database has."""
    with database.engine.connect() as connection:
        for tree, where in kept.older():
            if log_store.tree_at(connection, tree.size) != tree.root:
                raise ReconcileError(
                    ReconcileFault.FORK,
                    f"{where}: the log signed another tree of {tree.size} entries there than this "
                    "database has. That is a fork: change nothing, keep both, and find out who had "
                    "the key",
                )


def _is_all(remembered: Signed | None, base: Tree) -> bool:
    """Tell whether the signer, which signs nothing that it does not remember, ends where we do.

    What merely notes what was committed ends with the commit before the last, so it never does.
    """
    return remembered is not None and remembered.is_exact and remembered.largest == base

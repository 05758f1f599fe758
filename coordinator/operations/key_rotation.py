"""Replacing the coordinator's keys without losing what the old ones sealed or signed.

Each goes in two steps, with a restart of all processes in between. After the first step the new key
and the old one lie side by side; after the second only the new one is needed. Either step may be
interrupted anywhere and run again. Nothing that was written in between by a process which was not
restarted yet is lost: it opens, and verifies, with the old key.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from coordinator.key_files import (
    LOG_KEY,
    NEXT_LOG_KEY,
    OLD_WEBHOOK_KEY,
    OLD_WRAPPING_KEY,
    RETIRED_KEYS,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    CoordinatorKeys,
    KeyFileError,
    read_keys,
    read_log_keys,
)
from coordinator.operations.manifest import sync, write_private
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import (
    PreparationError,
    open_migrated,
    require_own_keys,
    require_own_log_key,
)
from coordinator.services.core.log_keys import HandOverLogKey, RetireLogKey
from coordinator.settings import Settings
from coordinator.storage.engine.documents import pages_of_keys, wrap_anew
from coordinator.storage.tail import restored
from coordinator.transparency_log.signer import SignerError
from holdfast.protocol import canonical_json
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.signed_note import NoteVerifier

_KEY_BYTES = 32
#: Wrapped anew in one transaction; others write between two of them.
_KEYS_AT_A_TIME = 500


def replace_wrapping_key(settings: Settings) -> None:
    """Put a new key beside the one that wraps the data keys of all documents.

    Raises:
        KeyFileError: If a key is missing or malformed.
        PreparationError: If the last replacement was not finished, or the keys are another's.
    """
    _require_own(settings)
    _replace(settings.keys_dir, WRAPPING_KEY, OLD_WRAPPING_KEY, os.urandom(_KEY_BYTES))


def wrap_documents_anew(settings: Settings) -> int:
    """Wrap every data key under the new key; return for how many that was still to do.

    The documents themselves stay as they are, and so do their data keys. A coordinator may serve.

    Raises:
        KeyFileError: If a key is missing or malformed.
        PreparationError: If no key was replaced.
    """
    keys = read_keys(settings.keys_dir)
    if not (settings.keys_dir / OLD_WRAPPING_KEY).exists():
        raise PreparationError(
            f"there is no {OLD_WRAPPING_KEY}: nothing is left to wrap anew. To replace the key, "
            "run `holdfast-coordinator rotate-key documents`"
        )
    database = open_migrated(settings)
    count = 0
    try:
        with database.engine.connect() as connection:
            pages = pages_of_keys(connection, _KEYS_AT_A_TIME)
            while True:
                # Read outside of the transaction that writes: on SQLite nobody else could.
                page = next(pages, None)
                connection.rollback()
                if page is None:
                    return count
                with database.writing() as writer, writer.begin():
                    count += wrap_anew(writer, keys.vault, page)
    finally:
        database.engine.dispose()


def replace_webhook_key(settings: Settings, *, is_stolen: bool = False) -> CoordinatorKeys:
    """Put a new key beside the one that signs webhooks and clearances, or in its place.

    Args:
        settings: Of the coordinator.
        is_stolen: The old one signs and is published no more, nor does anything that it signed
            count as proven from now on.

    Returns:
        The keys as they are now.

    Raises:
        KeyFileError: If a key is missing or malformed.
        PreparationError: If the last replacement was not finished.
    """
    read_keys(settings.keys_dir)
    new = PrivateKey.generate("EdDSA").to_pem()
    if is_stolen:
        current = settings.keys_dir / WEBHOOK_KEY
        _put(current, new, like=current)
    else:
        _replace(settings.keys_dir, WEBHOOK_KEY, OLD_WEBHOOK_KEY, new)
    return read_keys(settings.keys_dir)


def retire_webhook_key(settings: Settings) -> PublicKey:
    """Have webhooks signed with the new key alone; return the old one's public half.

    That stays published, so that clearances which it signed verify.

    Raises:
        KeyFileError: If a key is missing or malformed.
        PreparationError: If no key was replaced.
    """
    keys = read_keys(settings.keys_dir)
    if keys.old_webhook is None:
        raise PreparationError(
            f"there is no {OLD_WEBHOOK_KEY}: webhooks are signed with one key. To replace it, run "
            "`holdfast-coordinator rotate-key webhook`"
        )
    old = keys.old_webhook.public
    if old not in keys.retired:
        listed = [{**key.jwk(), "kid": key.kid} for key in (*keys.retired, old)]
        content = canonical_json.dumps({"keys": listed})
        _put(settings.keys_dir / RETIRED_KEYS, content, like=settings.keys_dir / WEBHOOK_KEY)
    (settings.keys_dir / OLD_WEBHOOK_KEY).unlink()
    sync(settings.keys_dir)
    return old


def hand_over_log_key(settings: Settings, keys_dir: Path) -> NoteVerifier:
    """Put a new key beside the log's, and have the log say that it takes over.

    The log says so under the key that it has, so whatever signs must run where that is a process of
    its own. A second run says nothing twice.

    Args:
        settings: Of the coordinator.
        keys_dir: Where the log's key lies: the coordinator's folder, or that of the signer.

    Returns:
        The new key.

    Raises:
        KeyFileError: If the log's key is missing or malformed.
        PreparationError: If the key is not the one that signs this log.
        CoordinatorError: If it was handed over to another key already, or cannot be signed.
    """
    _require_signs(settings, read_log_keys(keys_dir)[0])
    place = keys_dir / NEXT_LOG_KEY
    if not place.exists():
        _put_once(place, PrivateKey.generate("EdDSA").to_pem(), like=keys_dir / LOG_KEY)
    present, following = _log_keys(settings, keys_dir)
    carry_out(settings, HandOverLogKey(present=present, following=following))
    return following


def retire_log_key(settings: Settings, keys_dir: Path) -> tuple[NoteVerifier, NoteVerifier]:
    """Have the log say that its old key signs no more, and put the new one in its place.

    From then on nothing is committed that the new key did not sign.

    Args:
        settings: Of the coordinator.
        keys_dir: As for `hand_over_log_key`.

    Returns:
        The old key and the new one.

    Raises:
        KeyFileError: If a key is missing or malformed.
        PreparationError: If no key takes over.
        CoordinatorError: If the log does not say so, or what signs was not restarted since.
    """
    try:
        old, new = _log_keys(settings, keys_dir)
    except KeyFileError:
        if (keys_dir / NEXT_LOG_KEY).exists():
            raise
        raise PreparationError(
            f"there is no {NEXT_LOG_KEY} in {keys_dir}: the log is signed with one key. To replace "
            "it, run `holdfast-coordinator rotate-key log`"
        ) from None
    if old != new:  # they are the same where this was interrupted
        carry_out(settings, RetireLogKey(old=old, new=new))
    place = keys_dir / NEXT_LOG_KEY
    _put(keys_dir / LOG_KEY, place.read_bytes(), like=keys_dir / LOG_KEY)
    place.unlink()
    sync(keys_dir)
    return old, new


def _log_keys(settings: Settings, keys_dir: Path) -> tuple[NoteVerifier, NoteVerifier]:
    """Return the log's key and the one that takes over, as members know them.

    Raises:
        KeyFileError: If one is missing.
    """
    present, following = read_log_keys(keys_dir)
    if following is None:
        raise KeyFileError(f"{keys_dir / NEXT_LOG_KEY} is missing")
    origin = log_origin(settings.origin)
    return NoteVerifier(origin, present.public), NoteVerifier(origin, following.public)


def _require_signs(settings: Settings, key: PrivateKey) -> None:
    """Refuse a key that is not the one with which the log is signed, and a log that says nothing.

    Raises:
        PreparationError: Naming what may be wrong.
    """
    database = open_migrated(settings)
    try:
        with database.engine.connect() as connection:
            if restored.since(connection) is not None:
                raise PreparationError(
                    "this database was restored, and its log takes nothing until you have run "
                    "`holdfast-coordinator reconcile`"
                )
        signer = read_keys(settings.keys_dir).log_signer(
            settings.origin, settings.log_signer_socket
        )
        require_own_log_key(database, signer)
        try:
            signs = signer.verifier.key
        except SignerError as error:
            raise PreparationError(str(error)) from None
    finally:
        database.engine.dispose()
    if signs != key.public:
        raise PreparationError(
            "the log is signed with another key than the one in that folder: name the folder of "
            "the process that signs with --keys"
        )


def _require_own(settings: Settings) -> None:
    database = open_migrated(settings)
    try:
        require_own_keys(database, read_keys(settings.keys_dir).vault, settings)
    finally:
        database.engine.dispose()


def _replace(folder: Path, name: str, old_name: str, new: bytes) -> None:
    """Keep a key under its old name, then put the new one in its place."""
    current, kept = folder / name, folder / old_name
    if not kept.exists():
        _put(kept, current.read_bytes(), like=current)
    # Both are the same where this was interrupted.
    elif kept.read_bytes() != current.read_bytes():
        raise PreparationError(
            f"{kept} is there: the last replacement was not finished. Restart every process, then "
            f"run `holdfast-coordinator rotate-key` with --finish"
        )
    _put(current, new, like=current)


def _put(path: Path, content: bytes, *, like: Path) -> None:
    """Write a file whole or not at all, mode 0600, in the place of what was there.

    It belongs to whom `like` does: root may run this, and the coordinator must be able to read it.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    _write_like(fresh, content, like)
    fresh.rename(path)
    sync(path.parent)


def _put_once(path: Path, content: bytes, *, like: Path) -> None:
    """Write a file as `_put` does, unless somebody else did meanwhile: theirs stays."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_like(fresh, content, like)
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    sync(path.parent)


def _write_like(path: Path, content: bytes, like: Path) -> None:
    write_private(path, content)
    owner = like.stat()
    os.chown(path, owner.st_uid, owner.st_gid)

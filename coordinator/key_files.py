"""The coordinator's own secrets: a file each, mode 0600, never in the environment or the database.

Made once, with a fresh database. Lost keys are never replaced in silence: a new wrapping key would
leave every sealed document unreadable, and nobody would know why.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from coordinator.storage.engine.documents import Vault
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PrivateKey

WRAPPING_KEY = "document-wrapping.key"
INDEX_KEY = "blind-index.key"
WEBHOOK_KEY = "webhook-signing.pem"
_KEY_BYTES = 32
_NAMES = (WRAPPING_KEY, INDEX_KEY, WEBHOOK_KEY)


class KeyFileError(Exception):
    """A key file is missing, open to others, or holds no such key; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CoordinatorKeys:
    """The keys of one coordinator.

    Attributes:
        vault: Seals documents and makes blind indexes.
        webhook: Ed25519; signs every webhook (`v1a`).
    """

    vault: Vault
    webhook: PrivateKey


def present_keys(keys_dir: Path) -> list[str]:
    """Return the names of the key files that are there."""
    return [name for name in _NAMES if (keys_dir / name).exists()]


def make_keys(keys_dir: Path) -> None:
    """Make all keys, 0600 in a folder of 0700; for a fresh database only.

    Raises:
        KeyFileError: If one is there already.
    """
    present = present_keys(keys_dir)
    if present:
        raise KeyFileError(f"{keys_dir / present[0]} is there already and is not overwritten")
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (WRAPPING_KEY, INDEX_KEY):
        _write(keys_dir / name, os.urandom(_KEY_BYTES))
    _write(keys_dir / WEBHOOK_KEY, PrivateKey.generate("EdDSA").to_pem())


def read_keys(keys_dir: Path) -> CoordinatorKeys:
    """Return the coordinator's keys.

    Raises:
        KeyFileError: If one is missing, may be read by others, or is malformed.
    """
    wrapping, index = (_symmetric(keys_dir / name) for name in (WRAPPING_KEY, INDEX_KEY))
    path = keys_dir / WEBHOOK_KEY
    try:
        webhook = PrivateKey.from_pem(_read(path))
    except ProtocolError as error:
        raise KeyFileError(f"{path} holds no private key in PEM: {error}") from None
    if webhook.alg != "EdDSA":
        raise KeyFileError(f"{path} must hold an Ed25519 key; webhooks are signed as v1a")
    return CoordinatorKeys(Vault(wrapping, index), webhook)


def _symmetric(path: Path) -> bytes:
    content = _read(path)
    if len(content) != _KEY_BYTES:
        raise KeyFileError(f"{path} must hold {_KEY_BYTES} bytes, not {len(content)}")
    return content


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(
            f"{path} is missing. If this coordinator ran before, restore its keys from the "
            "back-up: without them nothing that it stored can be read. A fresh one gets its keys "
            "from `holdfast-coordinator migrate` or `serve`."
        ) from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path} is open to others; chmod 600 it")
    return content


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

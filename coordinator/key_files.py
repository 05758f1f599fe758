"""The coordinator's own secrets: a file each, mode 0600, never in the environment or the database.

Made once, with a fresh database. Lost keys are never replaced in silence: a new wrapping key would
leave every sealed document unreadable, and nobody would know why. While one is being replaced on
purpose, the old one lies beside it (`operations.key_rotation`).
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from errno import EACCES
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from coordinator.storage.engine.documents import Vault
from coordinator.summary.document_key import DocumentKey, DocumentKeyError
from coordinator.transparency_log.high_water import HIGH_WATER, HighWaterFile, NotingSigner
from coordinator.transparency_log.signer import LogSigner, SeedSigner
from coordinator.transparency_log.socket_signer import SocketSigner
from holdfast.protocol import strict_json
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PrivateKey, PublicKey

T = TypeVar("T")

WRAPPING_KEY = "document-wrapping.key"
INDEX_KEY = "blind-index.key"
WEBHOOK_KEY = "webhook-signing.pem"
#: Signs the log of one origin. Where a process of its own signs, that alone has this file.
LOG_KEY = "log-signing.pem"
#: Takes over: it signs the log beside the other until that is retired, and has its name then.
NEXT_LOG_KEY = "log-signing.next.pem"
#: Opens what was not wrapped anew yet.
OLD_WRAPPING_KEY = "document-wrapping.old.key"
#: Signs beside the new one until every receiver has that.
OLD_WEBHOOK_KEY = "webhook-signing.old.pem"
#: A JWK set (RFC 7517) of public keys that signed in their time, so that clearances verify.
RETIRED_KEYS = "webhook-retired.jwks"
#: Signs documents for people. What it signed carries its certificate, and nothing stored needs it,
#: so that a lost one is made anew; a copy of it is worth having for the fingerprint's sake alone.
DOCUMENT_KEY = "document-signing.pem"
_KEY_BYTES = 32
#: Key files without which nothing starts.
NEEDED_KEYS = (WRAPPING_KEY, INDEX_KEY, WEBHOOK_KEY)
#: Every key file that a database belongs to.
KEY_NAMES = (
    *NEEDED_KEYS,
    LOG_KEY,
    NEXT_LOG_KEY,
    OLD_WRAPPING_KEY,
    OLD_WEBHOOK_KEY,
    RETIRED_KEYS,
)


class KeyFileError(Exception):
    """A key file is missing, open to others, or holds no such key; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CoordinatorKeys:
    """The keys of one coordinator.

    Attributes:
        vault: Seals documents and makes blind indexes.
        webhook: Ed25519; signs every webhook (`v1a`), and clearances.
        log: Ed25519; signs the log's checkpoints. None: it is not here.
        document: P-256; signs documents for people. None: it is not here.
        old_webhook: Signs every webhook, too, while it is being replaced.
        retired: What signed in its time, and was not stolen.
        next_log: Signs the log, too, while it takes over.
        folder: Where they lie; None: in no folder.
    """

    vault: Vault
    webhook: PrivateKey
    log: PrivateKey | None
    document: DocumentKey | None
    old_webhook: PrivateKey | None = None
    retired: tuple[PublicKey, ...] = ()
    next_log: PrivateKey | None = None
    folder: Path | None = None

    @property
    def webhook_keys(self) -> tuple[PrivateKey, ...]:
        """What webhooks are signed with, the key that remains first."""
        return (self.webhook, *([self.old_webhook] if self.old_webhook else []))

    @property
    def published(self) -> tuple[PublicKey, ...]:
        """What members verify with: the keys that sign, and those that did."""
        return (*(key.public for key in self.webhook_keys), *self.retired)

    def log_signer(self, origin: str, socket: Path | None) -> LogSigner:
        """Return what signs the log of the coordinator at `origin`.

        Args:
            origin: Of the coordinator; its log has a name made of that.
            socket: Of the process that signs; None: the key that is here does.

        Raises:
            KeyFileError: If there is neither.
        """
        if socket is not None:
            return SocketSigner(socket, log_origin(origin))
        if self.log is None:
            raise KeyFileError(
                f"{LOG_KEY} is missing among the coordinator's keys: restore it from the backup, "
                "for what it signed can be proven under no other key. Where a process of its own "
                "signs the log, name its socket with HOLDFAST_LOG_SIGNER_SOCKET"
            )
        if self.folder is None:
            return SeedSigner(log_origin(origin), self.log, self.next_log)
        noted = HighWaterFile(self.folder / HIGH_WATER, log_origin(origin))
        return NotingSigner(log_origin(origin), self.log, noted, following=self.next_log)

    def document_key(self) -> DocumentKey:
        """Return the key that signs documents.

        Raises:
            KeyFileError: If it is not here.
        """
        if self.document is None:
            raise KeyFileError(
                f"{DOCUMENT_KEY} is missing among the coordinator's keys: copy it from where the "
                "others are kept, or make a new one with `holdfast-coordinator migrate`"
            )
        return self.document


def present_keys(keys_dir: Path) -> list[str]:
    """Return the names of the key files that are there."""
    return [name for name in KEY_NAMES if (keys_dir / name).exists()]


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
    make_log_key(keys_dir)


def make_log_key(keys_dir: Path) -> None:
    """Make the log's key, for a log that was never signed.

    Raises:
        KeyFileError: If it is there already.
    """
    path = keys_dir / LOG_KEY
    if path.exists():
        raise KeyFileError(f"{path} is there already and is not overwritten")
    _write(path, PrivateKey.generate("EdDSA").to_pem())


def make_document_key(keys_dir: Path, host: str, now: datetime) -> bool:
    """Make the key that signs documents, unless it is there; return whether it was made.

    Args:
        keys_dir: Where keys lie.
        host: Of the coordinator, for the certificate.
        now: Since when the certificate holds.
    """
    path = keys_dir / DOCUMENT_KEY
    if path.exists():
        return False
    _write(path, DocumentKey.generate(host, now).to_pem())
    return True


def read_keys(keys_dir: Path) -> CoordinatorKeys:
    """Return the coordinator's keys; that of the log only if it is there.

    Raises:
        KeyFileError: If another is missing, or any may be read by others or is malformed.
    """
    wrapping, index = (_symmetric(keys_dir / name) for name in (WRAPPING_KEY, INDEX_KEY))
    return CoordinatorKeys(
        Vault(wrapping, index, _if_there(keys_dir / OLD_WRAPPING_KEY, _symmetric)),
        _signing(keys_dir / WEBHOOK_KEY),
        _if_there(keys_dir / LOG_KEY, _signing),
        _if_there(keys_dir / DOCUMENT_KEY, lambda _: read_document_key(keys_dir)),
        _if_there(keys_dir / OLD_WEBHOOK_KEY, _signing),
        _if_there(keys_dir / RETIRED_KEYS, _public_set) or (),
        _if_there(keys_dir / NEXT_LOG_KEY, _signing),
        keys_dir,
    )


def read_log_keys(keys_dir: Path) -> tuple[PrivateKey, PrivateKey | None]:
    """Return the key that signs the log, and the one that takes over, if one does.

    Raises:
        KeyFileError: If the first is missing, or either may be read by others or is malformed.
    """
    return _signing(keys_dir / LOG_KEY), _if_there(keys_dir / NEXT_LOG_KEY, _signing)


def read_document_key(keys_dir: Path) -> DocumentKey:
    """Return the key that signs documents.

    Raises:
        KeyFileError: If it is missing, may be read by others, or is malformed.
    """
    path = keys_dir / DOCUMENT_KEY
    try:
        return DocumentKey.from_pem(_read(path))
    except DocumentKeyError as error:
        raise KeyFileError(f"{path}: {error}") from None


def key_faults(keys_dir: Path) -> list[str]:
    """Return what `read_keys` would refuse, of every file; empty if it would refuse nothing."""
    faults = []
    for name in present_or_needed(keys_dir):
        try:
            _READERS[Path(name).suffix](keys_dir / name)
        except KeyFileError as error:
            faults.append(str(error))
    try:
        if (keys_dir / DOCUMENT_KEY).exists():
            read_document_key(keys_dir)
    except KeyFileError as error:
        faults.append(str(error))
    return faults


def present_or_needed(keys_dir: Path) -> list[str]:
    """Return the names of the key files that are there, or should be."""
    return [name for name in KEY_NAMES if name in NEEDED_KEYS or (keys_dir / name).exists()]


def copied(keys_dir: Path) -> list[str]:
    """Return the names of the key files that belong into a copy of the keys."""
    extra = [DOCUMENT_KEY] if (keys_dir / DOCUMENT_KEY).exists() else []
    return [*present_or_needed(keys_dir), *extra]


def _signing(path: Path) -> PrivateKey:
    try:
        key = PrivateKey.from_pem(_read(path))
    except ProtocolError as error:
        raise KeyFileError(f"{path} holds no private key in PEM: {error}") from None
    if key.alg != "EdDSA":
        raise KeyFileError(f"{path} must hold an Ed25519 key; so webhooks and the log are signed")
    return key


def _symmetric(path: Path) -> bytes:
    content = _read(path)
    if len(content) != _KEY_BYTES:
        raise KeyFileError(f"{path} must hold {_KEY_BYTES} bytes, not {len(content)}")
    return content


def _public_set(path: Path) -> tuple[PublicKey, ...]:
    try:
        return tuple(PublicKey.from_jwk(jwk) for jwk in strict_json.loads(_read(path))["keys"])
    except (ProtocolError, LookupError, TypeError) as error:
        raise KeyFileError(f"{path} holds no set of public keys: {error}") from None


def _if_there(path: Path, read: Callable[[Path], T]) -> T | None:
    return read(path) if path.exists() else None


def read_login(path: Path) -> tuple[str, str]:
    """Return user and password of a file that has them in two lines.

    Raises:
        KeyFileError: If it is missing, open to others, or has not two lines of text.
    """
    if not path.exists():
        raise KeyFileError(f"{path} is missing")
    try:
        user, password = _read(path).decode().splitlines()
    except ValueError:  # which UnicodeDecodeError is, too
        raise KeyFileError(f"{path} must hold two lines of text, user and password") from None
    return user, password


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(
            f"{path} is missing. If this coordinator ran before, restore its keys from the "
            "backup: without them nothing that it stored can be read. A fresh one gets its keys "
            "from `holdfast-coordinator migrate` or `serve`."
        ) from None
    except OSError as error:
        owner = "; it must belong to the user that runs this" if error.errno == EACCES else ""
        raise KeyFileError(f"{path} cannot be read: {error.strerror}{owner}") from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path} is open to others; chmod 600 it")
    return content


#: By what the file's name ends in.
_READERS: Mapping[str, Callable[[Path], object]] = MappingProxyType(
    {".pem": _signing, ".key": _symmetric, ".jwks": _public_set}
)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

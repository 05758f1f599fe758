"""What lies beside the database in a backup: how much is in it, and which keys open it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from coordinator.key_files import NEEDED_KEYS, present_or_needed
from coordinator.operations.preparation import PreparationError
from coordinator.storage.tables.transparency_log import LogHeadRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import StrictJsonError

NAME = "manifest.json"
#: The number of this form.
_VERSION = 1
_PURPOSE = b"holdfast/key-file/1\0"


@dataclass(frozen=True, slots=True)
class LogSize:
    """How far the log was: all that was confirmed by then is in the backup.

    Attributes:
        leaves: Leaves of the log.
        events: Events recorded; the number of the last one.
    """

    leaves: int
    events: int

    @classmethod
    def read(cls, connection: Connection) -> "LogSize":
        """Read it, in the connection's snapshot."""
        head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq)
        return cls(*connection.execute(head).one())


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup's own description, in `manifest.json`; it holds no secret.

    Attributes:
        version: Of this form.
        made_at: RFC 3339, UTC.
        release: The version of the coordinator that made it.
        backend: `sqlite` or `postgresql`.
        file: The file beside the manifest that holds the database.
        file_bytes: Its length.
        sha256: Of the file, in hex.
        revision: The schema's.
        log: How far it reaches.
        keys: A digest of each key file that the coordinator had. It tells two keys apart and gives
            neither away.
    """

    made_at: str
    release: str
    backend: str
    file: str
    file_bytes: int
    sha256: str
    revision: str
    log: LogSize
    keys: Mapping[str, str]
    version: int = _VERSION

    def write(self, folder: Path) -> None:
        """Write it into a backup's folder, last of all: without it nothing is a backup."""
        write_private(folder / NAME, canonical_json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read that of a backup.

        Raises:
            PreparationError: If there is none, or it is of another form.
        """
        path = folder / NAME
        try:
            content = strict_json.loads(path.read_bytes())
            manifest = TypeAdapter(cls).validate_python(content)
        except OSError as error:
            raise PreparationError(
                f"{path} cannot be read ({error.strerror}): name the folder that "
                "`holdfast-coordinator backup` said it wrote"
            ) from None
        except (StrictJsonError, ValidationError):
            raise PreparationError(f"{path} is no backup's manifest; take another backup") from None
        if manifest.version != _VERSION:
            raise PreparationError(
                f"{path} is of form {manifest.version}, which this release does not know: restore "
                f"with release {manifest.release}"
            )
        return manifest


def key_digests(keys_dir: Path) -> dict[str, str]:
    """Return the digest of each key file in a folder, by name.

    Raises:
        PreparationError: If one cannot be read.
    """
    try:
        return {
            name: sha256(_PURPOSE + (keys_dir / name).read_bytes()).hexdigest()
            for name in present_or_needed(keys_dir)
        }
    except OSError as error:
        raise PreparationError(
            f"{error.filename} cannot be read ({error.strerror}): the key files belong there "
            f"({', '.join(NEEDED_KEYS)})"
        ) from None


def file_digest(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_private(path: Path, content: bytes) -> None:
    """Write a new file, mode 0600, and see that it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(*paths: Path) -> None:
    """See that files, or the entries of folders, are on disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

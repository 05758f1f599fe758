"""How far the log was signed, in a file beside its key: never in a backup of the database.

A process of its own that signs writes it durably before each signature leaves. Where the key is in
every process, that would cost a sync of the disk more at each commit; `NotingSigner` notes what was
committed once a second, and lets the system write it when it likes.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coordinator.transparency_log.signer import SeedSigner, Signed, SignerError, Tree
from coordinator.transparency_log.signing_protocol import decode_signed, encode_signed
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import NoteVerifier

#: Beside the key. Never restored from a backup, nor copied to another place.
HIGH_WATER = "log-signed.json"
_NOTED_EVERY_SECONDS = 1.0


class HighWaterFile:
    """Keeps `Signed` on disk.

    Args:
        path: The file; its folder is there, and nobody else writes to it.
        origin: Of the log that is signed.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin

    def read(self) -> Signed:
        """Return what is remembered; nothing where there is no file.

        Raises:
            SignerError: If it cannot be read, or is of another log: rather no signature than two.
        """
        try:
            content = strict_json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return Signed()
        except (OSError, ProtocolError) as error:
            raise SignerError(f"{self._path} cannot be read: {error}") from None
        if not isinstance(content, dict) or content.get("origin") != self._origin:
            raise SignerError(f"{self._path} is not of the log {self._origin}")
        return decode_signed(content)

    def write(self, signed: Signed, *, is_durable: bool = True) -> None:
        """Replace what is remembered.

        Args:
            signed: What is remembered from now on.
            is_durable: It is on disk when this returns.

        Raises:
            SignerError: If it cannot be written.
        """
        content = {"origin": self._origin, **encode_signed(signed)}
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical_json.dumps(content))
                file.flush()
                if is_durable:
                    os.fsync(file.fileno())
            fresh.replace(self._path)
            if not is_durable:
                return
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SignerError(f"{self._path} cannot be written: {error.strerror}") from None


class NotingSigner:
    """Signs with a key in this process, and notes now and then how far the log was committed.

    Without the file, or where it cannot be written, it signs all the same: the file can show that
    a database is old, and nothing shows that one is not.

    Args:
        origin: Of the log.
        key: Ed25519.
        file: Where it notes it.
        following: The key that takes over, while it does: it signs beside.
        steady: Seconds that only grow.
    """

    def __init__(
        self,
        origin: str,
        key: PrivateKey,
        file: HighWaterFile,
        *,
        following: PrivateKey | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer = SeedSigner(origin, key, following)
        self._file = file
        self._steady = steady
        self._noted_at: float | None = None

    @property
    def verifier(self) -> NoteVerifier:
        """The key that its signatures verify under."""
        return self._signer.verifier

    def fault(self) -> None:
        """Return nothing: a key that is here can always sign."""
        return

    def remembered(self) -> Signed | None:
        """Return how far the log was committed at least; None: nothing says so."""
        try:
            return replace(self._file.read(), is_exact=False)
        except SignerError:
            return None

    def sign(self, tree: Tree, base: Tree) -> bytes:
        """Return the checkpoint of `tree`, whatever was signed before."""
        now = self._steady()
        if self._noted_at is None or now - self._noted_at >= _NOTED_EVERY_SECONDS:
            self._noted_at = now
            self._note(base)
        return self._signer.sign(tree, base)

    def _note(self, committed: Tree) -> None:
        """Note what the tree grew from, under the lock of the log's head: so it never goes back."""
        try:
            self._file.write(Signed(committed, committed), is_durable=False)
        except SignerError:
            return

"""The set of flags on disk: one file, encrypted, appended to; only its owner can read it.

It begins with a magic word and 32 random bytes, from which and from the profile's private key its
own key is derived (HKDF-SHA-256). Frames follow: length, nonce, ciphertext (AES-256-GCM). A frame
is bound to its place, so that none can be left out, moved or doubled; what was cut off at the end
is missing, and the set is as old as the last head that is left, by which staleness is told.

A reading's entries stand before its head. What no head follows was never verified, or its writer
was interrupted: it is cut off.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from holdfast.errors import ProfileError
from holdfast.profiles.private_files import make_private_folder
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PrivateKey
from holdfast.screening.feed import Line

_MAGIC = b"holdfast/flags/1\n"
_SALT_BYTES, _LENGTH_BYTES, _NONCE_BYTES = 32, 4, 12
#: Entries in a frame; a frame is read whole into memory.
_LINES_IN_FRAME = 5_000
_LONGEST_FRAME = 1 << 26
_HEADER_BYTES = len(_MAGIC) + _SALT_BYTES

Json = dict[str, Any]


class DamagedFileError(ProfileError):
    """The file is not as it was written; start anew by reading all flags again."""


def _locked(path: Path) -> IO[bytes]:
    """Return the lock beside a file, held."""
    try:
        make_private_folder(path.parent)
        lock: IO[bytes] = (path.parent / f"{path.name}.lock").open("ab")
    except OSError as error:
        raise ProfileError(f"cannot open {path}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ProfileError(
            f"another process keeps its flags in {path}: stop it, or choose another folder"
        ) from None
    return lock


class FlagFile:
    """One file of flags, held by the one process that writes it.

    Args:
        path: The file; its folder is made where it is not there.
        key: The profile's private key, from which that of the file is derived.
        is_reader: Only read it, beside the process that writes it.

    Raises:
        ProfileError: If it cannot be opened, or another process has it.
    """

    def __init__(self, path: Path, key: PrivateKey, *, is_reader: bool = False) -> None:
        self.path, self._is_reader = path, is_reader
        self._secret = key.signing_key.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        self._lock = None if is_reader else _locked(path)
        self._file: IO[bytes] | None = None
        self._new: Path | None = None
        self._cipher: AESGCM | None = None
        self._frames = 0
        self._committed = 0, 0

    def close(self) -> None:
        """Close the file and let others have it."""
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            self._lock.close()

    @property
    def size_bytes(self) -> int:
        """How long the file is, as far as it counts; 0: there is none."""
        return self._committed[0]

    def read(self) -> Iterator[tuple[list[Line], Json | None]]:
        """Yield what it holds, frame by frame: entries, or the head that they are verified by.

        Raises:
            DamagedFileError: If it is not as it was written, or by another key.
        """
        try:
            file = self.path.open("rb" if self._is_reader else "r+b")
        except FileNotFoundError:
            return
        except OSError as error:
            raise ProfileError(f"cannot open {self.path}: {error.strerror}") from None
        self._file, self._frames, self._committed = file, 0, (0, 0)
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
            raise DamagedFileError(f"{self.path} is no file of flags")
        self._cipher = self._cipher_of(header)
        while (content := self._read_frame(file)) is not None:
            yield self._parsed(content)
            if b'"head"' in content[:8]:
                self._committed = file.tell(), self._frames
        if not self._is_reader:
            self.roll_back()

    def start_anew(self) -> None:
        """Begin a new file, which takes this one's place once a head is in it.

        Raises:
            ProfileError: If it cannot be made.
        """
        header = _MAGIC + os.urandom(_SALT_BYTES)
        self._new = self.path.with_name(f".{self.path.name}.new")
        try:
            if self._file is not None:
                self._file.close()
            self._new.unlink(missing_ok=True)
            descriptor = os.open(self._new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "r+b")
            self._file.write(header)
        except OSError as error:
            raise ProfileError(f"cannot write {self._new}: {error.strerror}") from None
        self._cipher, self._frames = self._cipher_of(header), 0

    def write(self, lines: Iterable[Line]) -> None:
        """Append entries; they count once a head follows."""
        some: list[Sequence[object]] = []
        for line in lines:
            some.append(line)
            if len(some) == _LINES_IN_FRAME:
                self._append({"lines": some})
                some = []
        if some:
            self._append({"lines": some})

    def commit(self, head: Json) -> None:
        """Append the head by which what stands before it is verified; it is on disk then.

        Raises:
            ProfileError: If it cannot be written.
        """
        self._append({"head": head})
        file = self._opened()
        try:
            file.flush()
            os.fsync(file.fileno())
            if self._new is not None:
                self._new.replace(self.path)
                self._new = None
        except OSError as error:
            raise ProfileError(f"cannot write {self.path}: {error.strerror}") from None
        self._committed = file.tell(), self._frames

    def roll_back(self) -> None:
        """Cut off what no head follows; a new file that has none is given up."""
        file = self._opened()
        if self._new is not None:
            file.close()
            self._new.unlink(missing_ok=True)
            self._file = self._new = None
            return
        size, self._frames = self._committed
        file.truncate(max(size, _HEADER_BYTES))
        file.seek(0, os.SEEK_END)

    def _cipher_of(self, header: bytes) -> AESGCM:
        salt = header[len(_MAGIC) :]
        derived = HKDF(SHA256(), 32, salt, b"holdfast/flags/1").derive(self._secret)
        return AESGCM(derived)

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise AssertionError("read it, or start it anew, first")
        return self._file

    def _bound(self) -> bytes:
        return sha256(_MAGIC + self._frames.to_bytes(8, "big")).digest()

    def _append(self, content: Json) -> None:
        if self._cipher is None:
            raise AssertionError("read it, or start it anew, first")
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, canonical_json.dumps(content), self._bound())
        self._frames += 1
        try:
            self._opened().write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        except OSError as error:
            raise ProfileError(f"cannot write {self.path}: {error.strerror}") from None

    def _read_frame(self, file: IO[bytes]) -> bytes | None:
        """Return the next frame; None where the file ends, perhaps within one."""
        length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
        if length > _LONGEST_FRAME:
            raise self._damaged()
        sealed = file.read(length)
        if length == 0 or len(sealed) < length:
            return None
        if self._cipher is None:
            raise AssertionError("its header is read first")
        try:
            content = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound()
            )
        except InvalidTag:
            raise self._damaged() from None
        self._frames += 1
        return content

    def _parsed(self, content: bytes) -> tuple[list[Line], Json | None]:
        try:
            stored = strict_json.loads(content)
            if "head" in stored:
                return [], stored["head"]
            return [Line(*each) for each in stored["lines"]], None
        except (ProtocolError, KeyError, TypeError):
            raise self._damaged() from None

    def _damaged(self) -> DamagedFileError:
        return DamagedFileError(f"{self.path} is damaged, or was written under another key")

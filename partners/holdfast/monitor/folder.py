"""A monitor's folder: its state in one file, the entries in tiles, and what proves an alarm.

```text
state.json          what was verified last; replaced whole, 0600
lock                held by the one monitor that runs
entries             all entries, in the form of bundles (c2sp.org/tlog-tiles), one behind the other
bundles             of each full bundle its root and where it ends, 40 bytes
alarm/…             both checkpoints of an alarm
witness.pem         the key that cosigns, where it does
receipts.sqlite3    what this member was told
```

What lies beyond the size that `state.json` names was not verified, and counts for nothing. So a
monitor that is killed anywhere goes on from where it was.
"""

import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as ModelError

from holdfast.errors import ProfileError
from holdfast.profiles.private_files import make_private_folder, read_private, write_private
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import NoteError, ProtocolError, TileError
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.log_tiles import TILE_WIDTH, TilePlace, read_bundle
from holdfast.protocol.merkle_tree import HASH_BYTES, Frontier, fold, leaf_hash
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.views import LogKeySpanView

_ENTRIES, _INDEX = "entries", "bundles"
#: Of a full bundle: the root over its entries, and where it ends.
_RECORD = struct.Struct(f">{HASH_BYTES}sQ")
_RECORDS_AT_A_TIME = 4_096
#: A bundle of entries with four tags is no longer than the first, and none than the second.
_USUAL_BUNDLE = 1 << 16
_LONGEST_BUNDLE = TILE_WIDTH * (2 + 0xFFFF)


class Alarm(BaseModel):
    """Something that a log must never do.

    Attributes:
        code: Which it was; see `LogAlarmError`.
        message: What was seen, for people.
        files: What was kept of it.
        at: When.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    message: str
    files: list[str]
    at: str


class MonitorState(BaseModel):
    """What `state.json` holds.

    Attributes:
        log: The log's verifier key, the newest.
        keys: All keys that it had, and when each counts; empty where it has one alone.
        size: Of the largest tree that was verified; 0: none was yet.
        frontier: Of that tree, in hex.
        checkpoint: The log's signed note of it.
        watched_from: Entries before this place were there before the monitor was: nobody kept
            receipts of them. None: it never came to an end with the log.
        cosigned: Size of the largest tree that was cosigned, on disk before the cosignature.
        alarm: Stands until somebody takes it back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    log: str
    keys: list[LogKeySpanView] = Field(default_factory=list)
    size: int = 0
    frontier: str = ""
    checkpoint: str = ""
    watched_from: int | None = None
    cosigned: int = 0
    alarm: Alarm | None = None

    def log_keys(self) -> LogKeys:
        """Return the log's keys.

        Raises:
            ProfileError: If they are damaged.
        """
        try:
            if self.keys:
                return LogKeys.from_views(self.keys)
            return LogKeys.of(NoteVerifier.parse(self.log))
        except NoteError:
            raise ProfileError("the monitor's state is damaged: start anew elsewhere") from None

    def tree(self) -> Frontier:
        """Return the frontier of the verified tree.

        Raises:
            ProfileError: If it is damaged.
        """
        try:
            return Frontier.parse(self.size, bytes.fromhex(self.frontier))
        except (ValueError, ProtocolError):
            raise ProfileError("the monitor's state is damaged: start anew elsewhere") from None


def monitor_folder(home: Path, coordinator: str) -> Path:
    """Return where the monitor of a coordinator's log has its folder by default.

    Args:
        home: `$HOLDFAST_HOME`.
        coordinator: Its origin.
    """
    return home / "monitor" / urlsplit(coordinator).netloc.replace(":", "_")


def read_state(folder: Path) -> MonitorState | None:
    """Return what a monitor stored last; None: it stored nothing yet.

    Raises:
        ProfileError: If it is damaged.
    """
    path = folder / "state.json"
    if not path.exists():
        return None
    try:
        return MonitorState.model_validate(strict_json.loads(read_private(path)))
    except (ProtocolError, ModelError) as error:
        raise ProfileError(f"{path} is damaged: {error}; start anew in another folder") from None


class MonitorFolder:
    """The files of one monitor.

    Args:
        path: The folder; it is made where it is not there.
        is_copy: It is there, and only read: a copy of one, perhaps where nothing may be written.

    Raises:
        ProfileError: If it cannot be made.
    """

    def __init__(self, path: Path, *, is_copy: bool = False) -> None:
        self.path = path
        self._flags = os.O_RDONLY if is_copy else os.O_RDWR | os.O_CREAT
        self._files: dict[str, int] = {}
        if is_copy:
            return
        try:
            make_private_folder(path)
            make_private_folder(path / "alarm")
        except OSError as error:
            raise ProfileError(f"cannot create {path}: {error.strerror}") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder while the block runs.

        Raises:
            ProfileError: If another monitor has it.
        """
        with (self.path / "lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ProfileError(
                    f"another monitor works in {self.path}: stop it, or choose another folder"
                ) from None
            yield

    def read(self, trusted: LogKeys) -> MonitorState:
        """Return the state, or that of a monitor that has seen nothing of this log.

        Raises:
            ProfileError: If it is damaged, or of another log: none of its keys is trusted.
        """
        state = read_state(self.path)
        if state is None:
            keys = trusted.views() if len(trusted.spans) > 1 else []
            return MonitorState(log=str(trusted.newest), keys=keys)
        if not set(state.log_keys().keys).intersection(trusted.keys):
            raise ProfileError(
                f"{self.path} watches the log {state.log}, and this is {trusted.newest}, to which"
                " that was not handed over: find out which is right, or watch it in another folder"
            )
        return state

    def write(self, state: MonitorState) -> None:
        """Store the state, behind all that it names.

        Raises:
            ProfileError: If it cannot be written.
        """
        self._sync()
        content = canonical_json.dumps(state.model_dump(mode="json")) + b"\n"
        write_private(self.path / "state.json", content)

    def keep_bundle(self, place: TilePlace, bundle: bytes, root: bytes | None) -> None:
        """Keep a bundle of entries, behind those before; a narrower one becomes its beginning.

        Args:
            place: Which it is; all before it were kept.
            bundle: As the log shows it.
            root: Over its entries, once it is full.

        Raises:
            ProfileError: If it cannot be written.
        """
        start = self._end(place.index - 1)
        try:
            os.pwrite(self._open(_ENTRIES), bundle, start)
            if root is not None:
                record = _RECORD.pack(root, start + len(bundle))
                os.pwrite(self._open(_INDEX), record, place.index * _RECORD.size)
        except OSError as error:
            raise ProfileError(f"cannot write below {self.path}: {error.strerror}") from None

    def entries(self, index: int, count: int) -> list[bytes]:
        """Return the first entries of a bundle that was kept.

        Raises:
            ProfileError: If they are not there any more.
        """
        start = self._end(index - 1)
        for length in (_USUAL_BUNDLE, _LONGEST_BUNDLE):
            kept = os.pread(self._open(_ENTRIES), length, start)
            with suppress(TileError):  # within an entry: it is a longer one
                found = list(islice(read_bundle(kept), count))
                if len(found) == count:
                    return found
        raise _damaged(self.path / _ENTRIES, "it is too short")

    def entry(self, index: int) -> bytes:
        """Return an entry that was verified."""
        return self.entries(index // TILE_WIDTH, index % TILE_WIDTH + 1)[-1]

    def roots_at(self, sizes: Sequence[int]) -> dict[int, bytes]:
        """Return the roots of smaller trees, from what was kept, in one pass.

        Args:
            sizes: Not larger than what was verified.
        """
        found = {}
        tiles = Frontier()
        for size in sorted(set(sizes)):
            full, rest = divmod(size, TILE_WIDTH)
            for root, _ in self._records(tiles.size, full):
                tiles.append(root)
            last = Frontier()
            for entry in self.entries(full, rest) if rest else ():
                last.append(leaf_hash(entry))
            found[size] = fold([*tiles.hashes, *last.hashes])
        return found

    def keep_evidence(self, name: str, content: bytes) -> str:
        """Keep what proves an alarm under a name that is free; return the file's path."""
        for number in range(1, 10_000):
            path = self.path / "alarm" / f"{number}-{name}"
            try:
                write_private(path, content, replace=False)
            except ProfileError:
                if path.exists():
                    continue
                raise
            return str(path)
        raise ProfileError(f"{self.path / 'alarm'} is full: move what lies there away")

    def close(self) -> None:
        """Close its files."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def _open(self, name: str) -> int:
        if name not in self._files:
            path = self.path / name
            try:
                self._files[name] = os.open(path, self._flags | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise ProfileError(f"cannot open {path}: {error.strerror}") from None
        return self._files[name]

    def _end(self, index: int) -> int:
        """Return where a full bundle ends among the entries."""
        if index < 0:
            return 0
        return next(self._records(index, index + 1))[1]

    def _records(self, first: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Yield root and end of full bundles."""
        while first < end:
            count = min(end - first, _RECORDS_AT_A_TIME)
            place, length = first * _RECORD.size, count * _RECORD.size
            packed = os.pread(self._open(_INDEX), length, place)
            if len(packed) < length:
                raise _damaged(self.path / _INDEX, "it is too short")
            yield from _RECORD.iter_unpack(packed)
            first += count

    def _sync(self) -> None:
        """Have all that was written reach the disk."""
        for descriptor in self._files.values():
            os.fsync(descriptor)


def _damaged(path: Path, why: str) -> ProfileError:
    return ProfileError(f"{path} is damaged: {why}; start anew in another folder")

"""What members' monitors kept of the log beyond a restored database, verified entry by entry.

A monitor's folder has the entries that it verified, the checkpoint under which it did, and receipts
of what its member was told: those are often a little newer. Nothing of it is taken on trust. What
is appended must lead from the database's own tree to trees that this log's key signed, and no
checkpoint that anybody shows may lie beside or beyond that.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from coordinator.operations.preparation import PreparationError
from coordinator.transparency_log.signer import Signed, Tree
from holdfast.errors import ProfileError, UntrustedEvidenceError
from holdfast.evidence.log_inclusion import LoggedEntry, NoLogProofError, prove_log_entry
from holdfast.monitor.folder import MonitorFolder, MonitorState, read_state
from holdfast.monitor.receipts import Receipt, read_receipts
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.errors import CheckpointError, LogEntryError, LogError, NoteError
from holdfast.protocol.log_entry import decode_entry
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.log_tiles import TILE_WIDTH
from holdfast.protocol.merkle_tree import Frontier, leaf_hash
from holdfast.protocol.signed_note import NoteVerifier, SignedNote, parse_note

#: More entries than that no commit has, and each receipt has the checkpoint of its own.
_MOST_OF_A_COMMIT = 1_000


class ReconcileFault(StrEnum):
    """Why a restored database cannot be reconciled as was asked."""

    NOT_RESTORED = "not_restored"
    TOO_EARLY = "too_early"
    NOBODY_ASKED = "nobody_asked"
    NO_FOLDER = "no_folder"
    OTHER_LOG = "other_log"
    OTHER_KEY = "other_key"
    BROKEN_FOLDER = "broken_folder"
    NO_CHECKPOINT = "no_checkpoint"
    FORK = "fork"
    GONE = "gone"


class ReconcileError(PreparationError):
    """Nothing was changed.

    Args:
        code: Why.
        message: The same for people, with what to do.
    """

    def __init__(self, code: ReconcileFault, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Shown:
    """A checkpoint that somebody showed.

    Attributes:
        note: Signed by the log, without others' signatures; b"": the signer remembers it.
        where: For people.
    """

    tree: Tree
    note: bytes
    where: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What a restored database lacks.

    Attributes:
        entries: As they stand in the log, behind the database's own.
        checkpoints: The log's notes of trees with them, by size.
    """

    entries: Sequence[bytes]
    checkpoints: dict[int, bytes]


@dataclass(slots=True)
class KeptLogs:
    """Collects what others kept, and holds it against the database's tree.

    Attributes:
        keys: The log's own, as the database has them.
        base: The database's tree; it is not changed.
    """

    keys: LogKeys
    base: Frontier
    _shown: list[_Shown] = field(default_factory=list)
    _folders: list[tuple[int, Path]] = field(default_factory=list)
    _told: dict[int, bytes] = field(default_factory=dict)

    def add_folder(self, path: Path) -> None:
        """Take a monitor's folder in, or a copy of one.

        Raises:
            ReconcileError: If it is none, damaged, or of another log or key.
        """
        state = self._state(path)
        if state.size:
            checkpoint = self._opened(state.checkpoint.encode(), path, ReconcileFault.BROKEN_FOLDER)
            if checkpoint.tree.size != state.size:
                raise _broken(path, "its checkpoint is of another size than it says")
            self._shown.append(checkpoint)
        self._folders.append((state.size, path))
        try:
            for receipt in read_receipts(path, max(0, self.base.size - _MOST_OF_A_COMMIT)):
                with suppress(NoLogProofError, UntrustedEvidenceError):  # it shows nothing
                    self._add_receipt(prove_log_entry(receipt.place, self.keys), receipt, path)
        except ProfileError as error:
            raise _broken(path, str(error)) from None

    def add_checkpoint(self, path: Path) -> None:
        """Take a checkpoint in that somebody shows: a signed note, or a proof with one.

        Raises:
            ReconcileError: If it is none that this log signed.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ReconcileError(
                ReconcileFault.NO_CHECKPOINT, f"{path} cannot be read: {error.strerror}"
            ) from None
        with suppress(LogError):  # a note by itself
            content = parse_log_proof(content).checkpoint
        self._shown.append(self._opened(content, path, ReconcileFault.NO_CHECKPOINT))

    def add_remembered(self, signed: Signed, *, last_commit_failed: bool = False) -> None:
        """Take in how far the log's signer knows that it signed.

        What it signed last it does not know to be committed: a disk that fails in a commit leaves
        a tree behind that nobody was shown. On the operator's word alone that one is passed over.
        """
        trees = (signed.committed,) if last_commit_failed else (signed.committed, signed.largest)
        for tree in trees:
            self._shown.append(_Shown(tree, b"", "what the log's signer remembers"))

    def missing(self) -> Missing:
        """Return what the database lacks, verified; what it has itself is not looked at.

        Raises:
            ReconcileError: If it cannot be brought in line with all that was shown.
        """
        tree = _Growing(self.base, [each for each in self._shown if each.tree.size])
        if self._folders:
            size, path = max(self._folders)
            if size > self.base.size:
                self._grow_by_folder(tree, path, size)
        tree.take_receipts(self._told)
        tree.require_all_reached()
        return tree.proven()

    def older(self) -> list[tuple[Tree, str]]:
        """Return what was shown of trees that are no larger than the database's, and where."""
        return [
            (each.tree, each.where) for each in self._shown if 0 < each.tree.size <= self.base.size
        ]

    def _state(self, path: Path) -> MonitorState:
        try:
            state = read_state(path)
        except ProfileError as error:
            raise _broken(path, str(error)) from None
        if state is None:
            raise ReconcileError(
                ReconcileFault.NO_FOLDER,
                f"{path} is no folder of a monitor: it has no state.json. A member's is "
                "`monitor/HOST` below its HOLDFAST_HOME; have a whole copy of it",
            )
        try:
            watched = NoteVerifier.parse(state.log)
        except NoteError:
            raise _broken(path, "it names no log") from None
        if watched in self.keys.keys:
            return state
        other = watched.name
        if other == self.keys.name:
            raise ReconcileError(
                ReconcileFault.OTHER_KEY,
                f"{path} watches {other} under another key than this coordinator's: restore the "
                "right log-signing.pem, or find out who signed with the other",
            )
        raise ReconcileError(
            ReconcileFault.OTHER_LOG, f"{path} watches {other}, and this log is {self.keys.name}"
        )

    def _opened(self, encoded: bytes, path: Path, code: ReconcileFault) -> _Shown:
        try:
            checkpoint = open_checkpoint(encoded, self.keys)
        except CheckpointError as error:
            raise ReconcileError(code, f"{path}: {error}") from None
        tree = Tree(checkpoint.size, checkpoint.root)
        return _Shown(tree, self._only_own(encoded), str(path))

    def _only_own(self, encoded: bytes) -> bytes:
        """Return a checkpoint with no signature but the log's own."""
        note = parse_note(encoded)
        ids = {key.key_id for key in self.keys.keys}
        own = [line for line in note.signatures if line.key_id in ids]
        return SignedNote(note.text, tuple(own)).encode()

    def _add_receipt(self, logged: LoggedEntry, receipt: Receipt, path: Path) -> None:
        """Take in what a receipt proves: its entry, and the checkpoint of its commit."""
        encoded = parse_log_proof(str(receipt.place["proof"]).encode()).checkpoint
        where = f"a receipt in {path}"
        self._shown.append(
            _Shown(
                Tree(logged.checkpoint.size, logged.checkpoint.root), self._only_own(encoded), where
            )
        )
        self._told[logged.index] = logged.entry.encode()

    def _grow_by_folder(self, tree: "_Growing", path: Path, size: int) -> None:
        """Append what the folder has more; that it leads to the signed tree shows all of it."""
        try:
            for entry in _kept_entries(path, self.base.size, size):
                tree.append(entry)
        except ReconcileError as error:
            if error.code is ReconcileFault.FORK:
                self._tell_fork_from_damage(path, size, error)
            raise
        except (ProfileError, LogEntryError) as error:
            raise _broken(path, str(error)) from None

    def _tell_fork_from_damage(self, path: Path, size: int, fork: ReconcileError) -> None:
        """Raise that the folder is damaged, if what it kept is not what it verified itself."""
        own = Frontier()
        try:
            for entry in _kept_entries(path, 0, size):
                own.append(leaf_hash(entry))
        except ProfileError as error:
            raise _broken(path, str(error)) from None
        signed = next(each.tree for each in self._shown if each.where == str(path))
        if Tree(own.size, own.root()) != signed:
            raise _broken(path, "its entries are not those of the tree that it verified") from fork


class _Growing:
    """The database's tree while entries of others are appended, held against what was shown."""

    def __init__(self, base: Frontier, shown: Sequence[_Shown]) -> None:
        self._tree = Frontier.parse(base.size, base.packed())
        self._base = base.size
        self._beyond: dict[int, list[_Shown]] = {}
        for each in shown:
            if each.tree.size > base.size:
                self._beyond.setdefault(each.tree.size, []).append(each)
        self._entries: list[bytes] = []
        self._proven = base.size
        self._notes: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._tree.size

    def append(self, entry: bytes) -> None:
        """Append an entry.

        Raises:
            LogEntryError: If it is of a form that this release does not know.
            ReconcileError: If somebody was shown another tree of this size.
        """
        decode_entry(entry)
        self._tree.append(leaf_hash(entry))
        self._entries.append(entry)
        for each in self._beyond.get(self.size, ()):
            if each.tree.root != self._tree.root():
                raise ReconcileError(
                    ReconcileFault.FORK,
                    f"{each.where}: the log signed a tree of {each.tree.size} entries there that "
                    f"does not continue the {self._base} of this database, or what others kept. "
                    "That is a fork: change nothing, keep all of it, and find out who had the key",
                )
            self._proven = self.size
            if each.note:
                self._notes[self.size] = each.note

    def take_receipts(self, receipts: dict[int, bytes]) -> None:
        """Append what receipts have, as far as they go without a gap.

        Raises:
            ReconcileError: As `append` does.
        """
        while self.size in receipts:
            try:
                self.append(receipts[self.size])
            except LogEntryError:
                return

    def require_all_reached(self) -> None:
        """Refuse to go on from less than what anybody was shown.

        Raises:
            ReconcileError: If entries of it are gone.
        """
        largest = max(self._beyond, default=0)
        if largest <= self.size:
            return
        where = self._beyond[largest][0].where
        raise ReconcileError(
            ReconcileFault.GONE,
            f"the log was signed at {largest} entries ({where}), and entries from {self.size} on "
            "are in no folder that was named. Going on without them would fork the log: name the "
            "folders of more members' monitors with --from",
        )

    def proven(self) -> Missing:
        """Return what leads to the largest tree that was signed; what lies beyond is dropped."""
        kept = self._entries[: self._proven - self._base]
        return Missing(kept, self._notes)


def _kept_entries(path: Path, first: int, end: int) -> Iterator[bytes]:
    """Yield what a monitor's folder has from `first` to before `end`.

    Raises:
        ProfileError: If it is not there any more.
    """
    with closing(MonitorFolder(path, is_copy=True)) as folder:
        while first < end:
            index, known = divmod(first, TILE_WIDTH)
            count = min(TILE_WIDTH, end - first + known)
            yield from folder.entries(index, count)[known:]
            first += count - known


def _broken(path: Path, why: str) -> ReconcileError:
    return ReconcileError(
        ReconcileFault.BROKEN_FOLDER,
        f"{path}: {why}; have another copy made of it, or leave it out",
    )

"""Following the log, so that nobody can rewrite it unseen, and cosigning what was followed.

    from holdfast import LogMonitor, PublicLog, Transport

    log = PublicLog(Transport(None, "https://coordinator.example"))
    with LogMonitor(folder, log_key, log) as monitor:
        print(monitor.step().size)

A step (1) takes the checkpoint that witnesses are asked to cosign and the published one, (2) has
each continue the tree that was verified before, from the entries themselves, (3) looks every
receipt up, and (4) whether something was logged for this member and not delivered. What a log must
never do raises `LogAlarmError`, and so does every further step until `acknowledge`.

The log's key may be replaced: an entry says so under the key that was trusted so far
(`holdfast.protocol.log_keys`). It is taken once that entry stands in the verified tree; another key
than those is an alarm.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import NoReturn, Self

from holdfast.errors import (
    HoldfastError,
    LogAlarmError,
    LogHandoverError,
    UntrustedEvidenceError,
)
from holdfast.evidence.log_handover import (
    follow_log_keys,
    read_statements,
    with_predecessors,
    with_successors,
)
from holdfast.evidence.log_inclusion import (
    LoggedEntry,
    NoLogProofError,
    entry_of,
    prove_log_entry,
)
from holdfast.monitor.folder import Alarm, MonitorFolder, MonitorState, read_state
from holdfast.monitor.receipts import LogReceipts, Owed, Receipt
from holdfast.monitor.source import LogSource
from holdfast.monitor.witness import Witness
from holdfast.protocol import canonical_json
from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from holdfast.protocol.cosignature import check_cosignatures
from holdfast.protocol.errors import (
    CheckpointError,
    CosignatureError,
    LogEntryError,
    LogError,
    TreeProofError,
)
from holdfast.protocol.log_entry import LogEntry, decode_entry
from holdfast.protocol.log_keys import KEY_CHANGES, KeyChange, LogKeys, TrustedLog
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.log_tiles import TILE_WIDTH, TilePlace, unbundle_entries
from holdfast.protocol.merkle_tree import (
    Frontier,
    check_consistency,
    complete_root,
    leaf_hash,
)
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.protocol.signed_note import SignedNote, parse_note

#: So many receipts are looked up at a time.
_RECEIPTS_AT_A_TIME = 500
#: How long the coordinator may take to deliver what it logged, unless told otherwise.
PATIENCE = timedelta(hours=24)
_TILE_LEVEL = TILE_WIDTH.bit_length() - 1
_UNDELIVERED = "undelivered"
_OURS, _THEIRS = "ours.checkpoint", "theirs.checkpoint"


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to.

    Attributes:
        at: When.
        size: Entries that are verified.
        added: How many of them are new.
        published: Size of the published checkpoint; 0: none is published.
        cosigned: Size of the tree that was cosigned and handed in; 0: nothing was to be.
        not_taken: Why a cosignature was not taken; "": it was, or there was none.
        receipts: How many receipts there are.
        found: How many of them are in the log.
        undelivered: What was logged for this member and of which it has no receipt yet.
        key_changes: What the new entries say of the log's keys.
    """

    at: datetime
    size: int
    added: int
    published: int
    cosigned: int = 0
    not_taken: str = ""
    receipts: int = 0
    found: int = 0
    undelivered: Sequence[Owed] = ()
    key_changes: Sequence[KeyChange] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """How far a monitor is, as its folder has it.

    Attributes:
        size: Entries that are verified.
        alarm: What it gave the alarm about; None: nothing.
        receipts: How many receipts there are.
        found: How many of them are in the log.
    """

    size: int
    alarm: str | None
    receipts: int
    found: int


def look_at_monitor(folder: Path) -> Watched:
    """Return how far the monitor of a folder is, whether it runs or not.

    Raises:
        ProfileError: If the folder is damaged.
    """
    state = read_state(folder)
    with closing(LogReceipts(folder)) as kept:
        receipts, found = kept.count()
    if state is None:
        return Watched(0, None, receipts, found)
    alarm = None if state.alarm is None else state.alarm.message
    return Watched(state.size, alarm, receipts, found)


@dataclass(slots=True)
class LogMonitor:
    """One monitor of one log, with its folder.

    Attributes:
        folder: Its own; no two monitors may have one.
        log_key: The log's key or keys, from where one trusts them.
        source: The log.
        witness: Cosigns; None: it only watches.
        is_mine: Tells of an entry, by its place, whether this member was told of it (by its routing
            tags); None: that cannot be told.
        patience: How long the coordinator may take to deliver.
        now: The time, aware.
    """

    folder: Path
    log_key: TrustedLog
    source: LogSource
    witness: Witness | None = None
    is_mine: Callable[[int, LogEntry], bool] | None = None
    patience: timedelta = PATIENCE
    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC)
    _files: MonitorFolder = field(init=False)
    _receipts: LogReceipts = field(init=False)
    _state: MonitorState = field(init=False)
    _keys: LogKeys = field(init=False)
    _changes: list[KeyChange] = field(init=False, default_factory=list)
    _about_keys: list[int] = field(init=False, default_factory=list)
    _closing: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Take the folder.

        Raises:
            ProfileError: If another monitor has it, or it is damaged.
        """
        self._files = MonitorFolder(self.folder)
        with ExitStack() as opened:
            opened.enter_context(self._files.locked())
            opened.callback(self._files.close)
            self._state = self._files.read(LogKeys.of(self.log_key))
            self._keys = self._state.log_keys()
            self._receipts = LogReceipts(self.folder)
            opened.callback(self._receipts.close)
            self._closing = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the folder."""
        self._closing.close()

    @property
    def size(self) -> int:
        """How many entries are verified."""
        return self._state.size

    @property
    def log_keys(self) -> LogKeys:
        """The log's keys, as far as this monitor has seen it hand over to them."""
        return self._keys

    def acknowledge(self) -> bool:
        """Take an alarm back, which somebody looked into; return whether there was one.

        What was kept of it stays. If the log still is as it was, the next step raises it again; but
        what was not delivered is not asked for again, for a coordinator that was restored has it no
        more (`log.restored`).
        """
        alarm = self._state.alarm
        if alarm is not None and alarm.code == _UNDELIVERED:
            self._receipts.forgive(parse_time(alarm.at) - self.patience)
        self._store(alarm=None)
        return alarm is not None

    def step(self) -> Step:
        """Catch up with the log once.

        Raises:
            LogAlarmError: The log did what it must never do, now or before.
            UntrustedEvidenceError: What was read is not signed by the log.
            HoldfastError: The log cannot be read at present.
        """
        self._require_no_alarm()
        before = self._state.size
        self._changes = []
        held_out = None if self.witness is None else self.source.held_out()
        cosigned, not_taken = 0, ""
        if held_out is not None:
            self._see(held_out)
            cosigned, not_taken = self._cosign(held_out)
        encoded = self.source.published()
        published = 0 if encoded is None else self._see(encoded).size
        if published < self._state.size:
            self._require_not_rolled_back(encoded or b"")
        if self._state.watched_from is None:
            # What was logged before there was a monitor has no receipts here.
            self._store(watched_from=self._state.size)
        self._find_receipts()
        undelivered = self._receipts.undelivered()
        self._require_delivered(undelivered)
        receipts, found = self._receipts.count()
        return Step(
            at=self.now(),
            size=self._state.size,
            added=self._state.size - before,
            published=published,
            cosigned=cosigned,
            not_taken=not_taken,
            receipts=receipts,
            found=found,
            undelivered=undelivered,
            key_changes=tuple(self._changes),
        )

    def _store(self, **changes: object) -> None:
        state = self._state.model_copy(update=changes)
        self._files.write(state)
        self._state = state

    def _see(self, encoded: bytes) -> Checkpoint:
        """Take a checkpoint in that the log shows, and return it."""
        try:
            checkpoint = open_checkpoint(encoded, self._keys)
        except CheckpointError as error:
            checkpoint = self._see_other_key(encoded, error)
        if checkpoint.size > self._state.size:
            self._grow(checkpoint, encoded)
        elif checkpoint.size:
            self._require_same(checkpoint, encoded)
        return checkpoint

    def _see_other_key(self, encoded: bytes, fault: CheckpointError) -> Checkpoint:
        """Return a checkpoint under a key to which the log handed over behind what was verified.

        Whether the entry that says so is in the tree is seen as that grows.
        """
        if not self._is_by_other_key(encoded):
            raise UntrustedEvidenceError(
                f"the log shows something that it did not sign: {fault}", code="no_checkpoint"
            )
        statements = self.source.key_statements()
        try:
            checkpoint = open_checkpoint(encoded, follow_log_keys(self._keys, statements))
        except (LogHandoverError, CheckpointError) as error:
            if not self._state.size:
                # It never saw the log under the key that it was given: that may be a wrong one.
                raise UntrustedEvidenceError(
                    f"the log shows something that {self._keys.newest} did not sign, and that key"
                    f" did not hand over: {error}",
                    code="no_checkpoint",
                ) from None
            self._raise(
                "key",
                f"the log's checkpoint is signed with another key than {self._keys.newest}, and"
                f" the log did not hand over to it: {error}",
                encoded,
                {"statements.jsonl": b"\n".join(statements)},
            )
        if checkpoint.size <= self._state.size:
            self._raise(
                "key",
                f"the log's checkpoint of {checkpoint.size} entries is signed with another key than"
                f" {self._keys.newest}, and none of those entries hands over to it",
                encoded,
                {"statements.jsonl": b"\n".join(statements)},
            )
        return checkpoint

    def _is_by_other_key(self, encoded: bytes) -> bool:
        """Tell a checkpoint in the log's name from what anything else may answer."""
        try:
            note = parse_note(encoded)
            checkpoint = parse_checkpoint(note)
        except LogError:
            return False
        name = self._keys.name
        counting = {key.key_id for key in self._keys.counting_at(checkpoint.size)}
        ids = {each.key_id for each in note.signatures if each.name == name}
        # A signature that does not verify is anybody's, under whichever key it is said to be.
        return checkpoint.origin == name and bool(ids) and counting.isdisjoint(ids)

    def _take_key_changes(self, first: int, checkpoint: Checkpoint, encoded: bytes) -> None:
        """Take in what the tree's new entries say of the log's keys.

        Args:
            first: Index of the first entry that is new.
            checkpoint: Of the tree, which its entries make up.
            encoded: Its note.
        """
        said = [index for index in self._about_keys if first <= index < checkpoint.size]
        if not said:
            self._require_by_own_key(checkpoint, encoded)
            return
        statements = self.source.key_statements()
        others = {"statements.jsonl": b"\n".join(statements)}
        try:
            shown = read_statements(statements)
            inside = [change for change in shown if change.index < checkpoint.size]
            keys = with_successors(with_predecessors(self._keys, shown), inside)
        except LogHandoverError as error:
            self._raise("key", f"the log's key does not follow: {error}", encoded, others)
        new = {change.index: change for change in inside if change.index >= first}
        if new.keys() != set(said) or any(
            entry_of(change.place)[1] != self._files.entry(index) for index, change in new.items()
        ):
            self._raise(
                "key",
                f"the log has the entries {said} about its key, and shows others, or not to which"
                " key it goes over",
                encoded,
                others,
            )
        self._keys = keys
        self._changes += [each for each in new.values() if each.old.name == keys.name]
        self._require_by_own_key(checkpoint, encoded)

    def _require_by_own_key(self, checkpoint: Checkpoint, encoded: bytes) -> None:
        """Refuse a checkpoint under a key to which no entry of its tree hands over."""
        try:
            open_checkpoint(encoded, self._keys)
        except CheckpointError as error:
            self._raise(
                "key",
                f"none of the {checkpoint.size} entries hands over to the key that signed their"
                f" checkpoint: {error}",
                encoded,
            )

    def _require_same(self, checkpoint: Checkpoint, encoded: bytes) -> None:
        """Hold a checkpoint of a tree that was seen before against what was kept of it."""
        size = checkpoint.size
        own = self._files.roots_at([size])[size]
        if own != checkpoint.root:
            self._raise(
                "fork",
                f"the log signed two trees: that of {size} entries is not the one that was"
                f" verified here",
                encoded,
            )

    def _grow(self, checkpoint: Checkpoint, encoded: bytes) -> None:
        """Verify that a checkpoint continues what was verified, and go on to it."""
        frontier = self._state.tree()
        first = frontier.size
        self._about_keys = []
        while frontier.size < checkpoint.size:
            self._take_bundle(frontier, checkpoint, encoded)
        if frontier.root() != checkpoint.root:
            self._raise_mismatch(checkpoint, encoded)
        self._take_key_changes(first, checkpoint, encoded)
        self._store(
            log=str(self._keys.newest),
            keys=self._keys.views() if len(self._keys.spans) > 1 else [],
            size=frontier.size,
            frontier=frontier.packed().hex(),
            checkpoint=encoded.decode(),
        )

    def _take_bundle(self, frontier: Frontier, checkpoint: Checkpoint, encoded: bytes) -> None:
        """Append the entries of the next bundle."""
        index, known = divmod(frontier.size, TILE_WIDTH)
        first = frontier.size - known
        place = TilePlace(index, min(TILE_WIDTH, checkpoint.size - first))
        bundle = self.source.entries(place)
        if bundle is None:
            self._raise(
                "omitted",
                f"the log signed {checkpoint.size} entries and does not show those from"
                f" {frontier.size} on",
                encoded,
            )
        try:
            entries = unbundle_entries(bundle)
        except LogError:
            entries = []
        if len(entries) != place.width or (
            known and entries[:known] != self._files.entries(index, known)
        ):
            self._raise_mismatch(checkpoint, encoded, {"entries.bundle": bundle})
        self._note_mine(frontier.size, entries[known:])
        self._about_keys += _about_keys(frontier.size, entries[known:])
        hashes = [leaf_hash(entry) for entry in entries[known:]]
        root = None
        if len(hashes) == TILE_WIDTH:
            root = complete_root(hashes)
            frontier.append_subtree(_TILE_LEVEL, root)
        else:
            for value in hashes:
                completed = frontier.append(value)
                root = completed[_TILE_LEVEL] if len(completed) > _TILE_LEVEL else None
        self._files.keep_bundle(place, bundle, root)

    def _note_mine(self, first: int, entries: Sequence[bytes]) -> None:
        """Note which entries were logged for this member."""
        is_mine = self.is_mine
        if is_mine is None or self._state.watched_from is None:
            return
        seen = self.now()
        owed = [
            Owed(index, entry.type, entry.at, seen)
            for index, entry in _decoded(first, entries)
            if is_mine(index, entry)
        ]
        if owed:
            self._receipts.owe(owed)

    def _raise_mismatch(
        self,
        checkpoint: Checkpoint,
        encoded: bytes,
        others: Mapping[str, bytes] = MappingProxyType({}),
    ) -> NoReturn:
        """Say whether the log was rewritten, or only shows other entries than it signed."""
        size = self._state.size
        try:
            proof = self.source.consistency(size, checkpoint.size) if size else None
        except HoldfastError:
            # It need not answer to be caught: what it showed is at hand, and so is what it signed.
            is_continued = True
        else:
            is_continued = not size or (proof is not None and self._continues(checkpoint, proof))
        if is_continued:
            self._raise(
                "altered",
                f"the entries that the log shows do not make up the tree of {checkpoint.size} that"
                " it signed",
                encoded,
                others,
            )
        self._raise(
            "fork",
            f"the log's tree of {checkpoint.size} entries does not continue that of {size} that"
            " was verified here: it was rewritten, or there are two",
            encoded,
            others,
        )

    def _continues(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bool:
        tree = self._state.tree()
        try:
            check_consistency(tree.size, checkpoint.size, tree.root(), checkpoint.root, proof)
        except TreeProofError:
            return False
        return True

    def _require_not_rolled_back(self, encoded: bytes) -> None:
        """Accept an older published checkpoint where the log still has all that it had.

        Caches show one for a second, and so does a quorum that is not met yet.
        """
        size = self._state.size
        if self.source.consistency(size, size) is None:
            self._raise(
                "rollback",
                f"the log has no {size} entries any more, and they were verified here",
                encoded,
            )

    def _cosign(self, encoded: bytes) -> tuple[int, str]:
        """Cosign what continues all that was seen; return the size, and why it was not taken."""
        witness = self.witness
        note = parse_note(encoded)
        size = open_checkpoint(encoded, self._keys).size
        if witness is None or size != self._state.size or size < self._state.cosigned:
            return 0, ""
        try:
            if check_cosignatures(note, [witness.verifier]):
                return 0, ""  # it is there already
        except CosignatureError:
            pass  # not of our making: a good one takes its place
        # On disk first: whatever happens then, nothing smaller is ever cosigned.
        self._store(cosigned=size)
        made = SignedNote(note.text, (witness.cosign(note.text, self.now()),))
        try:
            self.source.hand_in(made.encode())
        except HoldfastError as error:
            return 0, str(error)
        return size, ""

    def _find_receipts(self) -> None:
        """Look up every receipt that was not found yet."""
        after = 0
        newest: LoggedEntry | None = None
        newest_note = b""
        while receipts := self._receipts.to_find(_RECEIPTS_AT_A_TIME, after):
            after = receipts[-1].id
            proven = [(each, self._proven(each)) for each in receipts]
            self._require_roots(proven)
            found = [each for each, logged in proven if self._is_included(each, logged)]
            self._receipts.found(found)
            for each, logged in proven:
                if logged is not None and (
                    newest is None or newest.checkpoint.size < logged.checkpoint.size
                ):
                    newest, newest_note = logged, _note_of(each)
        if newest is not None and self._state.size:
            self._require_reached(newest.checkpoint, newest_note)

    def _proven(self, receipt: Receipt) -> LoggedEntry | None:
        """Return what a receipt proves by itself; None: it is from before there were proofs."""
        try:
            return prove_log_entry(receipt.place, self._keys)
        except NoLogProofError:
            return None
        except UntrustedEvidenceError as error:
            if self._is_ahead(receipt):
                return None  # the handover to its key is not verified here yet
            self._raise(
                "omitted",
                f"a receipt of this member does not prove that it is in the log: {error}",
                _note_of(receipt),
                {"receipt.json": canonical_json.dumps(dict(receipt.place))},
            )

    def _is_ahead(self, receipt: Receipt) -> bool:
        """Tell whether a receipt is under another key than the known ones, and a larger tree."""
        note = _note_of(receipt)
        try:
            size = parse_checkpoint(parse_note(note)).size
        except LogError:
            return False
        return size > self._state.size and self._is_by_other_key(note)

    def _require_roots(self, proven: Sequence[tuple[Receipt, LoggedEntry | None]]) -> None:
        """Hold the checkpoints of receipts against the tree."""
        known = [
            (receipt, logged.checkpoint)
            for receipt, logged in proven
            if logged is not None and logged.checkpoint.size <= self._state.size
        ]
        roots = self._files.roots_at([checkpoint.size for _, checkpoint in known])
        for receipt, checkpoint in known:
            if roots[checkpoint.size] != checkpoint.root:
                self._raise(
                    "fork",
                    f"a receipt of this member bears another tree of {checkpoint.size} entries"
                    " than the one that was verified here",
                    _note_of(receipt),
                    {"receipt.json": canonical_json.dumps(dict(receipt.place))},
                )

    def _is_included(self, receipt: Receipt, logged: LoggedEntry | None) -> bool:
        """Tell whether a receipt's entry stands in its place; False: the log is not there yet."""
        try:
            place, entry = entry_of(receipt.place)
        except UntrustedEvidenceError:
            place, entry = -1, b""
        reached = place if logged is None else logged.checkpoint.size - 1
        if reached >= self._state.size:
            return False
        if place < 0 or self._files.entry(place) != entry:
            self._raise(
                "omitted",
                f"what this member was told of as entry {receipt.place.get('leaf_index')} does not"
                " stand there in the log",
                _note_of(receipt),
                {"receipt.json": canonical_json.dumps(dict(receipt.place))},
            )
        return True

    def _require_reached(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Have the log show that it comes to what it signed in a receipt.

        The published checkpoint may lag behind; the log itself may not.
        """
        if checkpoint.size <= self._state.size:
            return
        proof = self.source.consistency(self._state.size, checkpoint.size)
        if proof is None:
            self._raise(
                "rollback",
                f"the log signed {checkpoint.size} entries in a receipt of this member, and has not"
                " as many any more",
                note,
            )
        if not self._continues(checkpoint, proof):
            self._raise(
                "fork",
                f"a receipt of this member bears a tree of {checkpoint.size} entries that does not"
                f" continue the one of {self._state.size} that was verified here",
                note,
            )

    def _require_delivered(self, undelivered: Sequence[Owed]) -> None:
        overdue = [each for each in undelivered if self.now() - each.seen_at > self.patience]
        if overdue:
            first = overdue[0]
            self._raise(
                _UNDELIVERED,
                f"{len(overdue)} entries were logged for this member and not delivered, the first"
                f" is {first.index}: {first.type} at {format_time(first.at)}",
                b"",
            )

    def _require_no_alarm(self) -> None:
        alarm = self._state.alarm
        if alarm is not None:
            raise LogAlarmError(
                f"the alarm of {alarm.at} stands: {alarm.message}",
                code=alarm.code,
                files=alarm.files,
            )

    def _raise(
        self,
        code: str,
        message: str,
        theirs: bytes,
        others: Mapping[str, bytes] = MappingProxyType({}),
    ) -> NoReturn:
        """Keep both checkpoints and what else proves it, remember the alarm, and raise it."""
        kept = {_OURS: self._state.checkpoint.encode(), _THEIRS: theirs, **others}
        files = [
            self._files.keep_evidence(f"{code}-{name}", content)
            for name, content in kept.items()
            if content
        ]
        at = format_time(self.now())
        whole = f"{message}. Kept: {', '.join(files) or 'nothing'}"
        self._store(alarm=Alarm(code=code, message=whole, files=files, at=at))
        raise LogAlarmError(whole, code=code, files=files)


def _decoded(first: int, entries: Sequence[bytes]) -> Iterator[tuple[int, LogEntry]]:
    """Yield entries with their places."""
    for index, encoded in enumerate(entries, first):
        try:
            yield index, decode_entry(encoded)
        except LogEntryError:
            continue  # of a later version of the log; the tree commits to it all the same


def _about_keys(first: int, entries: Sequence[bytes]) -> list[int]:
    """Return the places of entries that say something of the log's keys."""
    return [index for index, entry in _decoded(first, entries) if entry.type in KEY_CHANGES]


def _note_of(receipt: Receipt) -> bytes:
    """Return the checkpoint that a receipt bears."""
    try:
        return parse_log_proof(str(receipt.place.get("proof")).encode()).checkpoint
    except LogError:
        return b""

"""The monitor: what it verifies and keeps, what it cosigns, and when it gives the alarm."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from holdfast import (
    LogAlarmError,
    LogMonitor,
    LogReceipts,
    PublicLog,
    Transport,
    UntrustedEvidenceError,
    Witness,
)
from holdfast.errors import ProfileError, TransportError, problem_error
from holdfast.protocol.cosignature import check_cosignatures
from holdfast.protocol.log_tiles import TilePlace, read_bundle
from holdfast.protocol.routing_tag import routing_tag
from holdfast.protocol.signed_note import SignedNote, parse_note
from tests.partners.logged_events import EVENTS
from tests.partners.memory_log import AT, LOG, MemoryLog, Tree, entry

TAG_KEY = b"t" * 32


def entries(count: int) -> list[bytes]:
    return [entry(number) for number in range(count)]


@dataclass
class Watch:
    """A monitor that is started again for each step, as after a kill."""

    folder: Path
    log: MemoryLog
    options: dict[str, Any] = field(default_factory=dict)
    at: Any = AT

    def step(self) -> Any:
        with self.monitor() as monitor:
            return monitor.step()

    def monitor(self) -> LogMonitor:
        return LogMonitor(self.folder, LOG, self.log, now=lambda: self.at, **self.options)

    def keep(self, *receipts: dict[str, Any]) -> None:
        with closing(LogReceipts(self.folder)) as store:
            for each in receipts:
                store.keep(each)

    def alarm(self) -> LogAlarmError:
        with pytest.raises(LogAlarmError) as raised:
            self.step()
        return raised.value


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path / "monitor", MemoryLog(Tree(entries(5))))


def test_it_follows_a_log_through_bundles_and_restarts(watch: Watch) -> None:
    sizes = [5, 5, 200, 256, 257, 700, 1024]
    for size in sizes:
        watch.log.show(entries(size))
        assert watch.step().size == size
    assert list(read_bundle((watch.folder / "entries").read_bytes())) == entries(1024)
    assert S_IMODE((watch.folder / "state.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("stop", range(1, 8))
def test_it_goes_on_from_where_it_was_wherever_it_was_stopped(watch: Watch, stop: int) -> None:
    """Every write and every read may be the last; what was not verified counts for nothing."""
    watch.step()
    read = watch.log.entries
    calls = 0

    def breaking(place: TilePlace) -> bytes | None:
        nonlocal calls
        calls += 1
        if calls == stop:
            raise TransportError("gone")
        return read(place)

    watch.log.show(entries(1500))
    watch.log.entries = breaking  # type: ignore[method-assign]
    if stop <= 6:
        with pytest.raises(TransportError):
            watch.step()
    watch.log.entries = read  # type: ignore[method-assign]
    watch.log.show(entries(1300))
    assert watch.step().size == 1300
    watch.log.show(entries(1600))
    assert watch.step().size == 1600


def test_two_monitors_never_share_a_folder(watch: Watch) -> None:
    with watch.monitor(), pytest.raises(ProfileError, match="another monitor"), watch.monitor():
        pass
    assert watch.step().size == 5


def test_a_folder_is_of_one_log(watch: Watch) -> None:
    watch.step()
    other = type(LOG)("d.example/v1/log", LOG.key)
    with (
        pytest.raises(ProfileError, match="watches the log"),
        LogMonitor(watch.folder, other, watch.log),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"log": 1}'])
def test_a_damaged_state_is_said(watch: Watch, content: bytes) -> None:
    watch.step()
    (watch.folder / "state.json").write_bytes(content)
    with pytest.raises(ProfileError, match="damaged"):
        watch.step()


def test_a_fork_keeps_both_checkpoints_and_stands_until_somebody_acts(watch: Watch) -> None:
    watch.step()
    ours = watch.log.tree.signed()
    watch.log.show([*entries(3), entry(3, "other"), *entries(6)[4:]])
    alarm = watch.alarm()
    assert alarm.code == "fork"
    kept = {
        Path(file).name: Path(file).read_bytes()
        for file in alarm.files
        if file.endswith(".checkpoint")
    }
    assert kept == {
        "1-fork-ours.checkpoint": ours,
        "1-fork-theirs.checkpoint": watch.log.tree.signed(),
    }
    assert all(file in str(alarm) for file in alarm.files)
    # Though the log is as it was before: nobody has looked into it yet.
    watch.log.show(entries(6))
    assert "stands" in str(watch.alarm())
    with watch.monitor() as monitor:
        assert monitor.acknowledge()
        assert monitor.step().size == 6
        assert not monitor.acknowledge()
    assert all(Path(file).exists() for file in alarm.files)


def test_a_fork_of_the_same_size_and_of_a_smaller_one_is_seen(watch: Watch) -> None:
    watch.step()
    for size in (5, 4, 1):
        watch.log.show([entry(0, "other"), *entries(size)[1:]])
        assert watch.alarm().code == "fork"
        with watch.monitor() as monitor:
            monitor.acknowledge()


def test_an_older_checkpoint_is_no_alarm_while_the_log_has_all(watch: Watch) -> None:
    """Caches show one for a second, and a quorum takes its time."""
    older = watch.log.tree.signed()
    watch.log.show(entries(9))
    watch.step()
    watch.log.checkpoint = older
    step = watch.step()
    assert (step.size, step.published) == (9, 5)
    watch.log.is_published = False
    step = watch.step()
    assert (step.size, step.published) == (9, 0)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_a_rollback_is_seen(watch: Watch, size: int) -> None:
    watch.step()
    watch.log.show(entries(size))
    assert watch.alarm().code == "rollback"


def test_entries_that_were_not_signed_are_no_fork(watch: Watch) -> None:
    watch.step()
    watch.log.show(entries(9))
    watch.log.entries_shown = [*entries(7), entry(7, "other"), *entries(9)[8:]]
    assert watch.alarm().code == "altered"


def test_a_log_is_caught_though_it_answers_nothing_more(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.step()
    watch.log.show([entry(0, "other"), *entries(9)[1:]])

    def silent(*_: int) -> None:
        raise TransportError("no answer")

    monkeypatch.setattr(watch.log, "consistency", silent)
    alarm = watch.alarm()
    assert alarm.code == "altered"
    assert any(file.endswith("theirs.checkpoint") for file in alarm.files)


@pytest.mark.parametrize("code", ["not_in_log", None])
def test_that_something_is_gone_the_log_must_say_itself(code: str | None) -> None:
    """A proxy's "404 Not Found", while the coordinator is away, is no rollback."""
    problem = {"type": "about:blank", "title": "Not there", "status": 404, "code": code}
    error = problem_error(404, None if code is None else problem)

    class Answering(Transport):
        def read_public(self, _: str) -> Any:
            raise error

        def read_public_bytes(self, _: str) -> bytes:
            raise error

    log = PublicLog(Answering(None, "https://c.example"))
    reads: list[Callable[[], object]] = [
        log.published,
        log.held_out,
        lambda: log.entries(TilePlace(0)),
        lambda: log.consistency(1, 1),
    ]
    for read in reads:
        if code is not None:
            assert read() is None
        else:
            with pytest.raises(TransportError):
                read()


def test_entries_that_were_read_before_must_stay(watch: Watch) -> None:
    watch.step()
    watch.log.show(entries(9))
    watch.log.entries_shown = [entry(0, "other"), *entries(9)[1:]]
    alarm = watch.alarm()
    assert alarm.code == "altered"
    assert any(file.endswith("entries.bundle") for file in alarm.files)


def test_entries_that_are_withheld_are_an_omission(watch: Watch) -> None:
    watch.step()
    larger = Tree(entries(9))
    watch.log.checkpoint = larger.signed()
    assert watch.alarm().code == "omitted"


@pytest.mark.parametrize(
    "note", [b"", b"<html>", Tree(entries(7)).signed(origin="d.example/v1/log")]
)
def test_what_the_log_did_not_sign_is_not_believed(watch: Watch, note: bytes) -> None:
    watch.step()
    watch.log.checkpoint = note or b"x"
    with pytest.raises(UntrustedEvidenceError) as raised:
        watch.step()
    assert not isinstance(raised.value, LogAlarmError)
    watch.log.checkpoint = None
    assert watch.step().size == 5


def test_receipts_are_found(watch: Watch) -> None:
    watch.keep(*(watch.log.tree.receipt(index) for index in range(5)))
    watch.keep(watch.log.tree.receipt(3))
    step = watch.step()
    assert (step.receipts, step.found) == (5, 5)


def test_a_receipt_of_what_is_not_published_yet_waits(watch: Watch) -> None:
    older = watch.log.tree.signed()
    watch.log.show(entries(9))
    watch.log.checkpoint = older
    watch.keep(watch.log.tree.receipt(7))
    step = watch.step()
    assert (step.size, step.receipts, step.found) == (5, 1, 0)
    watch.log.checkpoint = None
    assert watch.step().found == 1


def test_a_receipt_that_the_log_does_not_come_to_is_a_rollback(watch: Watch) -> None:
    watch.keep(Tree(entries(9)).receipt(7))
    assert watch.alarm().code == "rollback"


def test_a_receipt_of_another_tree_is_a_fork(watch: Watch) -> None:
    other = Tree([entry(0, "other"), *entries(9)[1:]])
    watch.keep(other.receipt(7))
    watch.log.show(entries(9))
    alarm = watch.alarm()
    assert alarm.code == "fork"
    assert other.signed() in [Path(file).read_bytes() for file in alarm.files]


def test_a_receipt_of_another_tree_that_is_larger_is_a_fork(watch: Watch) -> None:
    watch.keep(Tree([entry(0, "other"), *entries(9)[1:]]).receipt(7))
    older = watch.log.tree.signed()
    watch.log.show(entries(12))
    watch.log.checkpoint = older
    assert watch.alarm().code == "fork"


def test_a_receipt_without_proof_is_looked_up_in_its_place(watch: Watch) -> None:
    receipt = watch.log.tree.receipt(2)
    del receipt["proof"]
    watch.keep(receipt)
    assert watch.step().found == 1
    watch.keep({**receipt, "leaf_index": 3})
    assert watch.alarm().code == "omitted"


def test_a_receipt_whose_proof_proves_nothing_is_told(watch: Watch) -> None:
    watch.keep({**watch.log.tree.receipt(2), "commitment": "0" * 64})
    assert watch.alarm().code == "omitted"


@pytest.mark.parametrize("place", [{}, {"leaf_index": "1"}, {"leaf_index": -1}])
def test_what_is_no_receipt_is_not_kept(watch: Watch, place: dict[str, Any]) -> None:
    with pytest.raises(UntrustedEvidenceError):
        watch.keep(place)


def test_events_are_kept_as_they_came(tmp_path: Path) -> None:
    store = LogReceipts(tmp_path)
    for event in (EVENTS[3], EVENTS[3], EVENTS[4]):
        store.keep_event(event)
    assert store.count() == (2, 0)
    with pytest.raises(UntrustedEvidenceError):
        store.keep_event(EVENTS[3].replace(b'"700"', b'"701"'))
    store.close()


def _tagged(number: int) -> bytes:
    plain = entry(number)
    tag = routing_tag(TAG_KEY, plain[18:34])
    return entry(number, tags=(bytes(16), tag, bytes(16), bytes(16)))


def test_what_was_logged_for_this_member_must_be_delivered(watch: Watch) -> None:
    watch.options = {
        "is_mine": lambda _, entry: routing_tag(TAG_KEY, entry.leaf_id) in entry.tags,
        "patience": timedelta(hours=1),
    }
    # What came before the monitor has no receipts here.
    before = [*entries(4), _tagged(4)]
    watch.log.show(before)
    assert watch.step().undelivered == []
    grown = [*before, entry(5), _tagged(6), _tagged(7)]
    watch.log.show(grown)
    assert [each.index for each in watch.step().undelivered] == [6, 7]
    watch.keep(watch.log.tree.receipt(6))
    watch.at += timedelta(hours=1)
    [owed] = watch.step().undelivered
    assert (owed.index, owed.type, owed.at) == (7, "freeze.frozen", AT + timedelta(seconds=7))
    watch.at += timedelta(seconds=1)
    alarm = watch.alarm()
    assert alarm.code == "undelivered"
    assert "the first is 7: freeze.frozen" in str(alarm)
    watch.keep(watch.log.tree.receipt(7))
    with watch.monitor() as monitor:
        monitor.acknowledge()
        assert monitor.step().undelivered == []


def test_what_is_never_delivered_is_looked_into_once(watch: Watch) -> None:
    """A coordinator that was restored has lost it, and nobody else's alarm is drowned by it."""
    watch.options = {
        "is_mine": lambda _, entry: routing_tag(TAG_KEY, entry.leaf_id) in entry.tags,
        "patience": timedelta(hours=1),
    }
    watch.log.show(entries(4))
    watch.step()
    grown = [*entries(4), _tagged(4)]
    watch.log.show(grown)
    watch.step()
    watch.at += timedelta(minutes=50)
    watch.log.show([*grown, _tagged(5)])
    watch.step()
    watch.at += timedelta(minutes=11)
    assert watch.alarm().code == "undelivered"
    watch.at += timedelta(minutes=50)
    with watch.monitor() as monitor:
        assert monitor.acknowledge()
        # The later one, of which the alarm said nothing, is asked for.
        with pytest.raises(LogAlarmError, match="the first is 5"):
            monitor.step()
        monitor.acknowledge()
        assert monitor.step().undelivered == []


def test_what_may_come_yet_is_not_forgiven(watch: Watch) -> None:
    watch.options = {
        "is_mine": lambda _, entry: routing_tag(TAG_KEY, entry.leaf_id) in entry.tags,
        "patience": timedelta(hours=1),
    }
    watch.log.show(entries(4))
    watch.step()
    grown = [*entries(4), _tagged(4)]
    watch.log.show(grown)
    watch.step()
    watch.at += timedelta(minutes=50)
    watch.log.show([*grown, _tagged(5)])
    watch.step()
    watch.at += timedelta(minutes=11)
    watch.alarm()
    with watch.monitor() as monitor:
        monitor.acknowledge()
        assert [each.index for each in monitor.step().undelivered] == [5]


@pytest.fixture
def witness(watch: Watch) -> Witness:
    made = Witness.open(watch.folder, "a.example/witness")
    watch.options = {"witness": made}
    watch.log.witnesses = [made.verifier]
    return made


def test_a_witness_cosigns_what_it_verified_and_once(watch: Watch, witness: Witness) -> None:
    assert watch.step().cosigned == 5
    [note] = watch.log.cosigned
    [made] = check_cosignatures(note, [witness.verifier])
    assert made.timestamp == int(AT.timestamp())
    signed = parse_note(watch.log.tree.signed())
    both = SignedNote(signed.text, (*signed.signatures, *note.signatures))
    watch.log.held_out_note = both.encode()
    assert watch.step().cosigned == 0
    watch.log.held_out_note = None
    watch.log.show(entries(8))
    assert watch.step().cosigned == 8


@pytest.mark.usefixtures("witness")
def test_a_witness_cosigns_no_fork_and_nothing_smaller(watch: Watch) -> None:
    older = watch.log.tree.signed()
    watch.log.show(entries(8))
    watch.step()
    count = len(watch.log.cosigned)
    watch.log.held_out_note = older
    assert watch.step().cosigned == 0
    watch.log.held_out_note = None
    watch.log.show([*entries(7), entry(7, "other"), entry(8)])
    watch.alarm()
    assert len(watch.log.cosigned) == count


@pytest.mark.usefixtures("witness")
def test_what_is_cosigned_is_on_disk_before(watch: Watch) -> None:
    def refuse(note: bytes) -> int:
        del note
        assert b'"cosigned":5' in (watch.folder / "state.json").read_bytes()
        raise TransportError("not now")

    take, watch.log.hand_in = watch.log.hand_in, refuse  # type: ignore[method-assign]
    step = watch.step()
    assert (step.cosigned, step.not_taken) == (0, "not now")
    watch.log.hand_in = take  # type: ignore[method-assign]
    assert watch.step().cosigned == 5


def test_a_bad_cosignature_in_its_name_is_made_good(watch: Watch, witness: Witness) -> None:
    note = parse_note(watch.log.tree.signed())
    good = witness.cosign(note.text, AT)
    bad = type(good)(good.name, good.key_id, bytes(72))
    watch.log.held_out_note = SignedNote(note.text, (*note.signatures, bad)).encode()
    assert watch.step().cosigned == 5


def test_a_witness_keeps_its_key_and_its_name(tmp_path: Path) -> None:
    first = Witness.open(tmp_path, "a.example/witness")
    assert Witness.open(tmp_path, "a.example/witness").verifier == first.verifier
    assert S_IMODE((tmp_path / "witness.pem").stat().st_mode) == 0o600
    assert (tmp_path / "witness.vkey").read_text() == f"{first.verifier}\n"
    with pytest.raises(ProfileError, match="another name"):
        Witness.open(tmp_path, "b.example/witness")
    (tmp_path / "witness.pem").chmod(0o644)
    with pytest.raises(ProfileError, match="chmod 600"):
        Witness.open(tmp_path, "a.example/witness")


@pytest.mark.parametrize("name", ["", "a b", "a+b"])
def test_a_witness_has_a_name_that_fits_a_note(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileError, match="no name of a witness"):
        Witness.open(tmp_path, name)

"""Following a log from key to key: what is proven, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast import (
    LogAlarmError,
    LogHandoverError,
    LogKeys,
    LogMonitor,
    PublicLog,
    Transport,
    follow_log_keys,
)
from holdfast.errors import ProfileError, TransportError, UntrustedEvidenceError
from holdfast.evidence.log_inclusion import prove_log_entry
from holdfast.monitor.receipts import LogReceipts
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.errors import CheckpointError, LogKeyError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_keys import HANDED_OVER, KeySpan, change_data, parse_key_change
from tests.partners.key_log import FIRST, SECOND, THIEF, THIRD, KeyLog, line, rotated
from tests.partners.memory_log import AT, LOG, MemoryLog, entry
from tests.partners.stub_coordinator import StubCoordinator, problem


@pytest.mark.parametrize("known", [FIRST, SECOND, THIRD])
def test_from_whichever_key_one_trusts_all_others_follow(known: PrivateKey) -> None:
    log, places = rotated(FIRST, SECOND, THIRD)
    first, first_ended, second, second_ended = places
    assert follow_log_keys(line(known), log.statements).spans == (
        KeySpan(line(FIRST), 0, first_ended),
        KeySpan(line(SECOND), first + 1, second_ended),
        KeySpan(line(THIRD), second + 1, None),
    )


def test_a_signature_counts_on_the_trees_of_its_time() -> None:
    log, (handed_over, retired) = rotated(FIRST, SECOND)
    keys = follow_log_keys(LOG, log.statements)
    for size in range(1, len(log.entries) + 1):
        for key, counts in ((FIRST, size <= retired), (SECOND, size > handed_over)):
            note = log.tree(size).signed(key)
            if counts:
                assert open_checkpoint(note, keys).size == size
            else:
                with pytest.raises(CheckpointError, match="does not count"):
                    open_checkpoint(note, keys)
        assert open_checkpoint(log.tree(size).signed(FIRST, SECOND), keys).size == size


def test_both_keys_count_until_the_old_one_is_retired() -> None:
    log = KeyLog()
    log.grow(2)
    log.hand_over(FIRST, SECOND)
    log.grow(5)
    keys = follow_log_keys(LOG, log.statements)
    assert set(keys.counting_at(8)) == {line(FIRST), line(SECOND)}
    assert keys.counting_at(2) == (line(FIRST),)


def test_what_is_proven_under_each_key_is_proven_under_them_all() -> None:
    log, (handed_over, retired) = rotated(FIRST, SECOND)
    keys = follow_log_keys(line(SECOND), log.statements)
    for size, signers in ((3, [FIRST]), (retired, [FIRST, SECOND]), (retired + 3, [SECOND])):
        receipt = log.tree(size).receipt(1, *signers)
        assert prove_log_entry(receipt, keys).checkpoint.size == size
    with pytest.raises(UntrustedEvidenceError, match="no known key"):
        prove_log_entry(log.tree(handed_over).receipt(1, THIEF), keys)


def test_keys_survive_being_written_down() -> None:
    log, _ = rotated(FIRST, SECOND, THIRD)
    keys = follow_log_keys(LOG, log.statements)
    assert LogKeys.from_views(keys.views()) == keys


def _altered(body: bytes, **data: object) -> bytes:
    event = strict_json.loads(body)
    event["data"] |= data
    return canonical_json.dumps(event)


def _other_content(log: KeyLog) -> None:
    log.statements[0] = _altered(log.statements[0], new_key=str(line(THIEF)))


def _other_type(log: KeyLog) -> None:
    """The commitment is to content and type; the entry is of another type."""
    log.entries.pop()
    log.statements.clear()
    log.say("log.key_retired", change_data(line(FIRST), line(SECOND)), FIRST)


def _other_time(log: KeyLog) -> None:
    event = strict_json.loads(log.statements[0])
    event["data"]["log"]["at"] = "2026-03-02T12:00:01Z"
    log.statements[0] = canonical_json.dumps(event)


def _signed_by_thief(log: KeyLog) -> None:
    log.entries.pop()
    log.statements.clear()
    log.hand_over(FIRST, SECOND, THIEF)


def _signed_by_its_own_new_key(log: KeyLog) -> None:
    log.entries.pop()
    log.statements.clear()
    log.hand_over(FIRST, SECOND, SECOND)


def _other_place(log: KeyLog) -> None:
    event = strict_json.loads(log.statements[0])
    event["data"]["log"]["leaf_index"] -= 1
    log.statements[0] = canonical_json.dumps(event)


def _no_proof(log: KeyLog) -> None:
    event = strict_json.loads(log.statements[0])
    del event["data"]["log"]["proof"]
    log.statements[0] = canonical_json.dumps(event)


def _of_another_origin(log: KeyLog) -> None:
    data = change_data(line(FIRST, "d.example/v1/log"), line(SECOND, "d.example/v1/log"))
    log.say(HANDED_OVER, data, FIRST)


def _other_origin(log: KeyLog) -> None:
    data = {**change_data(line(FIRST), line(SECOND)), "origin": "d.example/v1/log"}
    log.say(HANDED_OVER, data, FIRST)


def _to_another_log(log: KeyLog) -> None:
    log.say(HANDED_OVER, change_data(line(FIRST), line(SECOND, "d.example/v1/log")), FIRST)


def _second_successor(log: KeyLog) -> None:
    log.hand_over(FIRST, THIEF)


def _by_a_stranger(log: KeyLog) -> None:
    log.hand_over(THIEF, THIRD)


def _again_before_it_ended(log: KeyLog) -> None:
    log.hand_over(SECOND, THIRD, FIRST, SECOND)


def _back_to_the_old_one(log: KeyLog) -> None:
    log.retire(FIRST, SECOND)
    log.hand_over(SECOND, FIRST)


def _retired_by_the_old_key_alone(log: KeyLog) -> None:
    log.retire(FIRST, SECOND, FIRST)


def _retired_twice(log: KeyLog) -> None:
    log.retire(FIRST, SECOND)
    log.retire(FIRST, SECOND)


def _retired_before_it_was_replaced(log: KeyLog) -> None:
    log.handed_over_at = 90
    log.retire(FIRST, SECOND)


def _handed_over_elsewhere(log: KeyLog) -> None:
    log.handed_over_at -= 1
    log.retire(FIRST, SECOND)


def _no_event(log: KeyLog) -> None:
    log.statements[0] = b"[]"


def _no_key(log: KeyLog) -> None:
    log.say(HANDED_OVER, {**change_data(line(FIRST), line(SECOND)), "new_key": "c+1"}, FIRST)


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (_other_content, "bad_statement"),
        (_other_time, "bad_statement"),
        (_no_event, "bad_statement"),
        (_no_key, "bad_statement"),
        (_other_type, "bad_statement"),
        (_signed_by_thief, "not_logged"),
        (_signed_by_its_own_new_key, "not_logged"),
        (_other_place, "not_logged"),
        (_no_proof, "not_logged"),
        (_retired_by_the_old_key_alone, "not_logged"),
        (_other_origin, "other_log"),
        (_to_another_log, "other_log"),
        (_second_successor, "two_successors"),
        (_handed_over_elsewhere, "two_successors"),
        (_by_a_stranger, "unknown_key"),
        (_again_before_it_ended, "bad_order"),
        (_back_to_the_old_one, "bad_order"),
        (_retired_twice, "bad_order"),
        (_retired_before_it_was_replaced, "bad_order"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused_and_said_why(
    tamper: Callable[[KeyLog], None], code: str
) -> None:
    log = KeyLog()
    log.grow(4)
    log.hand_over(FIRST, SECOND)
    assert follow_log_keys(LOG, log.statements).newest == line(SECOND)
    tamper(log)
    with pytest.raises(LogHandoverError) as refused:
        follow_log_keys(LOG, log.statements)
    assert refused.value.code == code


def test_what_the_log_said_under_another_origin_is_passed_over(tmp_path: Path) -> None:
    log = KeyLog()
    log.grow(4)
    _of_another_origin(log)
    assert follow_log_keys(LOG, log.statements) == LogKeys.of(LOG)
    with pytest.raises(LogKeyError) as refused:
        LogKeys.of(LOG).changed_by(parse_key_change(log.statements[0]))
    assert refused.value.code == "other_log"
    watched = Watched(tmp_path / "monitor")
    watched.said = log
    assert watched.step(FIRST).size == 5
    assert watched.keys() == LogKeys.of(LOG)


class Watched:
    """A monitor that is started again for each step, as the log's keys go by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = KeyLog()
        self.said.grow(300)
        self.source = MemoryLog(self.said.tree())
        self.trusted: Any = LOG

    def monitor(self) -> LogMonitor:
        return LogMonitor(self.folder, self.trusted, self.source, now=lambda: AT)

    def show(self, *keys: PrivateKey) -> None:
        """Have the log show all that it has, signed with these keys."""
        self.source.show(self.said.entries)
        self.source.statements = list(self.said.statements)
        self.source.checkpoint = self.source.tree.signed(*keys)

    def step(self, *keys: PrivateKey) -> Any:
        self.show(*keys)
        return self.again()

    def again(self) -> Any:
        with self.monitor() as monitor:
            return monitor.step()

    def keys(self) -> LogKeys:
        with self.monitor() as monitor:
            return monitor.log_keys

    def keep(self, place: dict[str, Any]) -> None:
        store = LogReceipts(self.folder)
        store.keep(place)
        store.close()

    def alarm(self) -> LogAlarmError:
        with pytest.raises(LogAlarmError) as raised:
            self.again()
        return raised.value


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "monitor")


def test_a_monitor_follows_through_the_overlap_and_takes_the_new_key_by_itself(
    watched: Watched,
) -> None:
    said = watched.said
    watched.step(FIRST)
    watched.keep(said.tree().receipt(7, FIRST))
    said.hand_over(FIRST, SECOND)
    step = watched.step(FIRST)  # by a process that nobody restarted
    assert [(each.type, each.new) for each in step.key_changes] == [(HANDED_OVER, line(SECOND))]
    said.grow(4)
    assert watched.step(FIRST, SECOND).key_changes == ()
    watched.keep(said.tree().receipt(303, FIRST, SECOND))
    said.retire(FIRST, SECOND)
    assert len(watched.step(FIRST, SECOND).key_changes) == 1
    said.grow(300)
    watched.keep(said.tree().receipt(400, SECOND))
    assert (watched.step(SECOND).found, watched.keys().newest) == (3, line(SECOND))
    # What is kept of the monitor knows them all, whichever of them is trusted.
    spans = watched.keys().spans
    watched.trusted = line(SECOND)
    said.grow(1)
    assert watched.step(SECOND).size == 607
    assert watched.keys().spans == spans == follow_log_keys(LOG, said.statements).spans


def test_a_monitor_that_was_offline_for_the_whole_overlap_goes_on(watched: Watched) -> None:
    watched.step(FIRST)
    watched.said.hand_over(FIRST, SECOND)
    watched.said.grow(40)
    watched.said.retire(FIRST, SECOND)
    watched.said.grow(40)
    watched.said.hand_over(SECOND, THIRD)
    watched.said.retire(SECOND, THIRD)
    watched.said.grow(1)
    step = watched.step(THIRD)
    assert (len(step.key_changes), watched.keys().newest) == (4, line(THIRD))
    watched.said.grow(1)
    assert watched.step(THIRD).added == 1


def test_a_new_monitor_that_trusts_the_newest_key_learns_of_those_before(watched: Watched) -> None:
    watched.said, _ = rotated(FIRST, SECOND, THIRD)
    watched.trusted = line(THIRD)
    watched.keep(watched.said.tree(3).receipt(1, FIRST))
    assert watched.step(THIRD).found == 1
    assert watched.keys() == follow_log_keys(LOG, watched.said.statements)


def test_another_key_than_those_is_not_watched_in_the_same_folder(watched: Watched) -> None:
    watched.step(FIRST)
    watched.trusted = line(SECOND)
    with pytest.raises(ProfileError, match="not handed over"):
        watched.again()


def test_a_key_that_changes_without_an_entry_alarms(watched: Watched) -> None:
    watched.step(FIRST)
    watched.said.grow(1)
    watched.show(SECOND)
    raised = watched.alarm()
    assert raised.code == "key"
    assert any(file.endswith("theirs.checkpoint") for file in raised.files)
    assert watched.alarm().code == "key"  # it stands


def test_a_checkpoint_of_a_known_tree_under_a_key_that_came_later_alarms(watched: Watched) -> None:
    watched.step(FIRST)
    old = watched.said.tree()
    watched.said.hand_over(FIRST, SECOND)
    watched.source.statements = list(watched.said.statements)
    watched.source.checkpoint = old.signed(SECOND)
    assert watched.alarm().code == "key"


def test_a_key_that_was_retired_and_signs_on_alarms(watched: Watched) -> None:
    watched.step(FIRST)
    watched.said.hand_over(FIRST, SECOND)
    watched.said.retire(FIRST, SECOND)
    watched.step(SECOND)
    watched.said.grow(3)
    watched.show(FIRST)
    assert watched.alarm().code == "key"


def test_an_entry_about_the_key_that_the_log_does_not_explain_alarms(watched: Watched) -> None:
    watched.step(FIRST)
    watched.said.hand_over(FIRST, SECOND)
    watched.show(FIRST)
    watched.source.statements = []
    assert watched.alarm().code == "key"


def test_a_second_successor_alarms(watched: Watched) -> None:
    watched.said.hand_over(FIRST, SECOND)
    watched.step(FIRST, SECOND)
    watched.said.hand_over(FIRST, THIEF)
    watched.show(FIRST, SECOND)
    raised = watched.alarm()
    assert (raised.code, str(line(THIEF)) in str(raised)) == ("key", True)


def test_a_handover_that_is_proven_and_not_in_the_verified_tree_alarms(watched: Watched) -> None:
    """Whoever has the old key can prove a handover in a log of their own."""
    watched.step(FIRST)
    watched.said.grow(2)
    theirs = KeyLog(list(watched.said.entries[:300]))
    theirs.grow(1)
    theirs.hand_over(FIRST, THIEF)
    watched.show(THIEF)
    watched.source.statements = theirs.statements
    assert watched.alarm().code == "key"
    assert watched.keys() == LogKeys.of(LOG)


def test_a_handover_elsewhere_beside_a_real_one_alarms(watched: Watched) -> None:
    watched.step(FIRST)
    theirs = KeyLog(list(watched.said.entries))
    theirs.grow(5)
    theirs.hand_over(FIRST, THIEF)
    watched.said.hand_over(FIRST, SECOND)
    watched.said.grow(9)
    watched.show(FIRST)
    watched.source.statements = theirs.statements
    assert watched.alarm().code == "key"


def test_what_is_no_checkpoint_of_the_log_is_no_alarm(watched: Watched) -> None:
    watched.step(FIRST)
    notes = [
        b"<html>",
        watched.source.tree.signed(FIRST, origin="d.example/v1/log"),
        watched.source.tree.signed(FIRST).replace(b"\xe2\x80\x94 c.", b"\xe2\x80\x94 d."),
    ]
    for note in notes:
        watched.source.checkpoint = note
        with pytest.raises(UntrustedEvidenceError) as refused:
            watched.again()
        assert refused.value.code == "no_checkpoint"


def test_a_receipt_under_a_key_that_the_monitor_has_not_reached_waits(watched: Watched) -> None:
    watched.step(FIRST)
    watched.said.hand_over(FIRST, SECOND)
    watched.said.retire(FIRST, SECOND)
    watched.said.grow(3)
    watched.keep(watched.said.tree().receipt(303, SECOND))
    step = watched.again()
    assert (step.receipts, step.found) == (1, 0)
    assert watched.step(SECOND).found == 1
    # One on a tree that was verified here is none.
    watched.keep(watched.said.tree(200).receipt(1, THIEF))
    assert watched.alarm().code == "omitted"


def test_a_list_that_cannot_be_read_now_is_asked_for_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.step(FIRST)
    watched.said.hand_over(FIRST, SECOND)
    watched.show(FIRST, SECOND)

    def gone() -> list[bytes]:
        raise TransportError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(watched.source, "key_statements", gone)
        with pytest.raises(TransportError):
            watched.again()
    assert watched.keys() == LogKeys.of(LOG)
    assert len(watched.again().key_changes) == 1


def test_a_coordinator_without_such_a_list_has_one_key_and_a_proxy_says_nothing(
    stub: StubCoordinator,
) -> None:
    log = PublicLog(Transport(None, stub.origin))
    stub.answers("GET", "/v1/log/keys", problem(404, "not_found"), status=404)
    assert log.key_statements() == []
    stub.forget_all()
    stub.answers("GET", "/v1/log/keys", raw=b"<html>", status=404)
    with pytest.raises(TransportError, match="no word of the log"):
        log.key_statements()
    stub.forget_all()
    stub.answers("GET", "/v1/log/keys", {"origin": LOG.name, "keys": []})
    with pytest.raises(TransportError, match="does not list"):
        log.key_statements()


def test_an_entry_that_only_looks_like_one_about_the_key_alarms(watched: Watched) -> None:
    watched.said.grow(1)
    watched.step(FIRST)
    told = watched.said.say(HANDED_OVER, change_data(line(FIRST), line(SECOND)), FIRST)
    watched.said.entries[-1] = watched.said.entries[-1][:-1] + b"x"
    watched.show(FIRST)
    assert told in watched.source.statements
    assert watched.alarm().code == "key"
    assert entry(0) == watched.said.entries[0]

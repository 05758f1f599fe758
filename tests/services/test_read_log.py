"""Reads are noted beside themselves, added up, and stored once a second, on both databases."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from coordinator.domain.clock import SteppedClock
from coordinator.services.requests import read_log as service
from coordinator.services.requests.read_log import WINDOW, Read, ReadLog
from coordinator.storage.engine.database import Database
from coordinator.storage.requests import read_log as store
from coordinator.storage.requests.read_log import MOST_AT_ONCE, ReadLine
from coordinator.storage.tables.read_log import RequestReadRow
from coordinator.storage.tail import restored
from holdfast.protocol.type_ids import new_id

REQUEST = new_id("frq")
LEAD = Read(
    REQUEST, "exchange-a.example", new_id("per"), "k" * 43, "security_lead", "request", "api"
)


class Log:
    """A process's read log, and how many reads it turned away."""

    def __init__(self, database: Database, clock: SteppedClock, most_lines: int = 1000) -> None:
        self.lost = 0
        self.database = database
        self.log = ReadLog(database, clock, on_lost=self._lose, most_lines=most_lines)

    def _lose(self, count: int) -> None:
        self.lost += count

    def note(self, *reads: Read) -> None:
        for read in reads:
            self.log.note(read)

    def lines(self, request_id: str = REQUEST) -> list[ReadLine]:
        with self.database.engine.connect() as connection:
            return store.of_request(connection, request_id, None, limit=10_000)


@pytest.fixture
def kept(database: Database, clock: SteppedClock) -> Log:
    return Log(database, clock)


def _others(count: int) -> list[Read]:
    return [LEAD._replace(subject=new_id("per")) for _ in range(count)]


def test_reads_of_one_thing_by_one_key_are_one_line_with_their_times(
    kept: Log, clock: SteppedClock
) -> None:
    first = clock.now()
    kept.note(LEAD)
    clock.step(timedelta(seconds=3))
    kept.note(LEAD)
    kept.log.store()
    clock.step(timedelta(seconds=3))
    kept.note(LEAD)
    kept.log.store()
    [line] = kept.lines()
    assert Read(*line[1:8]) == LEAD
    assert (line.first_at, line.last_at, line.times) == (first, clock.now(), 3)


@pytest.mark.parametrize(
    "other",
    [
        {"subject": new_id("per")},
        {"kid": "o" * 43},
        {"what": "addresses"},
        {"via": "console"},
        {"roles": "auditor"},
        {"request_id": new_id("frq")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_else_differs_is_a_line_of_its_own(kept: Log, other: dict[str, str]) -> None:
    different = LEAD._replace(**other)  # type: ignore[arg-type]  # by name
    kept.note(LEAD, different)
    kept.log.store()
    found = {Read(*line[1:8]) for each in (LEAD, different) for line in kept.lines(each.request_id)}
    assert found == {LEAD, different}


def test_a_window_is_bounded_by_the_clock(kept: Log, clock: SteppedClock) -> None:
    clock.step(WINDOW - timedelta(seconds=clock.now().timestamp() % WINDOW.total_seconds()))
    for _ in range(3):
        kept.note(LEAD)
        clock.step(WINDOW - timedelta(microseconds=1))
        kept.note(LEAD)
        clock.step(timedelta(microseconds=1))
    kept.log.store()
    lines = kept.lines()
    assert [line.times for line in lines] == [2, 2, 2]
    assert [line.last_at - line.first_at for line in lines] == [
        WINDOW - timedelta(microseconds=1)
    ] * 3


def test_two_processes_add_to_one_line(database: Database, clock: SteppedClock) -> None:
    one, two = Log(database, clock), Log(database, clock)
    started = clock.now()
    # Whoever stores last need not have read last.
    two.note(LEAD)
    clock.step(timedelta(seconds=5))
    one.note(LEAD, LEAD)
    one.log.store()
    two.log.store()
    [line] = one.lines()
    assert (line.first_at, line.last_at, line.times) == (started, clock.now(), 3)


def test_two_processes_that_store_the_same_lines_at_once_both_come_through(
    database: Database, clock: SteppedClock
) -> None:
    reads = _others(150)
    logs = [Log(database, clock) for _ in range(2)]
    for log, own in zip(logs, (reads, reads[::-1]), strict=True):
        log.note(*own)
    threads = [threading.Thread(target=log.log.store) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        log.log.store()  # a deadlock's victim would store here what it kept
    assert [line.times for line in logs[0].lines()] == [2] * 150


def test_many_lines_are_stored_in_short_transactions(
    kept: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, add_up = [], store.add_up

    def watched(database: Database, lines: list[ReadLine]) -> bool:
        sizes.append(len(lines))
        return add_up(database, lines)

    monkeypatch.setattr(store, "add_up", watched)
    kept.note(*_others(2 * MOST_AT_ONCE + 1))
    kept.log.store()
    assert sizes == [MOST_AT_ONCE, MOST_AT_ONCE, 1]
    assert len(kept.lines()) == sum(sizes)


def test_what_goes_first_goes_before_each_of_them(kept: Log) -> None:
    asked = []

    def give_way(work: Callable[[], None]) -> None:
        asked.append(len(kept.lines()))
        work()

    kept.note(*_others(MOST_AT_ONCE + 1))
    kept.log.store(give_way)
    assert asked == [0, MOST_AT_ONCE]


def test_a_full_buffer_counts_on_what_it_has_and_says_what_it_turned_away(
    database: Database, clock: SteppedClock
) -> None:
    small = Log(database, clock, most_lines=2)
    first, second, third = _others(3)
    small.note(first, second, third, third, first)
    small.log.store()
    assert {line.subject: line.times for line in small.lines()} == {
        first.subject: 2,
        second.subject: 1,
    }
    assert small.lost == 2
    small.note(third)
    small.log.store()
    assert len(small.lines()) == 3
    assert small.lost == 2


def test_a_full_buffer_is_stored_before_its_second_is_over(
    database: Database, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "EVERY_SECONDS", 3600.0)
    small = Log(database, clock, most_lines=1)
    stored, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "main_thread", lambda: _Lives(ended))

    def work_and_tell(work: Callable[[], None]) -> None:
        work()
        stored.set()

    small.log.start(work_and_tell)
    try:
        small.note(LEAD)
        assert stored.wait(30)
    finally:
        ended.set()
        small.log.make_haste()
        [thread] = [each for each in threading.enumerate() if each.name == "read-log"]
        thread.join(30)
    assert len(small.lines()) == 1


class _Lives:
    """A main thread that lives until it is told to end."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def is_alive(self) -> bool:
        return not self._ended.is_set()


def test_what_could_not_be_stored_is_stored_later_and_counted_once(
    kept: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = _others(MOST_AT_ONCE + 1)
    kept.note(*reads)
    real = Database.transaction
    calls = []

    def once(self: Database) -> object:
        calls.append(1)
        # The first few lines are stored, what comes after them is not.
        return real(self) if len(calls) != 2 else _away()

    monkeypatch.setattr(Database, "transaction", once)
    kept.log.store()
    assert len(kept.lines()) == MOST_AT_ONCE
    kept.note(*reads)
    kept.log.store()
    assert [line.times for line in kept.lines()] == [2] * len(reads)
    assert kept.lost == 0


def _away() -> object:
    raise OperationalError("INSERT", {}, Exception("the disk is full"))


def test_what_cannot_be_stored_for_long_stays_bounded(
    database: Database, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Log(database, clock, most_lines=3)
    monkeypatch.setattr(store, "add_up", lambda *_: False)
    for _ in range(4):
        small.note(*_others(2))
        small.log.store()
    monkeypatch.undo()
    small.log.store()
    assert len(small.lines()) == 3
    assert small.lost == 5


def test_a_database_that_was_restored_is_written_nothing_until_it_goes_on(
    kept: Log, database: Database, clock: SteppedClock
) -> None:
    kept.note(LEAD)
    with database.transaction() as connection:
        restored.mark(connection, clock.now())
    kept.log.store()
    assert kept.lines() == []
    with database.transaction() as connection:
        restored.lift(connection)
    kept.log.store()
    assert [line.times for line in kept.lines()] == [1]
    assert kept.lost == 0


def test_nothing_is_asked_of_the_database_while_nobody_reads(
    kept: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "add_up", lambda *_: pytest.fail("nothing was read"))
    kept.log.store()


def test_no_row_is_locked_that_an_act_waits_for() -> None:
    assert not RequestReadRow.__table__.foreign_keys

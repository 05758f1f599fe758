"""Timers: each due id by a command of its own, and nothing at all while the clock is wrong."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Connection
from structlog.testing import capture_logs

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.timers import ClockGuard, Timer, TimerRun, all_timers
from coordinator.domain.clock import SteppedClock
from coordinator.storage.console import drafts
from coordinator.storage.engine import documents
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tail import restored
from coordinator.storage.tail.idempotency import send_token
from holdfast.protocol.type_ids import new_id
from tests.dispatcher.outbox_cast import Outbox
from tests.factories import NOON, Cast
from tests.rulebook import LOG_SIGNER, ORIGIN, RULEBOOK
from tests.services.request_cast import Desk, policies


@pytest.fixture
def desk(database: Database, vault: Vault, clock: SteppedClock, cast: Cast) -> Desk:
    return Desk(database, vault, clock, cast)


class Steady:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def timers(desk: Desk, *which: Timer, guard: ClockGuard | None = None) -> TimerRun:
    return TimerRun(
        WorkerContext(
            origin=ORIGIN,
            database=desk.database,
            vault=desk.vault,
            clock=desk.clock,
            rulebook=RULEBOOK,
            log_signer=LOG_SIGNER,
            webhook_keys=(),
        ),
        on_commit=lambda: None,
        timers=which or all_timers(policies()),
        guard=guard,
    )


def test_a_request_that_nobody_approved_in_time_expires(desk: Desk) -> None:
    ask = desk.submit()
    running = timers(desk)
    assert running.run_due() == 0
    assert desk.status(ask) == "submitted"
    desk.clock.step(policies().approve_within)
    assert running.run_due() == 1
    assert desk.status(ask) == "expired"
    assert running.run_due() == 0


def test_an_endpoint_that_fails_for_a_while_is_told_of_once(desk: Desk) -> None:
    outbox = Outbox(desk.database, desk.vault, desk.clock)
    outbox.endpoint(desk.cast.b.lead)
    micros = int(desk.clock.now().timestamp() * 1_000_000)
    outbox.change("UPDATE webhook_endpoint SET failing_since = :at", at=micros)
    running = timers(desk)
    count = "SELECT COUNT(*) FROM event WHERE type = 'endpoint.failing'"
    running.run_due()
    assert outbox.value(count) == 0
    desk.clock.step(timedelta(seconds=61))
    running.run_due()
    running.run_due()
    assert outbox.value(count) == 1


def test_a_command_that_fails_stops_no_other(desk: Desk) -> None:
    ask = desk.submit()
    desk.clock.step(policies().approve_within)

    def find_unknown(connection: Connection, now: datetime, limit: int) -> Sequence[str]:
        del connection, now, limit
        return ["nothing", "to do"]

    broken = Timer("broken", find_unknown, lambda _: object())
    assert timers(desk, broken, *all_timers(policies())).run_due() == 1
    assert desk.status(ask) == "expired"


def test_old_tokens_are_forgotten_and_young_ones_kept(desk: Desk) -> None:
    now = desk.clock.now()
    with desk.database.writing() as connection, connection.begin():
        send_token(connection, "exchange-a.example", "old", now - timedelta(hours=25))
        send_token(connection, "exchange-a.example", "young", now - timedelta(hours=23))
    timers(desk).run_due()
    outbox = Outbox(desk.database, desk.vault, desk.clock)
    kept = outbox.rows("SELECT jti FROM seen_token WHERE jti IN ('old', 'young')")
    assert kept == [("young",)]


def _counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_nothing_fires_after_the_hosts_clock_jumped(desk: Desk) -> None:
    ask = desk.submit()
    desk.clock.step(policies().approve_within)
    wall, steady = SteppedClock(NOON), Steady()
    guard = ClockGuard(desk.database, wall=wall, steady=steady)
    running = timers(desk, guard=guard)
    wall.step(timedelta(days=365))
    fired = _counted("holdfast_timers_fired_total", timer="approve_by")
    assert running.run_due() == 0
    assert guard.is_held
    assert _counted("holdfast_clock_held") == 1
    assert desk.status(ask) == "submitted"
    wall.step(-timedelta(days=365))
    assert running.run_due() == 1
    assert _counted("holdfast_clock_held") == 0
    assert _counted("holdfast_timers_fired_total", timer="approve_by") == fired + 1
    assert _counted("holdfast_timers_last_pass_timestamp_seconds") > 0
    assert not guard.is_held


@pytest.mark.parametrize("steps", [10 if os.environ.get("FAULTS") else 2])
def test_a_clock_stepped_to_and_fro_by_an_hour_lets_nothing_expire_early(
    desk: Desk, steps: int
) -> None:
    ask = desk.submit()
    desk.clock.step(policies().approve_within - timedelta(minutes=30))
    # What is asked for the time is the same clock that somebody sets.
    guard = ClockGuard(desk.database, wall=desk.clock, steady=Steady())
    running = timers(desk, guard=guard)
    for _ in range(steps):
        desk.clock.step(timedelta(hours=1))
        assert running.run_due() == 0
        assert desk.status(ask) == "submitted"
        desk.clock.step(-timedelta(hours=1))
        assert running.run_due() == 0
    assert not guard.is_held
    desk.clock.step(timedelta(minutes=30))
    assert timers(desk).run_due() == 1, "which it does when its time has come"


def test_time_that_passes_on_both_clocks_is_no_jump(database: Database) -> None:
    wall, steady = SteppedClock(NOON), Steady()
    guard = ClockGuard(database, wall=wall, steady=steady)
    for _ in range(10):
        wall.step(timedelta(hours=1))
        steady.now += 3600
        assert guard.may_fire()


def test_a_clock_that_is_slewed_slowly_is_followed(database: Database) -> None:
    wall, steady = SteppedClock(NOON), Steady()
    guard = ClockGuard(database, wall=wall, steady=steady)
    for _ in range(10):
        wall.step(timedelta(seconds=20))
        assert guard.may_fire()


def test_the_databases_clock_decides_on_postgresql_whether_a_jump_was_right(
    database: Database,
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no clock of its own")
    wall, steady = SteppedClock(NOON), Steady()
    guard = ClockGuard(database, wall=wall, steady=steady)
    with database.engine.connect() as connection:
        theirs: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    wall.step(theirs - wall.now() + timedelta(hours=1))
    assert not guard.may_fire()
    wall.step(-timedelta(hours=1))
    assert guard.may_fire()


def test_a_draft_that_nobody_touched_for_thirty_days_is_thrown_away(desk: Desk) -> None:
    running = timers(desk)
    old, kept = new_id("drf"), new_id("drf")
    _keep_draft(desk, old)
    desk.clock.step(drafts.UNTOUCHED_KEPT - timedelta(minutes=10))
    _keep_draft(desk, kept)
    running.run_due()
    assert _drafts(desk) == {old, kept}
    desk.clock.step(timedelta(minutes=10))
    running.run_due()
    assert _drafts(desk) == {kept}
    with desk.database.engine.connect() as connection:
        found = documents.load(connection, desk.vault, [old, kept], drafts.CONTENT)
    assert set(found) == {kept}, "its text is gone, too"


def _keep_draft(desk: Desk, draft_id: str) -> None:
    own, now = desk.cast.a, desk.clock.now()
    with desk.database.transaction() as connection:
        partner = partner_store.partner(connection, own.handle)
        assert partner is not None
        key_id = partner.document_key_id
        key = documents.load_keys(connection, desk.vault, [key_id])[key_id]
        draft = drafts.StoredDraft(draft_id, own.handle, own.analyst.subject, now, now, None)
        drafts.store(connection, draft, key, drafts.Said(b"{}", b"{}"))


def _drafts(desk: Desk) -> set[str]:
    with desk.database.engine.connect() as connection:
        return {
            each.id for each in drafts.of_person(connection, desk.cast.a.analyst.subject, limit=9)
        }


def test_no_deadline_of_a_restored_database_fires_until_it_is_reconciled(desk: Desk) -> None:
    ask = desk.submit()
    desk.clock.step(policies().approve_within)
    with desk.database.transaction() as connection:
        restored.mark(connection, desk.clock.now())
    running = timers(desk)
    with capture_logs() as logs:
        assert [running.run_due(), running.run_due()] == [0, 0]
    # Not tried and refused: left alone, and said once.
    assert [each["event"] for each in logs] == ["read_only"]
    with desk.database.transaction() as connection:
        restored.lift(connection)
    assert running.run_due() == 1
    assert desk.status(ask) == "expired"

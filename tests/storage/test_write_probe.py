"""Readiness is found out by writing, seldom, and without the log knowing of it."""

import pytest
from sqlalchemy import text

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.write_probe import MAX_AGE_SECONDS, WriteProbe


class _Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> _Seconds:
    return _Seconds()


def _written(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.execute(text("SELECT at FROM write_probe")).scalar_one())


def _break(database: Database, *, into: str, back: str = "write_probe") -> None:
    with database.writing() as connection, connection.begin():
        connection.execute(text(f"ALTER TABLE {back} RENAME TO {into}"))


def test_it_writes_and_is_content_where_that_can_be(
    database: Database, clock: SteppedClock, seconds: _Seconds
) -> None:
    assert WriteProbe(database, clock, free_bytes=1, steady=seconds).fault() is None
    assert _written(database) > 0


def test_it_looks_seldom_however_often_it_is_asked(
    database: Database, clock: SteppedClock, seconds: _Seconds
) -> None:
    probe = WriteProbe(database, clock, free_bytes=1, steady=seconds)
    assert probe.fault() is None
    _break(database, into="elsewhere")
    seconds.now += MAX_AGE_SECONDS - 1
    assert probe.fault() is None
    seconds.now += 1
    assert "takes no changes" in str(probe.fault())
    _break(database, into="write_probe", back="elsewhere")
    assert "takes no changes" in str(probe.fault())
    seconds.now += MAX_AGE_SECONDS
    assert probe.fault() is None


def test_a_disk_without_room_for_the_largest_body_is_full_enough(
    database: Database, clock: SteppedClock, seconds: _Seconds
) -> None:
    fault = WriteProbe(database, clock, free_bytes=2**62, steady=seconds).fault()
    # PostgreSQL's disk is its own matter: what counts there is whether it takes the change.
    assert fault == ("the disk is nearly full" if database.is_sqlite else None)

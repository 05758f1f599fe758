"""The clock to a leg's answer: every state, and everything that can happen in it."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.domain.answer_clock import AnswerClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUNNING = AnswerClock(NOON + 2 * HOUR)
PAUSED = AnswerClock(NOON + 2 * HOUR, paused_at=NOON)
RUN_OUT = AnswerClock(NOON)
NOTED = AnswerClock(NOON - HOUR, unanswered_at=NOON - HOUR)
ANSWERED = AnswerClock(NOON + 2 * HOUR, answered_at=NOON - HOUR)
NONE = AnswerClock(None)
NOW = NOON + HOUR


@pytest.mark.parametrize(
    ("clock", "is_answered", "waits", "after"),
    [
        (RUNNING, False, False, RUNNING),
        (RUNNING, False, True, AnswerClock(NOON + 2 * HOUR, paused_at=NOW)),
        (RUNNING, True, False, AnswerClock(NOON + 2 * HOUR, answered_at=NOW)),
        (RUNNING, True, True, AnswerClock(NOON + 2 * HOUR, answered_at=NOW)),
        (PAUSED, False, True, PAUSED),
        (PAUSED, False, False, AnswerClock(NOON + 3 * HOUR)),
        (PAUSED, True, False, AnswerClock(NOON + 3 * HOUR, answered_at=NOW)),
        (PAUSED, True, True, AnswerClock(NOON + 3 * HOUR, answered_at=NOW)),
        (RUN_OUT, False, False, RUN_OUT),
        (RUN_OUT, False, True, RUN_OUT),
        (RUN_OUT, True, False, AnswerClock(NOON, answered_at=NOW)),
        (NOTED, False, True, NOTED),
        (NOTED, True, False, AnswerClock(NOON - HOUR, None, NOW, NOON - HOUR)),
        (ANSWERED, False, False, ANSWERED),
        (ANSWERED, False, True, ANSWERED),
        (ANSWERED, True, False, ANSWERED),
        (NONE, False, True, NONE),
        (NONE, True, False, NONE),
    ],
)
def test_what_becomes_of_a_clock(
    clock: AnswerClock, *, is_answered: bool, waits: bool, after: AnswerClock
) -> None:
    assert clock.after(NOW, is_answered=is_answered, waits=waits) == after


@pytest.mark.parametrize(
    ("clock", "is_due"),
    [
        (RUNNING, False),
        (PAUSED, False),
        (AnswerClock(NOON, paused_at=NOON - HOUR), False),
        (RUN_OUT, True),
        (AnswerClock(NOW), True),
        (NOTED, False),
        (AnswerClock(NOON, answered_at=NOON), False),
        (NONE, False),
    ],
)
def test_when_a_clock_is_due(clock: AnswerClock, *, is_due: bool) -> None:
    assert clock.is_due(NOW) is is_due


LONG, SHORT = NOON + 9 * HOUR, NOON + timedelta(minutes=90)


@pytest.mark.parametrize(
    ("clock", "answer_by", "after"),
    [
        (RUNNING, LONG, AnswerClock(LONG)),
        # It never takes time away.
        (RUNNING, SHORT, RUNNING),
        # Nor from who waits: two hours were left, and are.
        (PAUSED, NOON + 2 * HOUR, PAUSED),
        (PAUSED, NOON + 3 * HOUR, PAUSED),
        (PAUSED, LONG, AnswerClock(LONG, paused_at=NOW)),
        # Who is late stays late.
        (RUN_OUT, LONG, RUN_OUT),
        (NOTED, LONG, NOTED),
        (ANSWERED, LONG, ANSWERED),
        (NONE, LONG, NONE),
    ],
)
def test_an_order_only_ever_gives_time(
    clock: AnswerClock, answer_by: datetime, after: AnswerClock
) -> None:
    assert clock.on_order(NOW, answer_by) == after

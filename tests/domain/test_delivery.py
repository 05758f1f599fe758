"""Retries as data: how long, how often, and when a delivery is given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.domain.delivery import (
    FLASH,
    FLASH_LONGEST_WAIT,
    JITTER,
    RETRY_AFTER_LIMIT,
    RETRY_SCHEDULE,
    SCHEDULES,
    DeliveryStatus,
    SharedWait,
    Tried,
    judge,
    next_attempt,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROUTINE = 2
WHOLE = timedelta(seconds=sum(RETRY_SCHEDULE))


def tried(number: int = 1, *, status: int | None = 500, ago: timedelta = timedelta()) -> Tried:
    return Tried(number, NOW - ago, status, None if status in {200, 204} else "http_status")


@pytest.mark.parametrize("status", [200, 204])
def test_an_accepted_try_is_delivered(status: int) -> None:
    verdict = judge(tried(status=status), priority=ROUTINE, now=NOW, jitter=0)
    assert verdict.status is DeliveryStatus.DELIVERED
    assert verdict.due_at is None


@pytest.mark.parametrize("status", [None, 199, 301, 400, 404, 429, 500, 503])
def test_whatever_else_is_tried_again(status: int | None) -> None:
    verdict = judge(tried(status=status), priority=ROUTINE, now=NOW, jitter=0)
    assert verdict.status is DeliveryStatus.PENDING
    assert verdict.due_at == NOW + timedelta(seconds=RETRY_SCHEDULE[0])


def test_a_good_status_whose_answer_did_not_come_whole_is_no_success() -> None:
    cut = Tried(1, NOW, 200, "incomplete_response")
    assert judge(cut, priority=ROUTINE, now=NOW, jitter=0).status is DeliveryStatus.PENDING


def test_an_endpoint_that_is_gone_is_believed_at_once() -> None:
    verdict = judge(tried(status=410), priority=ROUTINE, now=NOW, jitter=0)
    assert verdict.status is DeliveryStatus.DEAD


def test_the_waits_are_those_of_the_schedule() -> None:
    waits = [next_attempt(n, priority=ROUTINE) for n in range(1, len(RETRY_SCHEDULE) + 1)]
    assert waits == [timedelta(seconds=s) for s in RETRY_SCHEDULE]
    assert timedelta(hours=70) < WHOLE < timedelta(hours=80)


def test_a_used_up_schedule_is_dead_only_when_its_time_is_over_too() -> None:
    last = len(RETRY_SCHEDULE) + 1

    def status(number: int, ago: timedelta) -> DeliveryStatus:
        return judge(tried(number, ago=ago), priority=ROUTINE, now=NOW, jitter=0).status

    assert status(last, WHOLE) is DeliveryStatus.DEAD
    assert status(last, WHOLE * (1 - JITTER)) is DeliveryStatus.DEAD, "as short as jitter makes it"
    assert status(last, timedelta(minutes=10)) is DeliveryStatus.PENDING, "it came and went"
    assert status(2, WHOLE * 2) is DeliveryStatus.PENDING, "the clock was stepped"


def test_a_flash_notice_never_waits_longer_than_five_minutes_and_is_tried_as_long() -> None:
    schedule = SCHEDULES[FLASH]
    assert max(schedule) == FLASH_LONGEST_WAIT == 300
    assert sum(RETRY_SCHEDULE) <= sum(schedule) < sum(RETRY_SCHEDULE) + FLASH_LONGEST_WAIT
    for number in range(1, len(schedule) + 5):
        assert asked_wait(86_400, number, priority=FLASH, jitter=1) <= 300


def asked_wait(seconds: int, number: int = 1, *, priority: int = ROUTINE, jitter: float) -> float:
    busy = Tried(number, NOW, 503, "http_status", seconds)
    verdict = judge(busy, priority=priority, now=NOW, jitter=jitter)
    assert verdict.due_at is not None
    return (verdict.due_at - NOW).total_seconds()


@pytest.mark.parametrize("jitter", [0, 0.5, 0.999])
def test_retry_after_is_never_undercut_and_jitter_comes_on_top(jitter: float) -> None:
    for asked in (1, 20, 60, 3_600):
        assert asked_wait(asked, jitter=jitter) >= asked
    assert asked_wait(60, jitter=jitter) == pytest.approx(60 * (1 + JITTER * jitter))


def test_retry_after_lengthens_within_bounds_and_never_shortens() -> None:
    assert asked_wait(90, jitter=0) == 90
    assert asked_wait(0, 6, jitter=0) == RETRY_SCHEDULE[5]
    assert asked_wait(10**6, jitter=0) == RETRY_AFTER_LIMIT == 3_600
    assert asked_wait(270, priority=FLASH, jitter=0) == 270


def test_a_test_is_tried_once() -> None:
    only = replace(tried(status=503), is_only=True)
    verdict = judge(only, priority=FLASH, now=NOW, jitter=0)
    assert (verdict.status, verdict.due_at) == (DeliveryStatus.DEAD, None)
    good = judge(replace(tried(status=204), is_only=True), priority=FLASH, now=NOW, jitter=0)
    assert good.status is DeliveryStatus.DELIVERED


def test_jitter_takes_a_part_off_the_wait() -> None:
    full = judge(tried(5), priority=ROUTINE, now=NOW, jitter=0).due_at
    least = judge(tried(5), priority=ROUTINE, now=NOW, jitter=1).due_at
    assert full is not None
    assert least is not None
    assert (least - NOW) == (full - NOW) * (1 - JITTER)


@pytest.mark.parametrize(
    ("status", "is_whole"),
    [(None, True), (503, True), (429, True), (500, False), (404, False), (204, False)],
)
def test_only_some_failures_speak_for_the_whole_endpoint(
    status: int | None, *, is_whole: bool
) -> None:
    assert tried(status=status).is_unanswered is is_whole


def unanswered(number: int = 1, retry_after: int | None = None) -> Tried:
    return Tried(number, NOW, None, "connect_failed", retry_after)


def test_a_delivery_to_an_endpoint_that_failed_before_waits_with_the_others() -> None:
    shared = SharedWait(NOW + timedelta(minutes=20), 6)
    verdict = judge(unanswered(), priority=ROUTINE, now=NOW, jitter=0.5, shared=shared)
    assert (verdict.due_at, verdict.attempt) == (shared.retry_at, 6)


def test_the_try_that_the_others_waited_for_counts_for_all() -> None:
    shared = SharedWait(NOW, 3)
    verdict = judge(unanswered(), priority=ROUTINE, now=NOW, jitter=0, shared=shared)
    assert (verdict.due_at, verdict.attempt) == (NOW + next_attempt(4, priority=ROUTINE), 4)


def test_an_endpoint_that_says_how_long_is_believed_before_the_others_wait() -> None:
    shared = SharedWait(NOW + timedelta(seconds=2), 1)
    busy = Tried(1, NOW, 503, "http_status", 120)
    verdict = judge(busy, priority=ROUTINE, now=NOW, jitter=0, shared=shared)
    assert verdict.due_at == NOW + timedelta(seconds=120)


def test_a_refusal_of_one_event_has_a_wait_of_its_own() -> None:
    shared = SharedWait(NOW + timedelta(hours=1), 6)
    verdict = judge(tried(), priority=ROUTINE, now=NOW, jitter=0, shared=shared)
    assert (verdict.due_at, verdict.attempt) == (NOW + timedelta(seconds=2), 1)

"""Quiet hours over nights, weekends, holidays and clocks that are put forward; the way on."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from coordinator.domain.on_call import (
    HEARD_BY,
    RETRY_SCHEDULE,
    ROUNDS,
    QuietTimes,
    can_wait,
    next_place,
    retry_at,
    sentence,
    wakes,
)
from coordinator.domain.working_days import CountryCalendar
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.vocabulary import Urgency

BERLIN = ZoneInfo("Europe/Berlin")
SINGAPORE = ZoneInfo("Asia/Singapore")
DUBAI = ZoneInfo("Asia/Dubai")
NEW_YORK = ZoneInfo("America/New_York")


def nights(zone: ZoneInfo = BERLIN, country: str | None = None) -> QuietTimes:
    """Return nights from ten to seven, and where a country is named its days of rest."""
    calendar = None if country is None else CountryCalendar(country, zone)
    return QuietTimes(zone, time(22), time(7), calendar)


def _over(quiet: QuietTimes, at: str) -> str | None:
    over = quiet.over_at(datetime.fromisoformat(at).replace(tzinfo=UTC))
    return None if over is None else over.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("at", "over"),
    [
        ("2026-03-02T20:59", None),  # 21:59 in Berlin
        ("2026-03-02T21:00", "2026-03-03T06:00"),
        ("2026-03-02T23:30", "2026-03-03T06:00"),  # past midnight
        ("2026-03-03T05:59", "2026-03-03T06:00"),
        ("2026-03-03T06:00", None),
    ],
)
def test_a_night_ends_in_the_morning_of_its_own_zone(at: str, over: str | None) -> None:
    assert _over(nights(), at) == over


def test_each_zone_sleeps_at_its_own_hours() -> None:
    at = "2026-03-03T16:00"
    assert _over(nights(BERLIN), at) is None
    assert _over(nights(SINGAPORE), at) == "2026-03-03T23:00"


def test_hours_within_one_day_are_those_of_that_day() -> None:
    noon = QuietTimes(BERLIN, time(12), time(13))
    assert _over(noon, "2026-03-03T11:30") == "2026-03-03T12:00"
    assert _over(noon, "2026-03-03T12:00") is None
    assert _over(noon, "2026-03-03T10:59") is None


def test_the_same_hour_twice_is_no_quiet_hour() -> None:
    never = QuietTimes(BERLIN, time(0), time(0))
    assert _over(never, "2026-03-03T00:00") is None


def test_a_weekend_is_quiet_all_day_and_the_night_behind_it_too() -> None:
    # From Saturday noon to Monday at seven.
    assert _over(nights(country="DE"), "2026-03-07T11:00") == "2026-03-09T06:00"
    # Friday night runs into it.
    assert _over(nights(country="DE"), "2026-03-06T22:00") == "2026-03-09T06:00"


def test_a_country_that_rests_on_friday_works_on_sunday() -> None:
    riyadh = nights(ZoneInfo("Asia/Riyadh"), "SA")
    assert _over(riyadh, "2026-03-06T09:00") == "2026-03-08T04:00"  # Friday to Sunday at seven
    assert _over(riyadh, "2026-03-08T09:00") is None


def test_holidays_are_quiet_and_run_together_with_the_weekend() -> None:
    # Good Friday to Easter Monday, 2026; Tuesday at seven, in summer time.
    assert _over(nights(country="DE"), "2026-04-03T10:00") == "2026-04-07T05:00"
    assert _over(nights(), "2026-04-03T10:00") is None


def test_a_clock_that_is_put_forward_past_the_end_ends_the_quiet_time() -> None:
    # New York, 8 March 2026: 02:00 is 03:00.
    short = QuietTimes(NEW_YORK, time(1), time(2, 30))
    assert _over(short, "2026-03-08T06:30") == "2026-03-08T07:30"
    assert _over(short, "2026-03-08T07:30") is None


def test_a_clock_that_is_put_back_makes_a_night_longer_and_begins_it_once() -> None:
    # New York, 1 November 2026: 02:00 is 01:00 again, at 06:00 UTC.
    early = QuietTimes(NEW_YORK, time(23), time(1, 30))
    assert _over(early, "2026-11-01T05:00") == "2026-11-01T05:30"
    assert _over(early, "2026-11-01T06:10") is None
    assert _over(nights(NEW_YORK), "2026-11-01T02:00") == "2026-11-01T12:00"


def test_what_never_works_is_woken_rather_than_never() -> None:
    class Never:
        zone = BERLIN

        def is_working_day(self, day: object) -> bool:
            del day
            return False

    assert _over(QuietTimes(BERLIN, time(22), time(7), Never()), "2026-03-03T11:00") is None


def test_a_flash_and_a_hold_that_ends_never_wait_and_a_routine_request_wakes_nobody() -> None:
    waiting = {
        (kind, urgency) for kind in HEARD_BY for urgency in Urgency if can_wait(kind, urgency)
    }
    assert waiting == {
        (kind, urgency)
        for kind in HEARD_BY.keys() - {TaskKind.HOLD_ENDS}
        for urgency in (Urgency.URGENT, Urgency.ROUTINE)
    }
    assert [urgency for urgency in Urgency if wakes(urgency)] == [Urgency.FLASH, Urgency.URGENT]


def test_a_chain_is_gone_through_so_often_and_only_by_those_who_may_hear() -> None:
    heard, place = [], next_place(0, 3, lambda each: each != 1)
    while place is not None:
        heard.append(place % 3)
        place = next_place(place + 1, 3, lambda each: each != 1)
    assert heard == [0, 2] * ROUNDS
    assert next_place(0, 2, lambda _: False) is None


def test_a_message_is_tried_a_few_times() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    waits = [retry_at(tries, at) for tries in range(1, len(RETRY_SCHEDULE) + 2)]
    assert waits == [*(at + timedelta(seconds=each) for each in RETRY_SCHEDULE), None]


def test_a_sentence_is_one_and_has_no_figure_and_no_name() -> None:
    for kind in (None, *HEARD_BY):
        text = sentence(kind)
        assert text.count(".") == 1
        assert text.isascii()
        assert not any(character.isdigit() or character in "@{}" for character in text)

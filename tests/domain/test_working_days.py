"""Working days: weekends, holidays, time zones, leap days, and clocks that are put forward."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from coordinator.domain.working_days import Calendars, CountryCalendar, after_working_days
from tests.rulebook import RULEBOOK

CALENDARS = RULEBOOK.policies.calendars


@dataclass(frozen=True)
class Weekdays:
    """A calendar without holidays."""

    zone: tzinfo
    weekend: frozenset[int] = frozenset({5, 6})

    def is_working_day(self, day: date) -> bool:
        return day.weekday() not in self.weekend


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "start", "count", "end"),
    [
        # A day that has begun does not count, however early it is; it ends at midnight over there.
        ("DE", "2026-11-16T00:00", 1, "2026-11-17T23:00"),
        ("DE", "2026-11-16T22:59", 1, "2026-11-17T23:00"),
        ("DE", "2026-11-16T23:00", 1, "2026-11-18T23:00"),  # Tuesday began in Berlin
        # Over a weekend.
        ("DE", "2026-11-20T12:00", 1, "2026-11-23T23:00"),
        ("DE", "2026-11-21T12:00", 1, "2026-11-23T23:00"),
        ("DE", "2026-11-20T12:00", 5, "2026-11-27T23:00"),
        # Over Christmas and New Year: 25, 26 and 1 are holidays, 26 is a Saturday.
        ("DE", "2026-12-23T12:00", 5, "2026-12-31T23:00"),
        ("DE", "2026-12-23T12:00", 6, "2027-01-04T23:00"),
        # England's holiday is a Monday more: Boxing Day was a Saturday.
        ("GB", "2026-12-24T12:00", 1, "2026-12-30T00:00"),
        # Summer time begins on 2026-03-29 in Berlin: the Monday ends at 22:00 UTC.
        ("DE", "2026-03-27T12:00", 1, "2026-03-30T22:00"),
        ("DE", "2026-10-23T12:00", 1, "2026-10-26T23:00"),
        # Good Friday and Easter Monday.
        ("DE", "2026-04-02T12:00", 1, "2026-04-07T22:00"),
        # A leap day is a day like others.
        ("DE", "2028-02-28T12:00", 1, "2028-02-29T23:00"),
        ("DE", "2028-02-28T12:00", 2, "2028-03-01T23:00"),
        ("DE", "2027-02-26T12:00", 1, "2027-03-01T23:00"),
        # Israel rests on Friday and Saturday, and works on Sunday.
        ("IL", "2026-11-19T12:00", 1, "2026-11-22T22:00"),
        # The Emirates rest on Saturday and Sunday since 2022, on Friday and Saturday before.
        ("AE", "2026-11-20T12:00", 1, "2026-11-23T20:00"),
        ("AE", "2021-11-18T12:00", 1, "2021-11-21T20:00"),
        # Thanksgiving; New York's Wednesday ends at 05:00 UTC of the next day.
        ("US", "2026-11-25T12:00", 1, "2026-11-28T05:00"),
        # In Tokyo it is Saturday already.
        ("JP", "2026-11-20T15:00", 1, "2026-11-24T15:00"),
        # Of nowhere, and of a country that nobody knows: Monday to Friday, UTC.
        (None, "2026-12-24T12:00", 1, "2026-12-26T00:00"),
        ("ZZ", "2026-11-20T12:00", 1, "2026-11-24T00:00"),
    ],
)
def test_when_working_days_have_passed(
    country: str | None, start: str, count: int, end: str
) -> None:
    assert after_working_days(_utc(start), count, CALENDARS.of(country)) == _utc(end)


def test_a_midnight_that_never_was_is_the_moment_at_which_clocks_jump() -> None:
    # Beirut puts its clocks forward at midnight: 2026-03-29 begins at 01:00.
    beirut = Weekdays(ZoneInfo("Asia/Beirut"), weekend=frozenset({6}))
    end = after_working_days(_utc("2026-03-27T12:00"), 1, beirut)
    assert end == _utc("2026-03-28T22:00")


def test_a_zone_on_the_far_side_of_the_date_line_begins_its_day_early() -> None:
    kiritimati = Weekdays(timezone(timedelta(hours=14)))
    assert after_working_days(_utc("2026-11-19T10:00"), 1, kiritimati) == _utc("2026-11-23T10:00")


def test_a_time_without_a_zone_and_no_day_at_all_are_refused() -> None:
    calendar = Weekdays(UTC)
    with pytest.raises(ValueError, match="without a zone"):
        after_working_days(_utc("2026-11-19T10:00").replace(tzinfo=None), 1, calendar)
    with pytest.raises(ValueError, match="at least one"):
        after_working_days(_utc("2026-11-19T10:00"), 0, calendar)


def test_a_jurisdiction_without_a_zone_of_its_own_has_the_default() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    calendars = Calendars({"DE": berlin})
    assert calendars.of("DE") == CountryCalendar("DE", berlin)
    assert calendars.of("FR") == CountryCalendar("FR", UTC)


def test_a_process_that_counts_no_working_days_does_not_load_the_library() -> None:
    program = (
        "import sys; from tests.rulebook import RULEBOOK as r; from datetime import *;"
        "from holdfast.protocol.vocabulary import Urgency as u;"
        "desk = r.policies.desk_clocks('office_hours', 'DE');"
        "now = datetime(2026, 3, 2, tzinfo=UTC);"
        "desk.answer_by(u.URGENT, queued_at=now); assert 'holidays' not in sys.modules;"
        "desk.answer_by(u.ROUTINE, queued_at=now); assert 'holidays' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

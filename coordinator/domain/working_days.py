"""Working days of a jurisdiction: when so many of them have passed.

A day is one on that jurisdiction's wall clock, so a deadline falls on its midnight, whatever the
hour is elsewhere. Weekends and public holidays come from the library `holidays`, which knows of
countries that rest on Friday and Saturday, too. It takes 0.1 s and 16 MB to load, so a process that
never counts a working day never loads it.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any, Protocol

_DAY = timedelta(days=1)
_FIRST_OF_WEEKEND = 5


class WorkingCalendar(Protocol):
    """Which days a jurisdiction works, and the zone in which its days begin."""

    @property
    def zone(self) -> tzinfo:
        """The jurisdiction's time zone."""
        ...

    def is_working_day(self, day: date) -> bool:
        """Tell whether people work on that day."""
        ...


def after_working_days(start: datetime, count: int, calendar: WorkingCalendar) -> datetime:
    """Return when the last of `count` working days after `start` ends, in UTC.

    The day on which a period begins does not count, and it ends with the last hour of its last day,
    as in Regulation (EEC, Euratom) No 1182/71, article 3.

    Raises:
        ValueError: If `count` is below 1 or `start` has no zone.
    """
    if count < 1:
        raise ValueError("a period has at least one working day")
    if start.tzinfo is None:
        raise ValueError("a time without a zone is refused")
    day = start.astimezone(calendar.zone).date()
    left = count
    while left:
        day += _DAY
        left -= calendar.is_working_day(day)
    return datetime.combine(day + _DAY, time(), tzinfo=calendar.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class CountryCalendar:
    """The working days of one country; Monday to Friday where the library does not know it.

    Args:
        country: ISO 3166-1 alpha-2; None where a partner states no jurisdiction.
        zone: In which the country's days begin.
    """

    country: str | None
    zone: tzinfo

    def is_working_day(self, day: date) -> bool:
        """Tell whether it is neither a day of the weekend nor a public holiday of the country."""
        known = _days_of(self.country)
        if known is None:
            return day.weekday() < _FIRST_OF_WEEKEND
        return bool(known.is_working_day(day))


@cache
def _days_of(country: str | None) -> Any:
    """Return what the library knows of a country; None if nothing."""
    if country is None:
        return None
    library = importlib.import_module("holidays")
    try:
        return library.country_holidays(country)
    except NotImplementedError:  # so the library says that it does not know the country
        return None


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendar of each jurisdiction.

    Attributes:
        zones: By ISO 3166-1 alpha-2.
        default_zone: Of every jurisdiction that is not among them.
    """

    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    default_zone: tzinfo = UTC

    def of(self, jurisdiction: str | None) -> WorkingCalendar:
        """Return the calendar of a jurisdiction; None: of nowhere, Monday to Friday."""
        zone = self.zones.get(jurisdiction or "", self.default_zone)
        return CountryCalendar(jurisdiction, zone)

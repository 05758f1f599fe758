"""Who is woken, for what and when: what cannot wait, quiet hours, and the way along a chain.

What needs a human is paged along the partner's chain until somebody says "I have it", it is done,
or the chain was gone through so often that whoever could hear has heard.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from coordinator.domain.working_days import WorkingCalendar
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.vocabulary import Urgency

#: How often a chain is gone through before an alarm ends unheard.
ROUNDS = 3
#: A hold that ends within so long wakes somebody.
BEFORE_HOLD_ENDS = timedelta(hours=1)
#: Waits before tries 2, 3, … of one message, in seconds. The next of the chain is paged meanwhile.
RETRY_SCHEDULE = (2, 5, 15, 60)
#: A partner's tests are so far apart: a channel may be the mailbox of somebody who never asked.
BETWEEN_TESTS = timedelta(minutes=1)
#: Quiet hours are looked through for so many days; a calendar without any working day pages.
_DAYS_AHEAD = 31
_DAY = timedelta(days=1)

#: By what an alarm is about: which tasks, taken, tell that somebody has it.
HEARD_BY: Mapping[TaskKind, frozenset[TaskKind]] = MappingProxyType(
    {
        TaskKind.APPROVE: frozenset({TaskKind.APPROVE}),
        TaskKind.RATIFY: frozenset({TaskKind.RATIFY}),
        TaskKind.ANSWER: frozenset({TaskKind.ACKNOWLEDGE, TaskKind.ANSWER}),
        TaskKind.RESOLVE: frozenset({TaskKind.RESOLVE}),
        TaskKind.HOLD_ENDS: frozenset({TaskKind.HOLD_ENDS}),
    }
)


def wakes(urgency: Urgency) -> bool:
    """Tell whether a request wakes people at all; of a routine one the list of tasks is enough."""
    return urgency is not Urgency.ROUTINE


def can_wait(kind: TaskKind, urgency: Urgency) -> bool:
    """Tell whether quiet hours are waited out: a flash never waits, nor a hold that ends now."""
    return kind is not TaskKind.HOLD_ENDS and urgency is not Urgency.FLASH


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """When nobody is woken by what can wait.

    Attributes:
        zone: On whose wall clock.
        begins: The first quiet minute of a day.
        ends: The first that is not; where both are the same, no hour of a working day is quiet.
        calendar: Whose days of rest are quiet all day; None: none are.
    """

    zone: ZoneInfo
    begins: time
    ends: time
    calendar: WorkingCalendar | None = None

    def over_at(self, now: datetime) -> datetime | None:
        """Return when the quiet time that `now` lies in ends, in UTC; None where it lies in none.

        A wall clock that is put forward past `ends` ends it at that very moment; one that is put
        back does not begin it again.
        """
        at = now
        for _ in range(_DAYS_AHEAD * 2):
            following = self._next(at)
            if following is None:
                return None if at == now else at
            at = following
        return None

    def _next(self, at: datetime) -> datetime | None:
        """Return the end of the part that `at` lies in: of the day of rest, or of the hours."""
        local = at.astimezone(self.zone)
        day, hour = local.date(), local.time()
        if self.calendar is not None and not self.calendar.is_working_day(day):
            return self._moment(day + _DAY, time())
        if self.begins < self.ends:
            is_quiet, ends_on = self.begins <= hour < self.ends, day
        else:
            is_quiet = self.begins != self.ends and (hour >= self.begins or hour < self.ends)
            ends_on = day + _DAY if hour >= self.begins else day
        if not is_quiet:
            return None
        ends = self._moment(ends_on, self.ends)
        # In the hour that a clock shows twice, `ends` may have passed for the first time.
        return ends if ends > at else None

    def _moment(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, tzinfo=self.zone).astimezone(UTC)


def next_place(place: int, length: int, may_hear: Callable[[int], bool]) -> int | None:
    """Return the first place from `place` on whose person may be paged; None: nobody is left.

    Args:
        place: Counted through all rounds, from 0.
        length: People in the chain.
        may_hear: Whether the one at a place of the chain may.
    """
    for each in range(place, ROUNDS * length):
        if may_hear(each % length):
            return each
    return None


def retry_at(tries: int, now: datetime) -> datetime | None:
    """Return when a message is tried again after so many tries; None: never."""
    if tries > len(RETRY_SCHEDULE):
        return None
    return now + timedelta(seconds=RETRY_SCHEDULE[tries - 1])


_SENTENCES: Mapping[TaskKind, str] = MappingProxyType(
    {
        TaskKind.APPROVE: "A freeze request of your organisation waits for a security lead.",
        TaskKind.RATIFY: "A flash freeze request of your organisation is out and waits to be"
        " ratified.",
        TaskKind.ANSWER: "A freeze request waits for your organisation's answer.",
        TaskKind.RESOLVE: "A partner contests a freeze that your organisation asked for.",
        TaskKind.HOLD_ENDS: "A hold of your organisation ends within the hour.",
    }
)
_TEST_SENTENCE = "This is a test: nothing waits, and nobody needs to do anything."


#: First of all: a page may be read by its first words alone, or aloud.
_DRILL = "DRILL, nothing is real: "


def sentence(kind: TaskKind | None, *, drill: bool = False) -> str:
    """Return the one sentence of a page; None: of a test. It names nobody and no amount."""
    if kind is None:
        return _TEST_SENTENCE
    said = _SENTENCES[kind]
    return f"{_DRILL}{said[0].lower()}{said[1:]}" if drill else said

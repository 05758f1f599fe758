"""Named profiles of clocks: by when a partner says "received", answers, and replies to a question.

The policies list them, a partner's policy chooses one, and a leg fixes its times when it is queued.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.domain.working_days import WorkingCalendar, after_working_days
from holdfast.protocol.vocabulary import Urgency

#: Of partners that chose none, or one that the policies no longer have.
DEFAULT_PROFILE = "default"
#: What may wait for Monday. Whoever moves stolen funds does not.
MAY_COUNT_WORKING_DAYS = frozenset({Urgency.ROUTINE})


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """A span of so many working days, whatever lies between them."""

    count: int


#: How long something may take: by the clock on the wall, or in working days.
Span = timedelta | WorkingDays


def due_at(span: Span, *, start: datetime, calendar: WorkingCalendar) -> datetime:
    """Return when a span that begins at `start` has passed, in UTC."""
    if isinstance(span, WorkingDays):
        return after_working_days(start, span.count, calendar)
    return start + span


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockProfile:
    """How long one sort of desk has, by urgency.

    Attributes:
        acknowledge_within: From a leg's queueing until somebody says "received".
        answer_within: From then, too, until every address has its answer.
        reply_within: From a question about the partner's own request until its reply.
    """

    acknowledge_within: Mapping[Urgency, Span]
    answer_within: Mapping[Urgency, Span]
    reply_within: Mapping[Urgency, Span]


@dataclass(frozen=True, slots=True)
class DeskClocks:
    """The clocks of one partner: its profile, on its own calendar."""

    profile: ClockProfile
    calendar: WorkingCalendar

    def acknowledge_by(self, urgency: Urgency, *, queued_at: datetime) -> datetime:
        """Return the time by which its leg should be acknowledged."""
        return self._due(self.profile.acknowledge_within, urgency, queued_at)

    def answer_by(self, urgency: Urgency, *, queued_at: datetime) -> datetime:
        """Return the time by which every address should have its answer."""
        return self._due(self.profile.answer_within, urgency, queued_at)

    def reply_by(self, urgency: Urgency, *, asked_at: datetime) -> datetime:
        """Return the time by which a question about its request should have a reply."""
        return self._due(self.profile.reply_within, urgency, asked_at)

    def _due(self, spans: Mapping[Urgency, Span], urgency: Urgency, start: datetime) -> datetime:
        return due_at(spans[urgency], start=start, calendar=self.calendar)

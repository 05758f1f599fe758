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
#: What a desk may answer by its clock for orders. In the first hours an order makes nobody slower.
MAY_WAIT_FOR_COUNSEL = frozenset({Urgency.URGENT, Urgency.ROUTINE})


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
        answer_on_order_within: From a leg's queueing, or an order's attaching to it, until every
            address has its answer, for an order has to be read first; None: as without one.
    """

    acknowledge_within: Mapping[Urgency, Span]
    answer_within: Mapping[Urgency, Span]
    reply_within: Mapping[Urgency, Span]
    answer_on_order_within: WorkingDays | None = None


@dataclass(frozen=True, slots=True)
class DeskClocks:
    """The clocks of one partner: its profile, on its own calendar."""

    profile: ClockProfile
    calendar: WorkingCalendar

    def acknowledge_by(self, urgency: Urgency, *, queued_at: datetime) -> datetime:
        """Return the time by which its leg should be acknowledged."""
        return self._due(self.profile.acknowledge_within, urgency, queued_at)

    def answer_by(
        self, urgency: Urgency, *, queued_at: datetime, is_on_order: bool = False
    ) -> datetime:
        """Return the time by which every address should have its answer.

        Args:
            urgency: Of the request.
            queued_at: When the leg is queued.
            is_on_order: Whether the request names a legal order, or rests on one.
        """
        plain = self._due(self.profile.answer_within, urgency, queued_at)
        on_order = self.on_order(urgency, known_at=queued_at) if is_on_order else None
        return plain if on_order is None else on_order

    def on_order(self, urgency: Urgency, *, known_at: datetime) -> datetime | None:
        """Return by when the desk answers on an order that it learns of; None: as without one."""
        span = self.profile.answer_on_order_within
        if span is None or urgency not in MAY_WAIT_FOR_COUNSEL:
            return None
        return due_at(span, start=known_at, calendar=self.calendar)

    def reply_by(self, urgency: Urgency, *, asked_at: datetime) -> datetime:
        """Return the time by which a question about its request should have a reply."""
        return self._due(self.profile.reply_within, urgency, asked_at)

    def _due(self, spans: Mapping[Urgency, Span], urgency: Urgency, start: datetime) -> datetime:
        return due_at(spans[urgency], start=start, calendar=self.calendar)

"""A leg's clock to its answer: it runs from the queueing, and stands while the partner must wait.

Nothing freezes and nothing is released because a clock ran out; both sides are told, and it counts.
"""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AnswerClock:
    """How a leg's clock stands.

    Attributes:
        answer_by: Until when every address has its answer; None: no clock runs.
        paused_at: Since when the partner waits: for the reply to its question, or for a request
            that nobody ratified.
        answered_at: When every address had its answer first. It stays, even where the partner looks
            again: who answered in time is not late for having second thoughts.
        unanswered_at: When it was seen that the time had passed. It stays, too.
    """

    answer_by: datetime | None
    paused_at: datetime | None = None
    answered_at: datetime | None = None
    unanswered_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Tell whether the time has passed, the clock not standing, and nobody noted it yet."""
        is_noted = self.unanswered_at is not None or self.paused_at is not None
        return self._is_running() and not is_noted and self._has_run_out(now)

    def after(self, now: datetime, *, is_answered: bool, waits: bool) -> "AnswerClock":
        """Return the clock after something happened.

        What waits is not counted: the end moves by as long as the clock stood. A clock that had run
        out is not stopped any more, or asking would make an answer that is late punctual.

        Args:
            now: When it happened.
            is_answered: Whether every address has its answer now.
            waits: Whether the partner has to wait for others now.
        """
        if not self._is_running():
            return self
        must_wait = waits and not is_answered
        if self.paused_at is not None and not must_wait:
            end = self.answer_by and self.answer_by + (now - self.paused_at)
            return replace(
                self, answer_by=end, paused_at=None, answered_at=now if is_answered else None
            )
        if self.paused_at is None and must_wait and not self._has_run_out(now):
            return replace(self, paused_at=now)
        return replace(self, answered_at=now) if is_answered else self

    def on_order(self, now: datetime, answer_by: datetime) -> "AnswerClock":
        """Return the clock once an order is attached that takes until `answer_by` to answer.

        It only ever gives time, and none to who is late already. Where the clock stands, the new
        time stands with it from now on.
        """
        if not self._is_running() or (self.paused_at is None and self._has_run_out(now)):
            return self
        left = self if self.paused_at is None else self.after(now, is_answered=False, waits=False)
        if left.answer_by is None or answer_by <= left.answer_by:
            return self
        return replace(self, answer_by=answer_by, paused_at=self.paused_at and now)

    def _is_running(self) -> bool:
        return self.answer_by is not None and self.answered_at is None

    def _has_run_out(self, now: datetime) -> bool:
        if self.answer_by is None:
            return False
        return self.unanswered_at is not None or self.answer_by <= now

"""How many requests a partner may send: GCRA, in memory, one share a web process.

The generic cell rate algorithm (ITU-T I.371) keeps one time a partner: when its allowance would be
whole again. Each process counts for itself with its share of the limit, so the limit over all is
approximate, and costs no write.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from coordinator.domain.errors import RateLimitedError

WINDOW_SECONDS = 60
_MOST_PARTNERS = 50_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left: requests at once, and seconds until the allowance is whole."""

    limit: int
    remaining: int
    reset_seconds: int


class RateLimiter:
    """Counts requests by partner.

    Args:
        per_minute: Requests a minute in this process; 0 turns it off.
        monotonic: Seconds, for tests.
    """

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._interval = WINDOW_SECONDS / per_minute if per_minute else 0.0
        self._monotonic = monotonic
        self._whole_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, partner: str) -> Allowance | None:
        """Count one request of `partner`; returns what is left, None where there is no limit.

        Raises:
            RateLimitedError: If the minute's allowance is used up.
        """
        if not self.per_minute:
            return None
        now = self._monotonic()
        with self._lock:
            whole_at = max(self._whole_at.get(partner, now), now) + self._interval
            if whole_at - now > WINDOW_SECONDS:
                wait = whole_at - now - WINDOW_SECONDS
                raise RateLimitedError(
                    f"more than {self.per_minute} requests a minute; come back later",
                    retry_after=max(1, ceil(wait)),
                )
            if len(self._whole_at) >= _MOST_PARTNERS:
                self._forget(now)
            self._whole_at[partner] = whole_at
        used = whole_at - now
        return Allowance(self.per_minute, int((WINDOW_SECONDS - used) / self._interval), ceil(used))

    def _forget(self, now: float) -> None:
        self._whole_at = {p: t for p, t in self._whole_at.items() if t > now}

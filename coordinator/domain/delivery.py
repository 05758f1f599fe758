"""What becomes of an event that is owed to an endpoint: statuses, and retries as data.

A delivery is tried until the endpoint accepts it, says that it is gone (410), or has failed through
the whole schedule; then it is dead, a person is told, and its successors go on without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class DeliveryStatus(StrEnum):
    """Where one delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


#: Waits before attempts 2, 3, … in seconds, about 75 h in all; then the delivery is dead.
RETRY_SCHEDULE = (2, 5, 15, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 86_400, 86_400)
#: Money moves while a flash notice waits, so no wait of its lane is longer than this, in seconds.
FLASH_LONGEST_WAIT = 300
#: The longest `Retry-After` that is honoured, in seconds: nobody may put a notice off for days. For
#: a flash notice it is `FLASH_LONGEST_WAIT`.
RETRY_AFTER_LIMIT = 3_600
#: Waits of the schedule are shortened by up to this part, and those that an endpoint asked for are
#: lengthened by it, so that lanes that failed together return apart.
JITTER = 0.1
#: An endpoint's lanes become due over this time when it answers again, flash ones first.
RECOVERY_SPREAD = timedelta(seconds=5)
#: After this time without any success the partner is told, once. What failed in an outage as long
#: is tried at once when it is over, also where the endpoint had refused it for itself.
FAILING_AFTER = timedelta(seconds=60)
#: What our posts say that they are (RFC 9110 §10.1.5).
USER_AGENT = "Holdfast"
#: The beginning of a failed answer's text is kept this long, for the people who mend the endpoint.
ANSWER_KEPT = timedelta(hours=24)
#: Secrets that were replaced sign along for this long.
SECRET_OVERLAP = timedelta(hours=24)
FLASH = 0
GONE = 410
#: Answers that speak for the whole endpoint (busy, or a proxy without its server).
UNAVAILABLE = frozenset({408, 429, 502, 503, 504})
#: What a partner is told of a host that stands for no address which webhooks may go to.
HOST_UNUSABLE = "host_unusable"
#: Whether a name is unknown or known inside only is the operator's: partners are told the same.
_HIDDEN_ERRORS = frozenset({"dns_failed", "blocked_target"})
#: At most this many lost events are named to a successor, so that its body stays small.
NAMED_GAPS = 20
#: Tries that a failing endpoint gets at a time: one that hangs must not hold every sender.
PROBES = 1


def _flash_schedule() -> tuple[int, ...]:
    """Return the same time in all, in waits that are never long."""
    waits = [wait for wait in RETRY_SCHEDULE if wait < FLASH_LONGEST_WAIT]
    missing = sum(RETRY_SCHEDULE) - sum(waits)
    return tuple(waits + [FLASH_LONGEST_WAIT] * -(-missing // FLASH_LONGEST_WAIT))


#: By a lane's priority; what is not named has `RETRY_SCHEDULE`.
SCHEDULES: Mapping[int, tuple[int, ...]] = MappingProxyType({FLASH: _flash_schedule()})


@dataclass(frozen=True, slots=True)
class Tried:
    """How one try ended.

    Attributes:
        number: Tries of this delivery since it was queued, this one included.
        since: When the first of them was made.
        status: HTTP status; None where no answer came.
        error: Stable word where no good answer came whole, e.g. "deadline_exceeded".
        retry_after: Whole seconds that the endpoint asked for.
        is_only: It is never tried again.
    """

    number: int
    since: datetime
    status: int | None
    error: str | None = None
    retry_after: int | None = None
    is_only: bool = False

    @property
    def is_accepted(self) -> bool:
        """Whether the endpoint accepted it: any 2xx whose response came whole."""
        if self.error is not None or self.status is None:
            return False
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def is_unanswered(self) -> bool:
        """Whether the endpoint as a whole failed, not just this event."""
        return self.status is None or self.status in UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a try: the delivery's status and, while pending, when to try again.

    Attributes:
        attempt: Tries that the wait until then is counted by.
    """

    status: DeliveryStatus
    due_at: datetime | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class SharedWait:
    """What other deliveries to a failing endpoint wait for, and by how many tries that is counted.

    An endpoint that does not answer is tried again for all that it is owed at once, not for each
    request by itself: that would cost a sender for a whole deadline each time.
    """

    retry_at: datetime
    attempt: int


def next_attempt(number: int, *, priority: int) -> timedelta:
    """Return the schedule's wait after try `number`, before jitter.

    Args:
        number: Tries so far, from 1.
        priority: The lane's; 0 is flash.
    """
    schedule = SCHEDULES.get(priority, RETRY_SCHEDULE)
    return timedelta(seconds=schedule[min(number, len(schedule)) - 1])


def honoured(retry_after: int, *, priority: int) -> timedelta:
    """Return for how long an endpoint that asked for so many seconds (RFC 9110 §10.2.3) has them.

    Args:
        retry_after: Whole seconds.
        priority: The lane's; 0 is flash.
    """
    most = FLASH_LONGEST_WAIT if priority == FLASH else RETRY_AFTER_LIMIT
    return timedelta(seconds=min(retry_after, most))


def _wait(number: int, tried: Tried, *, priority: int, jitter: float) -> timedelta:
    """Return the wait after a failed try; never shorter than what the endpoint asked for."""
    wait = next_attempt(number, priority=priority) * (1 - JITTER * jitter)
    if tried.retry_after is not None:
        wait = max(wait, honoured(tried.retry_after, priority=priority) * (1 + JITTER * jitter))
    return min(wait, timedelta(seconds=FLASH_LONGEST_WAIT)) if priority == FLASH else wait


def judge(
    tried: Tried,
    *,
    priority: int,
    now: datetime,
    jitter: float,
    shared: SharedWait | None = None,
) -> Verdict:
    """Return what becomes of a delivery after a try.

    Dead needs both: the schedule used up, and its time gone by. Counts alone would let an endpoint
    that comes and goes burn the schedule in minutes; time alone would let a stepped clock do it.

    Args:
        tried: The try.
        priority: The lane's; 0 is flash.
        now: When the outcome is recorded.
        jitter: From 0 up to 1; how much of `JITTER` is taken off the wait, or put on it.
        shared: Where the endpoint failed before, what its other deliveries wait for that are as
            urgent or more so; this one joins them unless the endpoint says for how long.
    """
    if tried.is_accepted:
        return Verdict(DeliveryStatus.DELIVERED)
    schedule = SCHEDULES.get(priority, RETRY_SCHEDULE)
    lasts = timedelta(seconds=sum(schedule)) * (1 - JITTER)
    is_used_up = tried.number > len(schedule) and now - tried.since >= lasts
    if tried.is_only or tried.status == GONE or is_used_up:
        return Verdict(DeliveryStatus.DEAD)
    number = tried.number
    if shared is not None and tried.is_unanswered:
        if shared.retry_at > now and tried.retry_after is None:
            return Verdict(DeliveryStatus.PENDING, shared.retry_at, max(number, shared.attempt))
        number = max(number, shared.attempt + 1)
    wait = _wait(number, tried, priority=priority, jitter=jitter)
    return Verdict(DeliveryStatus.PENDING, now + wait, number)


def told_error(error: str | None) -> str | None:
    """Return an attempt's error as its partner is told it; the log has the precise one."""
    return HOST_UNUSABLE if error in _HIDDEN_ERRORS else error

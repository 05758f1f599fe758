"""Prometheus metrics of a worker; labels never name a partner or a request."""

from prometheus_client import Counter, Gauge

from coordinator.domain.clock import SystemClock

DELIVERY_CYCLES = Counter("holdfast_delivery_cycles", "Transactions that claimed or completed.")
DELIVERY_FAULTS = Counter(
    "holdfast_delivery_cycle_failures", "Cycles that the database ended; they are run again."
)
CLAIMED = Counter("holdfast_deliveries_claimed", "Deliveries that a sender took up.")
TRIES = Counter(
    "holdfast_delivery_tries",
    "Tries by outcome: delivered, failed (tried again), dead, fenced (another worker's by then).",
    ["outcome"],
)
TIMERS_FIRED = Counter("holdfast_timers_fired", "Deadlines acted on.", ["timer"])
TIMER_FAULTS = Counter(
    "holdfast_timer_failures", "Deadlines whose act failed; they are tried again.", ["timer"]
)
PAGES = Counter(
    "holdfast_pages",
    "Tries of pages by outcome: sent, pending (tried again), failed, dropped, fault.",
    ["outcome"],
)
GUEST_MAILS = Counter(
    "holdfast_guest_mails",
    "Mails to guests by kind (links, code) and outcome: sent (the server took it), failed.",
    ["kind", "outcome"],
)
# Of the workers that live: one that stands still is not hidden by the others.
LAST_PASS = Gauge(
    "holdfast_timers_last_pass_timestamp_seconds",
    "When the worker that is furthest behind last looked at all deadlines.",
    multiprocess_mode="livemin",
)
CLOCK_HELD = Gauge(
    "holdfast_clock_held",
    "1 while a worker acts on no deadline, because its host's clock jumped.",
    multiprocess_mode="livemax",
)


def count_cycle(*, claimed: int, delivered: int, failed: int, dead: int, fenced: int) -> None:
    """Count one cycle of the pump."""
    DELIVERY_CYCLES.inc()
    CLAIMED.inc(claimed)
    for outcome, count in (
        ("delivered", delivered),
        ("failed", failed - dead),
        ("dead", dead),
        ("fenced", fenced),
    ):
        TRIES.labels(outcome).inc(count)


def note_pass() -> None:
    """Record that the timers have just run."""
    LAST_PASS.set(SystemClock().now().timestamp())

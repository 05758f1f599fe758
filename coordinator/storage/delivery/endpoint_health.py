"""Which endpoints answer and which fail, and what that means for their lanes.

A failing endpoint gets one try at a time, so that one that hangs never holds all senders, and one
time to be tried again, at which all its lanes wait; when it answers again, whatever waited for that
becomes due at once, jittered. What an endpoint refuses for itself while it takes others waits out
its own time: otherwise each good answer would have the bad one tried again.

An endpoint that asks to be left alone (Retry-After) is, for as long as is honoured, by all its
lanes; only what its own people ask for goes before.
"""

import random
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, TextClause, text

from coordinator.domain.clock import to_micros
from coordinator.domain.delivery import RECOVERY_SPREAD, honoured
from coordinator.storage.delivery.lanes import PRIORITIES, Completion, Recovery


def put_off_values(failed: Completion, now: datetime) -> dict[str, object]:
    """Return what has lanes that are due wait with the one whose try showed that it is in vain.

    The try counts for all of them, so a failing endpoint has one wait, however much it is owed.
    Lanes more urgent than the one tried keep their time.
    """
    return {
        "e": failed.head.endpoint_id,
        "priority": failed.head.priority,
        "now": to_micros(now),
        "at": to_micros(failed.at),
        "due": to_micros(failed.due_at or failed.at),
        "attempt": failed.attempt,
    }


def busy_values(asked: Completion, now: datetime) -> dict[str, object]:
    """Return what notes that an endpoint asked to be left alone."""
    until = now + honoured(asked.retry_after or 0, priority=max(PRIORITIES))
    return {"e": asked.head.endpoint_id, "now": to_micros(now), "until": to_micros(until)}


def busy_sql(mark: str) -> str:
    """Return the statement that takes `busy_values`; see `put_off_sql` for `mark`."""
    marks = {n: mark.format(n) for n in ("e", "now", "until")}
    return _BUSY.format(**marks)


def apart(until: datetime, priority: int) -> datetime:
    """Return when a lane goes on after a wait of all lanes of its endpoint; flash at once."""
    share = random.random() * priority / max(PRIORITIES)  # noqa: S311 - spreads load
    return until + RECOVERY_SPREAD * share


def hurry_lanes(connection: Connection, endpoint_id: str, over: Recovery, now: datetime) -> None:
    """Make the lanes that waited for an endpoint to answer due, jittered."""
    spread = round(RECOVERY_SPREAD.total_seconds() * 1_000_000)
    connection.execute(
        _hurry_statement(connection.dialect.name),
        {"e": endpoint_id, "now": to_micros(now), "spread": spread, "all": over.is_of_all},
    )
    if over.is_asked_for:
        forget_wait(connection, endpoint_id)


def wake_lanes(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """Make all lanes due that owe something, jittered: the endpoint's own people want it all now.

    Their tries are counted from the start, and what it asked for before is no longer heeded.
    """
    spread = round(RECOVERY_SPREAD.total_seconds() * 1_000_000)
    connection.execute(
        _wake_statement(connection.dialect.name),
        {"e": endpoint_id, "now": to_micros(now), "spread": spread},
    )
    forget_wait(connection, endpoint_id)


def forget_wait(connection: Connection, endpoint_id: str) -> None:
    """Heed no more that an endpoint asked to be left alone."""
    connection.execute(_NOT_BUSY, {"e": endpoint_id})


def put_off_sql(mark: str, *, skip: str = "") -> str:
    """Return the statement that takes `put_off_values`.

    Args:
        mark: How the driver marks a parameter, with braces for its name.
        skip: What passes over rows that somebody else has locked.
    """
    marks = {n: mark.format(n) for n in ("e", "priority", "now", "at", "due", "attempt")}
    return _PUT_OFF.format(skip=skip, **marks)


_PUT_OFF = (
    "UPDATE lane SET due_at = {due}, unanswered = TRUE, "
    "tried_since = COALESCE(tried_since, {at}), "
    "attempt = CASE WHEN attempt < {attempt} THEN {attempt} ELSE attempt END "
    "WHERE (endpoint_id, request_id) IN (SELECT endpoint_id, request_id FROM lane "
    "WHERE endpoint_id = {e} AND priority >= {priority} AND due_at <= {now} "
    "AND lease_token IS NULL{skip})"
)


_BUSY = (
    "UPDATE webhook_endpoint SET busy_since = {now}, busy_until = {until} "
    "WHERE id = {e} AND (busy_until IS NULL OR busy_until < {until})"
)
_NOT_BUSY = text(
    "UPDATE webhook_endpoint SET busy_since = NULL, busy_until = NULL "
    "WHERE id = :e AND busy_until IS NOT NULL"
)


def _soon(dialect: str) -> str:
    """Return a time within the spread, the flash lanes' within its first third."""
    dice = "FLOOR(RANDOM() * :spread)" if dialect == "postgresql" else "ABS(RANDOM() % :spread)"
    return f":now + CAST({dice} * (priority + 1) / 3 AS BIGINT)"


@lru_cache(maxsize=8)
def _hurry_statement(dialect: str) -> TextClause:
    # Lanes that somebody works on are passed over, so that nobody waits here.
    skip = " FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""
    return text(
        f"UPDATE lane SET unanswered = FALSE, due_at = {_soon(dialect)} "  # noqa: S608 - constants
        "WHERE (endpoint_id, request_id) IN (SELECT endpoint_id, request_id FROM lane "
        "WHERE endpoint_id = :e AND (unanswered OR (:all AND attempt > 0)) "
        f"AND due_at > :now AND lease_token IS NULL{skip})"
    )


@lru_cache(maxsize=8)
def _wake_statement(dialect: str) -> TextClause:
    return text(
        f"UPDATE lane SET due_at = {_soon(dialect)}, "  # noqa: S608 - constants
        "attempt = 0, tried_since = NULL, unanswered = FALSE "
        "WHERE endpoint_id = :e AND EXISTS (SELECT 1 FROM delivery d "
        "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
        "AND d.status = 'pending')"
    )

"""Which endpoints answer and which fail, and what that means for their lanes.

A failing endpoint gets one try at a time, so that one that hangs never holds all senders, and one
time to be tried again, at which all its lanes wait; when it answers again, whatever waited for that
becomes due at once, jittered.
"""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, TextClause, text

from coordinator.domain.clock import to_micros
from coordinator.domain.delivery import RECOVERY_SPREAD
from coordinator.storage.delivery.lanes import Completion


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


def hurry_lanes(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """Make the lanes that waited for an endpoint to answer due, jittered."""
    spread = round(RECOVERY_SPREAD.total_seconds() * 1_000_000)
    connection.execute(
        _hurry_statement(connection.dialect.name),
        {"e": endpoint_id, "now": to_micros(now), "spread": spread},
    )


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


@lru_cache(maxsize=8)
def _hurry_statement(dialect: str) -> TextClause:
    # Lanes that somebody works on are passed over, so that nobody waits here.
    skip = " FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""
    dice = "FLOOR(RANDOM() * :spread)" if dialect == "postgresql" else "ABS(RANDOM() % :spread)"
    return text(
        "UPDATE lane SET unanswered = FALSE, "  # noqa: S608 - constants
        f"due_at = :now + CAST({dice} * (priority + 1) / 3 AS BIGINT) "
        "WHERE (endpoint_id, request_id) IN (SELECT endpoint_id, request_id FROM lane "
        "WHERE endpoint_id = :e AND unanswered AND due_at > :now AND lease_token IS NULL"
        f"{skip})"
    )

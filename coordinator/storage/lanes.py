"""The outbox as lanes: claim with a lease, complete with a fence.

Only the head of a lane, its pending delivery with the lowest `seq`, is ever claimed. A claim is one
UPDATE … RETURNING and one read of the heads. Completion first locks the lanes of the batch and keeps
only those whose `lease_token` is still the caller's: a worker that was paused beyond its lease changes
nothing. Lease times are the database's own on PostgreSQL, so that the clocks of workers do not matter;
on SQLite, which is one host, they come from `Clock`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, TextClause, text

from coordinator.domain.clock import from_micros, to_micros
from coordinator.domain.delivery import RECOVERY_SPREAD, DeliveryStatus, endpoint_pause
from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.outbox import AttemptRow
from partners.protocol.vocabulary import EventType

_ATTEMPT_COLUMNS = ("delivery_id", "number", "at", "status", "error", "duration_ms")
_PRIORITIES = (0, 1, 2)
_DATABASE_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


@dataclass(frozen=True, slots=True)
class Head:
    """One claimed lane with the delivery at its head.

    Attributes:
        attempt: Tries of this delivery since it was queued.
        tried_since: When the first of those was made.
        attempts: Tries of all times; the next one's number is one higher.
        endpoint_version: Changes whenever URL or secrets do.
        is_failing: The endpoint's last try failed.
        gaps: Dead deliveries of the lane since the last good one.
    """

    endpoint_id: str
    request_id: str
    lease_token: str
    priority: int
    attempt: int
    tried_since: datetime | None
    gaps: int
    delivery_id: str
    event_id: str
    event_type: str
    seq: int
    attempts: int
    endpoint_version: int
    is_failing: bool

    @property
    def lane(self) -> tuple[str, str]:
        """Endpoint and request."""
        return self.endpoint_id, self.request_id


@dataclass(frozen=True, slots=True)
class Completion:
    """What one try of a head came to.

    Attributes:
        status: What the delivery becomes; pending where it is tried again at `due_at`.
        is_unanswered: The endpoint as a whole failed.
        answered: HTTP status, or None.
        error: Stable word, or None.
    """

    head: Head
    status: DeliveryStatus
    due_at: datetime | None
    at: datetime
    is_unanswered: bool = False
    answered: int | None = None
    error: str | None = None
    duration: timedelta = timedelta()


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Tell whether `claim` would find a lane; a read, so that looking costs no lock."""
    statement = _peek_statement(connection.dialect.name)
    return connection.execute(statement, {"now": to_micros(now)}).first() is not None


def claim(  # noqa: PLR0913 - what is claimed, until when, for whom
    connection: Connection,
    *,
    now: datetime,
    limit: int,
    lease: timedelta,
    token: str,
    passed_over: Collection[str] = (),
) -> list[Head]:
    """Lease up to `limit` due lanes and return their heads, the most urgent first.

    Args:
        connection: Inside a writing transaction.
        now: Decides which lanes are due; on SQLite also where the lease begins.
        limit: How many senders are free.
        lease: Must outlast the sender's hard deadline.
        token: Unique to this claim; completing needs it.
        passed_over: Endpoints that have as many tries under way as one endpoint may.
    """
    if limit < 1:
        return []
    busy = sorted(passed_over)
    values: dict[str, Any] = {f"b{i}": endpoint for i, endpoint in enumerate(busy)}
    values |= {
        "now": to_micros(now),
        "limit": limit,
        "lease": round(lease.total_seconds() * 1_000_000),
        "token": token,
    }
    statement = _claim_statement(connection.dialect.name, len(busy))
    lanes = connection.execute(statement, values).all()
    if not lanes:
        return []
    rows = connection.execute(_heads_statement(len(lanes)), _lane_values(lanes)).all()
    heads = []
    idle = []
    for row in rows:
        if row.delivery_id is None or not row.enabled:
            idle.append((row.endpoint_id, row.request_id))
            continue
        heads.append(
            Head(
                row.endpoint_id,
                row.request_id,
                token,
                row.priority,
                row.attempt,
                None if row.tried_since is None else from_micros(row.tried_since),
                row.gaps,
                row.delivery_id,
                row.event_id,
                row.event_type,
                row.seq,
                row.attempts,
                row.version,
                row.failing_since is not None,
            )
        )
    if idle:
        connection.execute(
            _PARK, [{"e": e, "r": r, "token": token} for e, r in idle]
        )
    heads.sort(key=lambda head: (head.priority, head.seq))
    return heads


def complete(
    connection: Connection, completions: Sequence[Completion], now: datetime
) -> list[Completion]:
    """Record what came of claimed heads and give their lanes free; returns those that counted.

    A completion whose lease was taken over meanwhile is left out: another worker has, or will, record
    its own try. All are done in as many statements as one.
    """
    held = _still_held(connection, completions)
    if not held:
        return []
    insert_rows(
        connection,
        AttemptRow,
        _ATTEMPT_COLUMNS,
        [
            (
                c.head.delivery_id,
                c.head.attempts + 1,
                c.at,
                c.answered,
                c.error,
                round(c.duration.total_seconds() * 1000),
            )
            for c in held
            if c.status is not DeliveryStatus.CANCELLED
        ],
        # A try that was recorded under this number before a resend stays as it is.
        ignore_conflicts=True,
    )
    connection.execute(_FINISH_DELIVERY, [_delivery_values(c, now) for c in held])
    done = [c for c in held if c.due_at is None]
    again = [c for c in held if c.due_at is not None]
    if done:
        connection.execute(_NEXT_HEAD, [_next_values(c, now) for c in done])
    if again:
        connection.execute(_RETRY, [_retry_values(c) for c in again])
    return held


def release(connection: Connection, heads: Iterable[Head]) -> None:
    """Give claimed lanes back untried, due as they were; those taken over meanwhile are left."""
    values = [{"e": h.endpoint_id, "r": h.request_id, "token": h.lease_token} for h in heads]
    if values:
        connection.execute(_RELEASE, values)


def lost_before(connection: Connection, head: Head, limit: int) -> list[str]:
    """Return the newest `limit` dead events of the lane since its last good one, oldest first."""
    rows = connection.execute(
        _LOST,
        {"e": head.endpoint_id, "r": head.request_id, "seq": head.seq, "limit": limit},
    )
    return [row.event_id for row in rows][::-1]


def _still_held(connection: Connection, completions: Sequence[Completion]) -> list[Completion]:
    if not completions:
        return []
    lanes = sorted({c.head.lane for c in completions})
    statement = _lock_statement(connection.dialect.name, len(lanes))
    values = {f"{kind}{i}": part for i, lane in enumerate(lanes) for kind, part in zip("er", lane, strict=True)}
    tokens = {
        (row.endpoint_id, row.request_id): row.lease_token
        for row in connection.execute(statement, values)
    }
    return [c for c in completions if tokens.get(c.head.lane) == c.head.lease_token]


def _lane_values(lanes: Sequence[Any]) -> dict[str, str]:
    values = {}
    for i, lane in enumerate(lanes):
        values[f"e{i}"] = lane.endpoint_id
        values[f"r{i}"] = lane.request_id
    return values


def _delivery_values(completion: Completion, now: datetime) -> dict[str, Any]:
    is_final = completion.status is not DeliveryStatus.PENDING
    owes = None
    if is_final and completion.head.event_type == EventType.REQUEST_RECEIVED:
        owes = completion.status.value
    return {
        "id": completion.head.delivery_id,
        "status": completion.status.value,
        "finished_at": to_micros(now) if is_final else None,
        "owes": owes,
    }


def _next_values(completion: Completion, now: datetime) -> dict[str, Any]:
    gaps = completion.head.gaps
    if completion.status is DeliveryStatus.DELIVERED:
        gaps = 0
    elif completion.status is DeliveryStatus.DEAD:
        gaps += 1
    head = completion.head
    return {
        "e": head.endpoint_id,
        "r": head.request_id,
        "token": head.lease_token,
        "gaps": gaps,
        "now": to_micros(now),
    }


def _retry_values(completion: Completion) -> dict[str, Any]:
    head = completion.head
    return {
        "e": head.endpoint_id,
        "r": head.request_id,
        "token": head.lease_token,
        "due_at": to_micros(completion.due_at or completion.at),
        "at": to_micros(completion.at),
        "unanswered": completion.is_unanswered,
    }


# --- the endpoint as a whole ----------------------------------------------------------------------


def endpoints_answer(
    connection: Connection, endpoint_ids: Collection[str], now: datetime
) -> list[str]:
    """Clear the failing mark of endpoints and make the lanes that waited for them due, jittered.

    Returns:
        The endpoints that were marked.
    """
    ids = sorted(endpoint_ids)
    values = {f"e{i}": endpoint_id for i, endpoint_id in enumerate(ids)}
    recovered = list(connection.execute(_good_statement(len(ids)), values).scalars())
    spread = round(RECOVERY_SPREAD.total_seconds() * 1_000_000)
    for endpoint_id in recovered:
        connection.execute(
            _wake_statement(connection.dialect.name),
            {"e": endpoint_id, "now": to_micros(now), "spread": spread},
        )
    return recovered


def endpoint_fails(
    connection: Connection, endpoint_id: str, now: datetime, *, is_unanswered: bool
) -> None:
    """Mark an endpoint as failing; where it does not answer at all, leave its other lanes alone a while."""
    connection.execute(_ENDPOINT_BAD, {"e": endpoint_id, "now": to_micros(now)})
    if not is_unanswered:
        return
    since = connection.execute(_SINCE, {"e": endpoint_id}).scalar_one_or_none()
    if since is not None:
        until = now + endpoint_pause(from_micros(since), now)
        connection.execute(
            _pause_statement(connection.dialect.name), {"e": endpoint_id, "until": to_micros(until)}
        )


_PARK = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, due_at = NULL "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_RELEASE = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_FINISH_DELIVERY = text(
    "UPDATE delivery SET status = :status, finished_at = :finished_at, owes = :owes, "
    "attempts = attempts + 1 WHERE id = :id AND status = 'pending'"
)
_NEXT_HEAD = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = 0, tried_since = NULL, "
    "unanswered = FALSE, gaps = :gaps, due_at = CASE WHEN EXISTS (SELECT 1 FROM delivery d "
    "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
    "AND d.status = 'pending') THEN CAST(:now AS BIGINT) END "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_RETRY = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = attempt + 1, "
    "tried_since = COALESCE(tried_since, :at), unanswered = :unanswered, due_at = :due_at "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_LOST = text(
    "SELECT event_id FROM delivery WHERE endpoint_id = :e AND request_id = :r "
    "AND status = 'dead' AND seq < :seq AND seq > COALESCE((SELECT MAX(g.seq) FROM delivery g "
    "WHERE g.endpoint_id = :e AND g.request_id = :r AND g.status = 'delivered' AND g.seq < :seq), 0) "
    "ORDER BY seq DESC LIMIT :limit"
)
_ENDPOINT_BAD, {"e": endpoint_id, "now": to_micros(now)})
    if not is_unanswered:
        return
    since = connection.execute(_SINCE, {"e": endpoint_id}).scalar_one_or_none()
    if since is not None:
        until = now + endpoint_pause(from_micros(since), now)
        connection.execute(
            _pause_statement(connection.dialect.name), {"e": endpoint_id, "until": to_micros(until)}
        )


_PARK = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, due_at = NULL "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_RELEASE = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_FINISH_DELIVERY = text(
    "UPDATE delivery SET status = :status, finished_at = :finished_at, owes = :owes, "
    "attempts = attempts + 1 WHERE id = :id AND status = 'pending'"
)
_NEXT_HEAD = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = 0, tried_since = NULL, "
    "unanswered = FALSE, gaps = :gaps, due_at = CASE WHEN EXISTS (SELECT 1 FROM delivery d "
    "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
    "AND d.status = 'pending') THEN CAST(:now AS BIGINT) END "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_RETRY = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = attempt + 1, "
    "tried_since = COALESCE(tried_since, :at), unanswered = :unanswered, due_at = :due_at "
    "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
)
_LOST = text(
    "SELECT event_id FROM delivery WHERE endpoint_id = :e AND request_id = :r "
    "AND status = 'dead' AND seq < :seq AND seq > COALESCE((SELECT MAX(g.seq) FROM delivery g "
    "WHERE g.endpoint_id = :e AND g.request_id = :r AND g.status = 'delivered' AND g.seq < :seq), 0) "
    "ORDER BY seq DESC LIMIT :limit"
)
_ENDPOINT_GOOD = text(
    "UPDATE webhook_endpoint SET failing_since = NULL, failing_told_at = NULL "
    "WHERE id = :e AND failing_since IS NOT NULL"
)
_ENDPOINT_BAD = text(
    "UPDATE webhook_endpoint SET failing_since = :now WHERE id = :e AND failing_since IS NULL"
)
_SINCE = text("SELECT failing_since FROM webhook_endpoint WHERE id = :e")


def _lease_now(dialect: str) -> str:
    return _DATABASE_NOW if dialect == "postgresql" else ":now"


def _skip_locked(dialect: str) -> str:
    return " FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""


@lru_cache(maxsize=8)
def _peek_statement(dialect: str) -> TextClause:
    free = f"(lease_until IS NULL OR lease_until < {_lease_now(dialect)})"
    ranges = " UNION ALL ".join(
        f"SELECT 1 FROM (SELECT 1 FROM lane WHERE priority = {p} AND due_at <= :now AND {free} "  # noqa: S608 - constants
        f"LIMIT 1) p{p}"
        for p in _PRIORITIES
    )
    return text(ranges)


@lru_cache(maxsize=256)
def _claim_statement(dialect: str, busy: int) -> TextClause:
    """Return the claim: one index range a priority, each cut at the limit, then the first of all."""
    now, skip = _lease_now(dialect), _skip_locked(dialect)
    others = ""
    if busy:
        others = f" AND endpoint_id NOT IN ({', '.join(f':b{i}' for i in range(busy))})"
    ranges = " UNION ALL ".join(
        "SELECT * FROM (SELECT endpoint_id, request_id, priority, due_at FROM lane "  # noqa: S608 - constants
        f"WHERE priority = {p} AND due_at <= :now AND (lease_until IS NULL OR lease_until < {now})"
        f"{others} ORDER BY due_at LIMIT :limit{skip}) p{p}"
        for p in _PRIORITIES
    )
    return text(
        # Materialized: PostgreSQL might otherwise run the sub-select again and lock more than asked.
        f"WITH found AS MATERIALIZED ({ranges}), "  # noqa: S608 - constants
        "due AS MATERIALIZED (SELECT endpoint_id, request_id FROM found "
        "ORDER BY priority, due_at LIMIT :limit) "
        f"UPDATE lane SET lease_until = {now} + :lease, lease_token = :token FROM due "
        "WHERE lane.endpoint_id = due.endpoint_id AND lane.request_id = due.request_id "
        "RETURNING lane.endpoint_id, lane.request_id"
    )


@lru_cache(maxsize=512)
def _heads_statement(count: int) -> TextClause:
    lanes = ", ".join(f"(:e{i}, :r{i})" for i in range(count))
    return text(
        "SELECT l.endpoint_id, l.request_id, l.priority, l.attempt, l.tried_since, l.gaps, "  # noqa: S608 - placeholders
        "d.id AS delivery_id, d.event_id, d.seq, d.attempts, ev.type AS event_type, "
        "e.version, e.enabled, e.failing_since "
        "FROM lane l JOIN webhook_endpoint e ON e.id = l.endpoint_id "
        "LEFT JOIN delivery d ON d.id = (SELECT h.id FROM delivery h "
        "WHERE h.endpoint_id = l.endpoint_id AND h.request_id = l.request_id "
        "AND h.status = 'pending' ORDER BY h.seq LIMIT 1) "
        "LEFT JOIN event ev ON ev.seq = d.seq "
        f"WHERE (l.endpoint_id, l.request_id) IN (VALUES {lanes})"
    )


@lru_cache(maxsize=512)
def _lock_statement(dialect: str, count: int) -> TextClause:
    lanes = ", ".join(f"(:e{i}, :r{i})" for i in range(count))
    lock = " FOR UPDATE" if dialect == "postgresql" else ""
    return text(
        "SELECT endpoint_id, request_id, lease_token FROM lane "  # noqa: S608 - placeholders
        # Sorted like those that queue, so that no two wait for each other.
        f"WHERE (endpoint_id, request_id) IN (VALUES {lanes}) ORDER BY endpoint_id, request_id{lock}"
    )


@lru_cache(maxsize=256)
def _good_statement(count: int) -> TextClause:
    return text(
        "UPDATE webhook_endpoint SET failing_since = NULL, failing_told_at = NULL "  # noqa: S608 - placeholders
        f"WHERE id IN ({', '.join(f':e{i}' for i in range(count))}) "
        "AND failing_since IS NOT NULL RETURNING id"
    )


@lru_cache(maxsize=8)
def _wake_statement(dialect: str) -> TextClause:
    dice = "FLOOR(RANDOM() * :spread)" if dialect == "postgresql" else "ABS(RANDOM() % :spread)"
    return text(
        "UPDATE lane SET unanswered = FALSE, "  # noqa: S608 - constants
        f"due_at = :now + CAST({dice} * (priority + 1) / 3 AS BIGINT) "
        "WHERE (endpoint_id, request_id) IN (SELECT endpoint_id, request_id FROM lane "
        "WHERE endpoint_id = :e AND unanswered AND due_at > :now AND lease_token IS NULL"
        f"{_skip_locked(dialect)})"
    )


@lru_cache(maxsize=8)
def _pause_statement(dialect: str) -> TextClause:
    return text(
        "UPDATE lane SET unanswered = TRUE, due_at = :until "  # noqa: S608 - constants
        "WHERE (endpoint_id, request_id) IN (SELECT endpoint_id, request_id FROM lane "
        "WHERE endpoint_id = :e AND due_at < :until AND attempt = 0 AND lease_token IS NULL"
        f"{_skip_locked(dialect)})"
    )

"""The outbox as lanes: claim with a lease, complete with a fence.

Only the head of a lane, its pending delivery with the lowest `seq`, is ever claimed. A claim is one
UPDATE … RETURNING and one read of the heads. Completion first locks the lanes of the batch and
keeps only those whose `lease_token` is still the caller's: a worker that was paused beyond its
lease changes nothing. Lease times are the database's own on PostgreSQL, so that the clocks of
workers do not matter; on SQLite, which is one host, they come from `Clock`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, TextClause, text

from coordinator.domain.clock import from_micros, to_micros
from coordinator.domain.delivery import PROBES, DeliveryStatus
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


class EndpointLimits:
    """How many tries each endpoint has under way in this process, and how many it may have.

    Args:
        most: For an endpoint that answers; a failing one has `PROBES`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()
        self._failing: set[str] = set()

    def copy(self) -> "EndpointLimits":
        """Return a copy that changes on its own."""
        other = EndpointLimits(self._most)
        other._under_way = self._under_way.copy()
        other._failing = self._failing.copy()
        return other

    def takes(self, head: Head) -> bool:
        """Count a try of `head`, unless its endpoint has all it may have."""
        if head.is_failing:
            self._failing.add(head.endpoint_id)
        if not self._has_room(head.endpoint_id):
            return False
        self._under_way[head.endpoint_id] += 1
        return True

    def end(self, head: Head, *, is_good: bool | None) -> None:
        """Count the end of a try, and remember whether the endpoint answered; None: not tried."""
        endpoint_id = head.endpoint_id
        self._under_way[endpoint_id] -= 1
        if self._under_way[endpoint_id] <= 0:
            del self._under_way[endpoint_id]
        if is_good:
            self._failing.discard(endpoint_id)
        elif is_good is False:
            self._failing.add(endpoint_id)

    def busy(self) -> list[str]:
        """Return the endpoints that may have no further try now."""
        return sorted(e for e in self._under_way if not self._has_room(e))

    def _has_room(self, endpoint_id: str) -> bool:
        most = PROBES if endpoint_id in self._failing else self._most
        return self._under_way[endpoint_id] < most


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


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought; `is_cut` says that others are due which `limits` kept back."""

    heads: list[Head]
    is_cut: bool = False


def claim(  # noqa: PLR0913 - what is claimed, until when, for whom
    connection: Connection,
    *,
    now: datetime,
    limit: int,
    lease: timedelta,
    token: str,
    limits: EndpointLimits,
) -> Claim:
    """Lease up to `limit` due lanes and return their heads, the most urgent first.

    Args:
        connection: Inside a writing transaction.
        now: Decides which lanes are due; on SQLite also where the lease begins.
        limit: How many senders are free.
        lease: Must outlast the sender's hard deadline.
        token: Unique to this claim; completing needs it.
        limits: How many tries one endpoint may have at a time.
    """
    if limit < 1:
        return Claim([])
    busy = limits.busy()
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
        return Claim([])
    rows = connection.execute(_heads_statement(len(lanes)), _lane_values(lanes)).all()
    idle = [row for row in rows if row.delivery_id is None or not row.enabled]
    if idle:
        connection.execute(
            _PARK, [{"e": r.endpoint_id, "r": r.request_id, "token": token} for r in idle]
        )
    heads = [_head(row, token) for row in rows if row.delivery_id is not None and row.enabled]
    heads.sort(key=lambda head: (head.priority, head.seq))
    taken = [head for head in heads if limits.takes(head)]
    if len(taken) < len(heads):
        ids = {head.delivery_id for head in taken}
        release(connection, [head for head in heads if head.delivery_id not in ids])
    return Claim(taken, is_cut=len(taken) < len(heads))


def _head(row: Row[Any], token: str) -> Head:
    return Head(
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


def complete(
    connection: Connection, completions: Sequence[Completion], now: datetime
) -> list[Completion]:
    """Record what came of claimed heads and give their lanes free; returns those that counted.

    A completion whose lease was taken over meanwhile is left out: another worker has recorded its
    own try, or will. A batch takes as many statements as a single one.
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
    values = {f"e{i}": endpoint_id for i, (endpoint_id, _) in enumerate(lanes)}
    values |= {f"r{i}": request_id for i, (_, request_id) in enumerate(lanes)}
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
    "WHERE g.endpoint_id = :e AND g.request_id = :r AND g.status = 'delivered' "
    "AND g.seq < :seq), 0) "
    "ORDER BY seq DESC LIMIT :limit"
)


def _lease_now(dialect: str) -> str:
    return _DATABASE_NOW if dialect == "postgresql" else ":now"


def skip_locked(dialect: str) -> str:
    """Return what makes a sub-select pass over rows that others have locked."""
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
    """Return the claim: an index range a priority, each cut at the limit, then the first of all."""
    now, skip = _lease_now(dialect), skip_locked(dialect)
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
        # Materialized: PostgreSQL might run the sub-select twice, and lock more than asked.
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
        f"WHERE (endpoint_id, request_id) IN (VALUES {lanes}) "
        f"ORDER BY endpoint_id, request_id{lock}"
    )

"""Lanes on SQLite: one fsync a cycle.

Statements cost next to nothing, and leases run by `Clock`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, TextClause, text

from coordinator.domain.clock import to_micros
from coordinator.domain.delivery import DeliveryStatus
from coordinator.storage import endpoint_health
from coordinator.storage.database import Database
from coordinator.storage.lanes import (
    ENDPOINT_COLUMNS,
    PRIORITIES,
    Completion,
    Cycle,
    Head,
    Turn,
    sort_out,
)
from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.outbox import AttemptRow

_ATTEMPT_COLUMNS = ("delivery_id", "number", "at", "status", "error", "duration_ms")


class SqliteLanes:
    """The lanes of an SQLite file; see `lanes.LaneStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_anything_due(self, now: datetime) -> bool:
        """Tell whether a cycle may find something to claim; costs no lock."""
        with self._database.engine.connect() as connection:
            return connection.execute(_PEEK, {"now": to_micros(now)}).first() is not None

    def run(self, cycle: Cycle) -> Turn:
        """Complete and claim in one transaction."""
        with self._database.writing() as connection, connection.begin():
            held = _complete(connection, cycle.completions, cycle.now)
            _release(connection, cycle.released)
            good, bad = cycle.endpoints()
            recovered = endpoint_health.mark_answering(connection, good)
            for endpoint_id in recovered:
                endpoint_health.hurry_lanes(connection, endpoint_id, cycle.now)
            endpoint_health.mark_failing(connection, bad, cycle.now)
            for failed in cycle.put_off():
                connection.execute(_PUT_OFF, endpoint_health.put_off_values(failed, cycle.now))
            heads, is_cut = _claim(connection, cycle)
        return Turn(held, heads, recovered, is_cut)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reading what is to be sent."""
        with self._database.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Nothing is kept."""


def _complete(
    connection: Connection, completions: Sequence[Completion], now: datetime
) -> list[Completion]:
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


def _claim(connection: Connection, cycle: Cycle) -> tuple[list[Head], bool]:
    if cycle.limit < 1:
        return [], False
    room = cycle.shares.room()
    values: dict[str, Any] = {f"b{i}": endpoint for i, endpoint in enumerate(room.full_endpoints)}
    values |= {f"o{i}": partner for i, partner in enumerate(room.left_out)}
    for i, (partner, most) in enumerate(room.crowded):
        values |= {f"c{i}": partner, f"m{i}": most}
    values |= {
        "now": to_micros(cycle.now),
        "limit": cycle.limit,
        "until": to_micros(cycle.now + cycle.lease),
        "token": cycle.token,
    }
    statement = _claim_statement(
        len(room.full_endpoints),
        len(room.left_out),
        len(room.crowded),
        takes_failing=room.takes_failing,
    )
    lanes = connection.execute(statement, values).all()
    if not lanes:
        cycle.shares.served(room, {})
        return [], False
    rows = connection.execute(_heads_statement(len(lanes)), _places(lanes)).all()
    found = sort_out(rows, cycle.token, cycle.shares, room)
    if found.idle:
        connection.execute(_PARK, [{"e": e, "r": r, "token": cycle.token} for e, r in found.idle])
    _release(connection, found.surplus)
    return found.heads, bool(found.surplus)


def _release(connection: Connection, heads: Sequence[Head]) -> None:
    if heads:
        connection.execute(
            _RELEASE,
            [{"e": h.endpoint_id, "r": h.request_id, "token": h.lease_token} for h in heads],
        )


def _still_held(connection: Connection, completions: Sequence[Completion]) -> list[Completion]:
    if not completions:
        return []
    heads = [c.head for c in completions]
    tokens = {
        (row.endpoint_id, row.request_id): row.lease_token
        for row in connection.execute(_tokens_statement(len(heads)), _places(heads))
    }
    return [c for c in completions if tokens.get(c.head.lane) == c.head.lease_token]


def _places(lanes: Sequence[Any]) -> dict[str, str]:
    values = {}
    for i, lane in enumerate(lanes):
        values[f"e{i}"] = lane.endpoint_id
        values[f"r{i}"] = lane.request_id
    return values


def _delivery_values(completion: Completion, now: datetime) -> dict[str, Any]:
    is_final = completion.status is not DeliveryStatus.PENDING
    return {
        "id": completion.head.delivery_id,
        "status": completion.status.value,
        "finished_at": to_micros(now) if is_final else None,
        "owes": completion.owes,
    }


def _next_values(completion: Completion, now: datetime) -> dict[str, Any]:
    head = completion.head
    return {
        "e": head.endpoint_id,
        "r": head.request_id,
        "token": head.lease_token,
        "gaps": completion.gaps_after,
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
        "attempt": completion.attempt,
        "unanswered": completion.is_unanswered,
    }


_HELD = "WHERE endpoint_id = :e AND request_id = :r AND lease_token = :token"
_PARK = text(
    f"UPDATE lane SET lease_until = NULL, lease_token = NULL, due_at = NULL {_HELD}"  # noqa: S608 - constants
)
_RELEASE = text(f"UPDATE lane SET lease_until = NULL, lease_token = NULL {_HELD}")  # noqa: S608 - constants
_FINISH_DELIVERY = text(
    "UPDATE delivery SET status = :status, finished_at = :finished_at, owes = :owes, "
    "attempts = attempts + 1 WHERE id = :id AND status = 'pending'"
)
_NEXT_HEAD = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = 0, tried_since = NULL, "  # noqa: S608 - constants
    "unanswered = FALSE, gaps = :gaps, due_at = CASE WHEN EXISTS (SELECT 1 FROM delivery d "
    "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
    f"AND d.status = 'pending') THEN :now END {_HELD}"
)
_RETRY = text(
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, attempt = :attempt, "  # noqa: S608 - constants
    f"tried_since = COALESCE(tried_since, :at), unanswered = :unanswered, due_at = :due_at {_HELD}"
)
_PUT_OFF = text(endpoint_health.put_off_sql(":{}"))
_DUE = "due_at <= :now AND (lease_until IS NULL OR lease_until < :now)"
_ENDPOINTS = "SELECT id FROM webhook_endpoint WHERE"
_PEEK = text(
    " UNION ALL ".join(
        f"SELECT * FROM (SELECT 1 FROM lane WHERE priority = {p} AND {_DUE} LIMIT 1)"  # noqa: S608 - constants
        for p in PRIORITIES
    )
)


@lru_cache(maxsize=256)
def _claim_statement(
    full_endpoints: int, left_out: int, crowded: int, *, takes_failing: bool
) -> TextClause:
    """Return the claim: an index range a priority, each cut at the limit, then the first of all.

    Crowded partners have ranges of their own, cut at the room that each has.
    """
    common = ""
    if full_endpoints:
        common += f" AND endpoint_id NOT IN ({_names('b', full_endpoints)})"
    if not takes_failing:
        common += f" AND endpoint_id NOT IN ({_ENDPOINTS} failing_since IS NOT NULL)"
    others = common
    if left_out:
        others += f" AND endpoint_id NOT IN ({_ENDPOINTS} partner IN ({_names('o', left_out)}))"
    ranges = [_ranges(others, ":limit")]
    # The plus keeps SQLite on the index by time: a partner with a backlog is soon found there.
    ranges += [
        _ranges(f"{common} AND +endpoint_id IN ({_ENDPOINTS} partner = :c{i})", f":m{i}")
        for i in range(crowded)
    ]
    return text(
        "UPDATE lane SET lease_until = :until, lease_token = :token FROM ("  # noqa: S608 - constants
        f"SELECT endpoint_id AS e, request_id AS r FROM ({' UNION ALL '.join(ranges)}) "
        "ORDER BY priority, due_at LIMIT :limit) AS due "
        "WHERE lane.endpoint_id = due.e AND lane.request_id = due.r "
        "RETURNING endpoint_id, request_id"
    )


def _ranges(condition: str, limit: str) -> str:
    ranges = " UNION ALL ".join(
        "SELECT * FROM (SELECT endpoint_id, request_id, priority, due_at FROM lane "  # noqa: S608 - constants
        f"WHERE priority = {p} AND {_DUE}{condition} ORDER BY due_at LIMIT {limit})"
        for p in PRIORITIES
    )
    return f"SELECT * FROM ({ranges} ORDER BY priority, due_at LIMIT {limit})"  # noqa: S608 - constants


def _names(letter: str, count: int) -> str:
    return ", ".join(f":{letter}{i}" for i in range(count))


@lru_cache(maxsize=512)
def _heads_statement(count: int) -> TextClause:
    return text(
        "SELECT l.endpoint_id, l.request_id, l.priority, l.attempt, l.tried_since, l.gaps, "  # noqa: S608 - placeholders
        "d.id AS delivery_id, d.event_id, d.seq, d.attempts, ev.type AS event_type, "
        f"{ENDPOINT_COLUMNS} "
        "FROM lane l JOIN webhook_endpoint e ON e.id = l.endpoint_id "
        "LEFT JOIN delivery d ON d.id = (SELECT h.id FROM delivery h "
        "WHERE h.endpoint_id = l.endpoint_id AND h.request_id = l.request_id "
        "AND h.status = 'pending' ORDER BY h.seq LIMIT 1) "
        "LEFT JOIN event ev ON ev.seq = d.seq "
        f"WHERE (l.endpoint_id, l.request_id) IN (VALUES {_marks(count)})"
    )


@lru_cache(maxsize=512)
def _tokens_statement(count: int) -> TextClause:
    return text(
        "SELECT endpoint_id, request_id, lease_token FROM lane "  # noqa: S608 - placeholders
        f"WHERE (endpoint_id, request_id) IN (VALUES {_marks(count)})"
    )


def _marks(count: int) -> str:
    return ", ".join(f"(:e{i}, :r{i})" for i in range(count))

# ruff: noqa: S608 - the statements are put together from constants alone
"""Lanes on PostgreSQL: a cycle is two round trips, and leases run by the database's clock.

In every round trip the pump waits for the network and then, behind all its sending threads, for
the interpreter's lock, so their number decides how much a worker delivers. All statements of a
cycle go out in one pipeline (libpq's pipeline mode), each batch as arrays; then the heads are read.
The connection is the worker's own and stays open, in autocommit mode: BEGIN and COMMIT are part of
the pipeline.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection

from coordinator.domain.clock import to_micros
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.fair_shares import Room
from coordinator.storage import endpoint_health
from coordinator.storage.columns import plain_array, text_array
from coordinator.storage.database import Database
from coordinator.storage.driver import send
from coordinator.storage.lanes import (
    ENDPOINT_COLUMNS,
    PRIORITIES,
    Completion,
    Cycle,
    Head,
    Turn,
    sort_out,
)

Values = dict[str, Any]


@dataclass(slots=True)
class _Answers:
    """Cursors whose results are there once the pipeline ended."""

    held: "psycopg.Cursor[Any] | None" = None
    recovered: "psycopg.Cursor[Any] | None" = None
    claimed: "psycopg.Cursor[Any] | None" = None


class PostgresLanes:
    """The lanes of a PostgreSQL database; see `lanes.LaneStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    def is_anything_due(self, now: datetime) -> bool:
        """Always.

        A cycle that finds nothing writes nothing, and asking first costs a round trip.
        """
        del now
        return True

    def run(self, cycle: Cycle) -> Turn:
        """Complete and claim in one transaction."""
        try:
            return self._run(cycle)
        except psycopg.Error as error:
            self.close()
            # As the engine's own faults come, so that callers know one kind.
            raise _wrapped(error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the connection that is kept."""
        yield self._kept()

    def close(self) -> None:
        """Give up the connection; the next cycle opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()

    def _kept(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
        return self._connection

    def _driver(self) -> "psycopg.Connection[Any]":
        driver = self._kept().connection.driver_connection
        return cast("psycopg.Connection[Any]", driver)

    def _run(self, cycle: Cycle) -> Turn:
        driver = self._driver()
        answers = _Answers()
        room = cycle.shares.room()
        with driver.pipeline():
            send(driver, "BEGIN")
            send(driver, _LAZY)
            if cycle.completions:
                answers.held = _complete(driver, cycle.completions, cycle.now)
            if cycle.released:
                send(driver, _RELEASE, _places(cycle.released))
            good, bad = cycle.endpoints()
            if good:
                answers.recovered = send(driver, _GOOD, {"ids": good})
            if bad:
                send(driver, _BAD, {"ids": bad, "now": to_micros(cycle.now)})
            for failed in cycle.put_off():
                send(driver, _PUT_OFF, endpoint_health.put_off_values(failed, cycle.now))
            if cycle.limit > 0:
                answers.claimed = _claim(driver, cycle, room)
            send(driver, "COMMIT")
        held = _held(answers.held, cycle.completions)
        recovered = [row[0] for row in answers.recovered] if answers.recovered else []
        lanes = answers.claimed.fetchall() if answers.claimed else []
        if cycle.limit > 0 and not lanes:
            cycle.shares.served(room, {})
        heads, is_cut = self._heads(driver, lanes, cycle, room) if lanes else ([], False)
        self._hurry(recovered, cycle.now)
        return Turn(held, heads, recovered, is_cut)

    def _heads(
        self, driver: "psycopg.Connection[Any]", lanes: Sequence[Any], cycle: Cycle, room: Room
    ) -> tuple[list[Head], bool]:
        with driver.cursor(row_factory=namedtuple_row) as cursor:
            places = {
                "e": text_array([lane[0] for lane in lanes]),
                "r": text_array([lane[1] for lane in lanes]),
            }
            rows = cursor.execute(_HEADS, places).fetchall()
        found = sort_out(rows, cycle.token, cycle.shares, room)
        if found.idle or found.surplus:
            with driver.pipeline():
                if found.idle:
                    send(driver, "BEGIN")
                    self._park(driver, found.idle, cycle.token)
                    send(driver, "COMMIT")
                if found.surplus:
                    send(driver, _RELEASE, _places(found.surplus))
        return found.heads, bool(found.surplus)

    def _park(
        self, driver: "psycopg.Connection[Any]", lanes: Sequence[tuple[str, str]], token: str
    ) -> None:
        """Park lanes without a head; looked at again under the lock, for one may be queued now."""
        values = {
            "e": text_array([e for e, _ in lanes]),
            "r": text_array([r for _, r in lanes]),
            "token": text_array([token] * len(lanes)),
        }
        send(driver, _LOCK, values)
        send(driver, _PARK, values)

    def _hurry(self, endpoint_ids: Sequence[str], now: datetime) -> None:
        for endpoint_id in endpoint_ids:
            with self._database.writing() as connection, connection.begin():
                endpoint_health.hurry_lanes(connection, endpoint_id, now)


def _complete(
    driver: "psycopg.Connection[Any]", completions: Sequence[Completion], now: datetime
) -> "psycopg.Cursor[Any]":
    values = _completion_values(completions, now)
    send(driver, _LOCK, values)
    send(driver, _ATTEMPTS, values)
    send(driver, _DELIVERIES, values)
    return send(driver, _LANES, values)


def _claim(driver: "psycopg.Connection[Any]", cycle: Cycle, room: Room) -> "psycopg.Cursor[Any]":
    values = {
        "now": to_micros(cycle.now),
        "limit": cycle.limit,
        "lease": round(cycle.lease.total_seconds() * 1_000_000),
        "token": cycle.token,
        "full": list(room.full_endpoints),
        "left_out": room.left_out,
        "crowded": [partner for partner, _ in room.crowded],
        "most": [most for _, most in room.crowded],
        "takes_failing": room.takes_failing,
    }
    return send(driver, _CLAIM, values)


def _held(
    cursor: "psycopg.Cursor[Any] | None", completions: Sequence[Completion]
) -> list[Completion]:
    if cursor is None:
        return []
    held = {tuple(row) for row in cursor}
    return [c for c in completions if (*c.head.lane, c.head.lease_token) in held]


def _places(heads: Sequence[Head]) -> Values:
    return {
        "e": text_array([h.endpoint_id for h in heads]),
        "r": text_array([h.request_id for h in heads]),
        "token": text_array([h.lease_token for h in heads]),
    }


def _completion_values(completions: Sequence[Completion], now: datetime) -> Values:
    finished = to_micros(now)
    texts: dict[str, list[Any]] = {
        "delivery": [c.head.delivery_id for c in completions],
        "error": [c.error for c in completions],
        "status": [c.status.value for c in completions],
        "owes": [c.owes for c in completions],
    }
    plain: dict[str, list[Any]] = {
        "number": [c.head.attempts + 1 for c in completions],
        "at": [to_micros(c.at) for c in completions],
        "answered": [c.answered for c in completions],
        "duration": [round(c.duration.total_seconds() * 1000) for c in completions],
        "finished": [None if c.status is DeliveryStatus.PENDING else finished for c in completions],
        "attempt": [c.attempt for c in completions],
        "due": [None if c.due_at is None else to_micros(c.due_at) for c in completions],
        "unanswered": [c.is_unanswered for c in completions],
        "gaps": [c.gaps_after for c in completions],
    }
    return {
        **_places([c.head for c in completions]),
        **{name: text_array(values) for name, values in texts.items()},
        **{name: plain_array(values) for name, values in plain.items()},
        "now": finished,
    }


def _wrapped(error: psycopg.Error) -> Exception:
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - only where it failed

    return OperationalError(None, None, error)


#: A host that dies may forget the last cycles, and what they completed is sent again under the same
#: `webhook-id`: that is what at least once means, and no cycle waits for the disk. What legs are
#: told later is committed durably, and with it all that went before.
_LAZY = "SET LOCAL synchronous_commit = off"
_MINE = "i.e = lane.endpoint_id AND i.r = lane.request_id AND i.token = lane.lease_token"
_KEYS = "%(e)s::text[], %(r)s::text[], %(token)s::text[]"
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
#: Sorted like those that queue, so that no two wait for each other.
_LOCK = (
    "SELECT 1 FROM lane WHERE (endpoint_id, request_id) IN "
    "(SELECT * FROM unnest(%(e)s::text[], %(r)s::text[])) "
    "ORDER BY endpoint_id, request_id FOR UPDATE"
)
_ATTEMPTS = (
    "INSERT INTO attempt (delivery_id, number, at, status, error, duration_ms) "
    "SELECT i.delivery, i.number, i.at, i.answered, i.error, i.duration "
    f"FROM unnest({_KEYS}, %(delivery)s::text[], %(number)s::int[], %(at)s::bigint[], "
    "%(answered)s::int[], %(error)s::text[], %(duration)s::int[], %(status)s::text[]) "
    "AS i (e, r, token, delivery, number, at, answered, error, duration, outcome) "
    f"JOIN lane ON {_MINE} WHERE i.outcome <> 'cancelled' ON CONFLICT DO NOTHING"
)
_DELIVERIES = (
    "UPDATE delivery SET status = i.status, finished_at = i.finished, owes = i.owes, "
    "attempts = attempts + 1 "
    f"FROM unnest({_KEYS}, %(delivery)s::text[], %(status)s::text[], %(finished)s::bigint[], "
    "%(owes)s::text[]) AS i (e, r, token, delivery, status, finished, owes), lane "
    f"WHERE {_MINE} AND delivery.id = i.delivery AND delivery.status = 'pending'"
)
#: A statement of its own after the lock: what was queued while it waited counts as owed.
_LANES = (
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, gaps = i.gaps, "
    "unanswered = i.due IS NOT NULL AND i.unanswered, "
    "attempt = CASE WHEN i.due IS NULL THEN 0 ELSE i.attempt END, "
    "tried_since = CASE WHEN i.due IS NOT NULL THEN COALESCE(lane.tried_since, i.at) END, "
    "due_at = CASE WHEN i.due IS NOT NULL THEN i.due WHEN EXISTS (SELECT 1 FROM delivery d "
    "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
    "AND d.status = 'pending') THEN %(now)s::bigint END "
    f"FROM unnest({_KEYS}, %(due)s::bigint[], %(at)s::bigint[], %(unanswered)s::bool[], "
    f"%(gaps)s::int[], %(attempt)s::int[]) "
    f"AS i (e, r, token, due, at, unanswered, gaps, attempt) WHERE {_MINE} "
    "RETURNING i.e, i.r, i.token"
)
_RELEASE = (
    "UPDATE lane SET lease_until = NULL, lease_token = NULL "
    f"FROM unnest({_KEYS}) AS i (e, r, token) WHERE {_MINE}"
)
_PARK = (
    "UPDATE lane SET lease_until = NULL, lease_token = NULL, "
    "due_at = CASE WHEN e.enabled AND EXISTS (SELECT 1 FROM delivery d "
    "WHERE d.endpoint_id = lane.endpoint_id AND d.request_id = lane.request_id "
    "AND d.status = 'pending') THEN lane.due_at END "
    f"FROM unnest({_KEYS}) AS i (e, r, token), webhook_endpoint e "
    f"WHERE {_MINE} AND e.id = lane.endpoint_id"
)
_GOOD = (
    "UPDATE webhook_endpoint SET failing_since = NULL, failing_told_at = NULL "
    "WHERE id = ANY(%(ids)s) AND failing_since IS NOT NULL RETURNING id"
)
_BAD = (
    "UPDATE webhook_endpoint SET failing_since = %(now)s "
    "WHERE id = ANY(%(ids)s) AND failing_since IS NULL"
)
#: Lanes that somebody works on are passed over, so that nobody waits here.
_PUT_OFF = endpoint_health.put_off_sql("%({})s", skip=" FOR UPDATE SKIP LOCKED")
_DUE = f"due_at <= %(now)s AND (lease_until IS NULL OR lease_until < {_NOW})"
_ENDPOINTS = "SELECT id FROM webhook_endpoint WHERE"
_OPEN = (
    "endpoint_id <> ALL(%(full)s::text[]) AND "
    f"(%(takes_failing)s OR endpoint_id NOT IN ({_ENDPOINTS} failing_since IS NOT NULL))"
)
_RANGES = " UNION ALL ".join(
    "SELECT * FROM (SELECT endpoint_id, request_id, priority, due_at FROM lane "
    f"WHERE priority = {p} AND {_DUE} AND {_OPEN} "
    f"AND endpoint_id NOT IN ({_ENDPOINTS} partner = ANY(%(left_out)s::text[])) "
    f"ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) p{p}"
    for p in PRIORITIES
)
#: Partners with more due than they may have are looked at one by one, as far as each has room.
_CROWDED = (
    "SELECT theirs.* FROM unnest(%(crowded)s::text[], %(most)s::int[]) AS c (partner, most) "
    "CROSS JOIN LATERAL (SELECT endpoint_id, request_id, priority, due_at FROM lane "
    f"WHERE {_DUE} AND {_OPEN} AND endpoint_id IN ({_ENDPOINTS} partner = c.partner) "
    "ORDER BY priority, due_at LIMIT c.most FOR UPDATE SKIP LOCKED) theirs"
)
#: Materialized: PostgreSQL might run the sub-select twice, and lock more than asked.
_CLAIM = (
    f"WITH found AS MATERIALIZED ({_RANGES} UNION ALL {_CROWDED}), due AS MATERIALIZED ("
    "SELECT endpoint_id, request_id FROM found ORDER BY priority, due_at LIMIT %(limit)s) "
    f"UPDATE lane SET lease_until = {_NOW} + %(lease)s, lease_token = %(token)s FROM due "
    "WHERE lane.endpoint_id = due.endpoint_id AND lane.request_id = due.request_id "
    "RETURNING lane.endpoint_id, lane.request_id"
)
_HEADS = (
    "SELECT l.endpoint_id, l.request_id, l.priority, l.attempt, l.tried_since, l.gaps, "
    "d.id AS delivery_id, d.event_id, d.seq, d.attempts, ev.type AS event_type, "
    f"{ENDPOINT_COLUMNS} "
    "FROM unnest(%(e)s::text[], %(r)s::text[]) AS i (e, r) "
    "JOIN lane l ON l.endpoint_id = i.e AND l.request_id = i.r "
    "JOIN webhook_endpoint e ON e.id = l.endpoint_id "
    "LEFT JOIN LATERAL (SELECT * FROM delivery h WHERE h.endpoint_id = l.endpoint_id "
    "AND h.request_id = l.request_id AND h.status = 'pending' ORDER BY h.seq LIMIT 1) d ON TRUE "
    "LEFT JOIN event ev ON ev.seq = d.seq"
)

# ruff: noqa: S608 - the statements are put together from constants alone
"""The lanes of a database: a worker's cycle in one transaction, whose statements share round trips.

Statements are written once. What the two databases spell differently is in `_Spelling`: PostgreSQL
takes many rows as arrays and locks them, SQLite takes them as one JSON document and has one writer.
On PostgreSQL leases run by the database's clock, so that workers need not agree on the time. On
SQLite there is one host, and they run by its steady clock, which all its processes share and nobody
can set: a lease that ran by wall time would end when that is put forward, and its deliveries would
be sent twice. When it began, and for how long it runs, stands in the token. `lease_until` is kept
for workers of a release that reads nothing else, and theirs are honoured by it.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from coordinator.domain.clock import to_micros
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.fair_shares import Room
from coordinator.storage.delivery import answer_texts, endpoint_health
from coordinator.storage.delivery.endpoint_health import apart
from coordinator.storage.delivery.lanes import (
    ENDPOINT_COLUMNS,
    PRIORITIES,
    Completion,
    Cycle,
    Head,
    HeadRow,
    Turn,
    sort_out,
)
from coordinator.storage.engine import driver
from coordinator.storage.engine.columns import plain_array, text_array
from coordinator.storage.engine.database import Database
from coordinator.storage.tail.outbox import TEST_LANE

Values = dict[str, object]
#: What a cycle hands over by the row, by its type on PostgreSQL.
_GIVEN: Mapping[str, str] = {
    **dict.fromkeys(("e", "r", "token", "delivery", "error", "status", "owes"), "text"),
    **dict.fromkeys(("number", "answered", "duration", "attempt", "gaps"), "int"),
    **dict.fromkeys(("at", "finished", "due"), "bigint"),
    "unanswered": "bool",
}
#: Never signed or hashed.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: A token of SQLite ends in a mark, when the lease began, and for how long it runs: milliseconds.
_MARK, _BEGAN_DIGITS, _LENGTH_DIGITS = "@", 12, 8
_TIMES_DIGITS = _BEGAN_DIGITS + _LENGTH_DIGITS
#: What of the cycle's own token goes before: a column of tokens has 40 characters.
_OWN_CHARACTERS = 40 - _TIMES_DIGITS - len(_MARK)


class LaneStore:
    """The lanes of one database, for one thread.

    Args:
        database: Where they are.
        steady: Seconds that only grow, the same in all processes of a host.
    """

    def __init__(self, database: Database, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._steady = steady
        self._spelling = _Spelling(is_sqlite=database.is_sqlite)
        self._sql = _statements(self._spelling)
        self._connection: Connection | None = None

    def is_anything_due(self, now: datetime) -> bool:
        """Tell whether a cycle may find something to claim; costs no lock.

        On PostgreSQL always: a cycle that finds nothing writes nothing, and asking first costs a
        round trip.
        """
        if not self._database.is_sqlite:
            return True
        with self._database.engine.connect() as connection:
            values: Values = {"now": to_micros(now), "steady": self._steady_millis()}
            return bool(driver.execute(connection, self._sql.peek, values).rows())

    def run(self, cycle: Cycle) -> Turn:
        """Complete and claim in one transaction.

        Raises:
            SQLAlchemyError: If the database fails; the next cycle opens another connection.
        """
        try:
            return self._cycle(self._dated(cycle))
        except psycopg.Error as error:
            # As the engine's own errors come, so that callers know one kind.
            self.close()
            raise OperationalError(None, None, error) from error
        except SQLAlchemyError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reading what is to be sent."""
        if not self._database.is_sqlite:
            yield self._kept()
            return
        with self._database.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give up the connection, where one is kept."""
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

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection in a transaction; on PostgreSQL all of it is one round trip.

        The pump waits for the network and then, behind all its sending threads, for the
        interpreter's lock. So PostgreSQL's connection is kept, and BEGIN and COMMIT go out with the
        statements: `Database.transaction`, which waits for its COMMIT by itself, cost a quarter of
        the deliveries.
        """
        if self._database.is_sqlite:
            with self._database.transaction() as connection:
                yield connection
            return
        connection = self._kept()
        driver_connection = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        with driver_connection.pipeline():
            driver.execute(connection, "BEGIN")
            driver.execute(connection, _LAZY)
            yield connection
            driver.execute(connection, "COMMIT")

    def _steady_millis(self) -> int:
        return int(self._steady() * 1000)

    def _dated(self, cycle: Cycle) -> Cycle:
        """Return the cycle with a token that says when its leases began, where that is needed."""
        if not self._database.is_sqlite:
            return cycle
        length = round(cycle.lease.total_seconds() * 1000)
        times = f"{self._steady_millis():0{_BEGAN_DIGITS}}{length:0{_LENGTH_DIGITS}}"
        return replace(cycle, token=f"{cycle.token[:_OWN_CHARACTERS]}{_MARK}{times}")

    def _cycle(self, cycle: Cycle) -> Turn:
        room = cycle.shares.room()
        with self._transaction() as connection:
            held = self._complete(connection, cycle)
            if cycle.released:
                driver.execute(connection, self._sql.release, self._places(cycle.released))
            # What a worker learned that was paused beyond its lease says nothing of an endpoint any
            # more. To ask first costs a round trip, so it is asked where it can make a difference.
            known = cycle if cycle.is_all_well else _of_held(cycle, held)
            recovered = self._mark_endpoints(connection, known)
            claimed = self._claim(connection, cycle, room)
        # Read only now: waiting for an answer before the commit would cost a round trip.
        lanes = claimed.rows() if claimed else []
        if cycle.limit > 0 and not lanes:
            cycle.shares.served(room, {})
        heads, is_cut = self._heads(lanes, cycle, room) if lanes else ([], False)
        answering = [endpoint_id for (endpoint_id,) in recovered.rows()] if recovered else []
        known = _of_held(cycle, held)
        ended = known.completions
        for endpoint_id in sorted({*answering, *known.tested()}):
            with self._database.transaction() as connection:
                over = known.over(endpoint_id)
                endpoint_health.hurry_lanes(connection, endpoint_id, over, cycle.now)
        self._keep_texts(ended, cycle.now)
        return Turn(list(ended), heads, answering, is_cut)

    def _keep_texts(self, ended: Sequence[Completion], now: datetime) -> None:
        """Keep what failed answers said; where the process dies before it, nobody misses it."""
        texts = [(c.head, c.text) for c in ended if c.text is not None]
        if texts:
            with self._database.transaction() as connection:
                answer_texts.keep(connection, texts, now)

    def _complete(self, connection: Connection, cycle: Cycle) -> driver.PendingResult | None:
        """Store what tries came to; returns the lanes with their tokens before."""
        if not cycle.completions:
            return None
        now = to_micros(cycle.now)
        columns = _completion_columns(cycle.completions, now)
        values = {**self._spelling.given_values(columns), "now": now}
        held = driver.execute(connection, self._sql.lock, values)
        driver.execute(connection, self._sql.attempts, values)
        driver.execute(connection, self._sql.deliveries, values)
        driver.execute(connection, self._sql.lanes, values)
        return held

    def _mark_endpoints(self, connection: Connection, cycle: Cycle) -> driver.PendingResult | None:
        """Mark which endpoints answer and which fail; returns those that answer again."""
        good, bad = cycle.endpoints()
        recovered = None
        if good:
            recovered = driver.execute(
                connection, self._sql.good, {"ids": self._spelling.items(good)}
            )
        if bad:
            values: Values = {"ids": self._spelling.items(bad), "now": to_micros(cycle.now)}
            driver.execute(connection, self._sql.bad, values)
        if gone := cycle.gone():
            values = {"ids": self._spelling.items(gone), "now": to_micros(cycle.now)}
            driver.execute(connection, self._sql.gone, values)
        for asked in cycle.busy():
            values = endpoint_health.busy_values(asked, cycle.now)
            driver.execute(connection, self._sql.busy, values)
        for failed in cycle.put_off():
            values = endpoint_health.put_off_values(failed, cycle.now)
            driver.execute(connection, self._sql.put_off, values)
        return recovered

    def _claim(
        self, connection: Connection, cycle: Cycle, room: Room
    ) -> driver.PendingResult | None:
        """Claim what is due; returns the lanes."""
        if cycle.limit < 1:
            return None
        now = to_micros(cycle.now)
        values: Values = {
            "now": now,
            "steady": self._steady_millis(),
            "limit": cycle.limit,
            "lease": round(cycle.lease.total_seconds() * 1_000_000),
            "token": cycle.token,
            "full": self._spelling.items(room.full_endpoints),
            "left_out": self._spelling.items(room.left_out),
            "takes_failing": room.takes_failing,
        }
        for number, (partner, most) in enumerate(room.crowded):
            values |= {f"partner_{number}": partner, f"most_{number}": most}
        sql = _claim_statement(self._spelling, len(room.crowded))
        return driver.execute(connection, sql, values)

    def _heads(
        self, lanes: Sequence[tuple[str, str]], cycle: Cycle, room: Room
    ) -> tuple[list[Head], bool]:
        """Return what was claimed and may be sent; give back and park the rest."""
        places = {"e": [e for e, _ in lanes], "r": [r for _, r in lanes]}
        with self.reading() as connection:
            values = self._spelling.given_values(places)
            found = driver.execute(connection, self._sql.heads, values).rows()
        rows = [HeadRow(*row) for row in found]
        claimed = sort_out(lanes, rows, cycle, room)
        if claimed.idle or claimed.surplus or claimed.early:
            with self._transaction() as connection:
                self._park(connection, claimed.idle, cycle.token)
                if claimed.early:
                    driver.execute(connection, self._sql.later, self._times(claimed.early))
                if claimed.surplus:
                    driver.execute(connection, self._sql.release, self._places(claimed.surplus))
        return claimed.heads, bool(claimed.surplus)

    def _park(self, connection: Connection, lanes: Sequence[tuple[str, str]], token: str) -> None:
        """Park lanes without a head; looked at again under the lock, for one may be queued now."""
        if lanes:
            columns = {
                "e": [e for e, _ in lanes],
                "r": [r for _, r in lanes],
                "token": [token] * len(lanes),
            }
            values = self._spelling.given_values(columns)
            driver.execute(connection, self._sql.lock, values)
            driver.execute(connection, self._sql.park, values)

    def _times(self, early: Sequence[tuple[Head, datetime]]) -> Values:
        due = [to_micros(apart(until, head.priority)) for head, until in early]
        return self._spelling.given_values({**_place_columns([h for h, _ in early]), "due": due})

    def _places(self, heads: Sequence[Head]) -> Values:
        return self._spelling.given_values(_place_columns(heads))


def _of_held(cycle: Cycle, sent: driver.PendingResult | None) -> Cycle:
    """Return the cycle with those completions whose lane had their token when it was locked."""
    if sent is None:
        return cycle
    tokens = {(e, r): token for e, r, token in sent.rows()}
    held = [c for c in cycle.completions if tokens.get(c.head.lane) == c.head.lease_token]
    return replace(cycle, completions=held)


def _place_columns(heads: Sequence[Head]) -> dict[str, list[object]]:
    return {
        "e": [h.endpoint_id for h in heads],
        "r": [h.request_id for h in heads],
        "token": [h.lease_token for h in heads],
    }


def _completion_columns(completions: Sequence[Completion], now: int) -> dict[str, list[object]]:
    return {
        **_place_columns([c.head for c in completions]),
        "delivery": [c.head.delivery_id for c in completions],
        "error": [c.error for c in completions],
        "status": [c.status.value for c in completions],
        "owes": [c.owes for c in completions],
        "number": [c.head.attempts + 1 for c in completions],
        "answered": [c.answered for c in completions],
        "duration": [round(c.duration.total_seconds() * 1000) for c in completions],
        "attempt": [c.attempt for c in completions],
        "gaps": [c.gaps_after for c in completions],
        "at": [to_micros(c.at) for c in completions],
        "finished": [None if c.status is DeliveryStatus.PENDING else now for c in completions],
        "due": [None if c.due_at is None else to_micros(c.due_at) for c in completions],
        "unanswered": [c.is_unanswered for c in completions],
    }


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What the two databases spell differently."""

    is_sqlite: bool

    def mark(self, name: str) -> str:
        """Return the place of a parameter."""
        return f":{name}" if self.is_sqlite else f"%({name})s"

    def given(self, *names: str) -> str:
        """Return the rows of `given_values`, with these of their columns, as the source `i`."""
        if self.is_sqlite:
            columns = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in names)
            return f"(SELECT {columns} FROM json_each(:given)) AS i"
        arrays = ", ".join(f"{self.mark(name)}::{_GIVEN[name]}[]" for name in names)
        return f"unnest({arrays}) AS i ({', '.join(names)})"

    def given_values(self, columns: Mapping[str, Sequence[object]]) -> Values:
        """Return the parameters for rows that are given by column."""
        if self.is_sqlite:
            rows = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            return {"given": _JSON.encode(rows)}
        return {
            name: text_array(values) if _GIVEN[name] == "text" else plain_array(values)
            for name, values in columns.items()
        }

    def items(self, texts: Sequence[str]) -> str:
        """Return the parameter for a list of texts."""
        return _JSON.encode(texts) if self.is_sqlite else text_array(texts)

    def among(self, name: str) -> str:
        """Return what `items` holds, for `IN (…)`."""
        if self.is_sqlite:
            return f"SELECT value FROM json_each(:{name})"
        return f"SELECT unnest(%({name})s::text[])"

    @property
    def lock(self) -> str:
        """How rows are locked."""
        return "" if self.is_sqlite else " FOR UPDATE"

    @property
    def skip(self) -> str:
        """How rows are locked, those passed over that somebody else works on."""
        return "" if self.is_sqlite else " FOR UPDATE SKIP LOCKED"

    @property
    def head(self) -> str:
        """The pending delivery `d` of lane `l` with the lowest `seq`, as a table to join."""
        pending = (
            "FROM delivery h WHERE h.endpoint_id = l.endpoint_id AND h.request_id = l.request_id "
            "AND h.status = 'pending' ORDER BY h.seq LIMIT 1"
        )
        if self.is_sqlite:
            return f"delivery d ON d.id = (SELECT h.id {pending})"
        return f"LATERAL (SELECT * {pending}) d ON TRUE"

    @property
    def lease_now(self) -> str:
        """What `lease_until` is counted from, in microseconds."""
        if self.is_sqlite:
            return ":now"
        return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"

    @property
    def due(self) -> str:
        """What a lane that may be claimed is."""
        is_over = f"lease_until < {self.lease_now}"
        if self.is_sqlite:
            is_over = f"CASE WHEN {_IS_DATED} THEN NOT {_RUNS} ELSE {is_over} END"
        return f"due_at <= {self.mark('now')} AND (lease_until IS NULL OR {is_over})"


#: A host that dies may forget the last cycles, and what they completed is sent again under the same
#: `webhook-id`: that is what at least once means, and no cycle waits for the disk. What legs are
#: told later is committed durably, and with it all that went before.
_LAZY = "SET LOCAL synchronous_commit = off"
_IS_DATED = f"substr(lease_token, -{_TIMES_DIGITS + 1}, 1) = '{_MARK}'"
_BEGAN = f"CAST(substr(lease_token, -{_TIMES_DIGITS}, {_BEGAN_DIGITS}) AS INTEGER)"
_LENGTH = f"CAST(substr(lease_token, -{_LENGTH_DIGITS}) AS INTEGER)"
#: A lease that began later than now is of the time before the host was started anew: it is over.
_RUNS = f"(:steady >= {_BEGAN} AND :steady - {_BEGAN} <= {_LENGTH})"
_MINE = "i.e = lane.endpoint_id AND i.r = lane.request_id AND i.token = lane.lease_token"
_FREE = "lease_until = NULL, lease_token = NULL"
_IS_OWED = (
    "EXISTS (SELECT 1 FROM delivery d WHERE d.endpoint_id = lane.endpoint_id "
    "AND d.request_id = lane.request_id AND d.status = 'pending')"
)
_ENDPOINTS = "SELECT id FROM webhook_endpoint WHERE"
#: Of what a copy of the database owes, much was sent since; see `storage.tail.restored`.
_TAKES_CHANGES = "NOT EXISTS (SELECT 1 FROM log_head WHERE id = 1 AND restored_at IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class _Statements:
    """What a cycle runs, in one database's spelling."""

    peek: str
    lock: str
    attempts: str
    deliveries: str
    lanes: str
    release: str
    park: str
    good: str
    bad: str
    gone: str
    busy: str
    later: str
    put_off: str
    heads: str


@cache
def _statements(spelling: _Spelling) -> _Statements:
    given, now, ids = spelling.given, spelling.mark("now"), spelling.among("ids")
    keys = ("e", "r", "token")
    return _Statements(
        peek=" UNION ALL ".join(
            f"SELECT * FROM (SELECT 1 FROM lane WHERE priority = {p} AND {spelling.due} "
            f"AND {_TAKES_CHANGES} LIMIT 1)"
            for p in PRIORITIES
        ),
        # Sorted like those that queue, so that no two wait for each other.
        lock="SELECT endpoint_id, request_id, lease_token FROM lane "
        f"WHERE (endpoint_id, request_id) IN (SELECT e, r FROM {given('e', 'r')}) "
        f"ORDER BY endpoint_id, request_id{spelling.lock}",
        attempts="INSERT INTO attempt (delivery_id, number, at, status, error, duration_ms) "
        "SELECT i.delivery, i.number, i.at, i.answered, i.error, i.duration FROM "
        + given(*keys, "delivery", "number", "at", "answered", "error", "duration", "status")
        + f" JOIN lane ON {_MINE} WHERE i.status <> 'cancelled' ON CONFLICT DO NOTHING",
        deliveries="UPDATE delivery SET status = i.status, finished_at = i.finished, "
        "owes = i.owes, attempts = attempts + 1 "
        f"FROM {given(*keys, 'delivery', 'status', 'finished', 'owes')}, lane "
        f"WHERE {_MINE} AND delivery.id = i.delivery AND delivery.status = 'pending'",
        # A statement of its own after the lock: what was queued while it waited counts as owed.
        lanes=f"UPDATE lane SET {_FREE}, gaps = i.gaps, "
        "unanswered = i.due IS NOT NULL AND i.unanswered, "
        "attempt = CASE WHEN i.due IS NULL THEN 0 ELSE i.attempt END, "
        "tried_since = CASE WHEN i.due IS NOT NULL THEN COALESCE(lane.tried_since, i.at) END, "
        f"due_at = CASE WHEN i.due IS NOT NULL THEN i.due WHEN {_IS_OWED} THEN {now} END "
        f"FROM {given(*keys, 'due', 'at', 'unanswered', 'gaps', 'attempt')} WHERE {_MINE}",
        release=f"UPDATE lane SET {_FREE} FROM {given(*keys)} WHERE {_MINE}",
        park=f"UPDATE lane SET {_FREE}, "
        f"due_at = CASE WHEN e.enabled AND {_IS_OWED} THEN lane.due_at END "
        f"FROM {given(*keys)}, webhook_endpoint e WHERE {_MINE} AND e.id = lane.endpoint_id",
        good="UPDATE webhook_endpoint SET failing_since = NULL, failing_told_at = NULL "
        f"WHERE id IN ({ids}) AND failing_since IS NOT NULL RETURNING id",
        bad=f"UPDATE webhook_endpoint SET failing_since = {now} "
        f"WHERE id IN ({ids}) AND failing_since IS NULL",
        # The command that turns it off is a timer's: it tells the partner, too.
        gone=f"UPDATE webhook_endpoint SET gone_at = {now} "
        f"WHERE id IN ({ids}) AND gone_at IS NULL AND enabled",
        busy=endpoint_health.busy_sql(spelling.mark("{}")),
        later=f"UPDATE lane SET {_FREE}, due_at = i.due FROM {given(*keys, 'due')} WHERE {_MINE}",
        put_off=endpoint_health.put_off_sql(spelling.mark("{}"), skip=spelling.skip),
        heads="SELECT l.endpoint_id, l.request_id, l.priority, l.attempt, l.tried_since, l.gaps, "
        "d.id, d.event_id, d.seq, d.attempts, ev.type, "
        f"{ENDPOINT_COLUMNS} FROM {given('e', 'r')} "
        "JOIN lane l ON l.endpoint_id = i.e AND l.request_id = i.r "
        "JOIN webhook_endpoint e ON e.id = l.endpoint_id "
        f"JOIN {spelling.head} JOIN event ev ON ev.seq = d.seq WHERE e.enabled",
    )


@cache
def _claim_statement(spelling: _Spelling, crowded: int) -> str:
    """Return the claim: an index range a priority, each cut at the limit, then the first of all.

    Crowded partners, with more due than they may have, are looked at one by one, each cut at the
    room that it has.
    """
    mark = spelling.mark
    limit, failing = mark("limit"), f"{_ENDPOINTS} failing_since IS NOT NULL"
    is_open = (
        f"endpoint_id NOT IN ({spelling.among('full')}) "
        f"AND ({mark('takes_failing')} OR endpoint_id NOT IN ({failing}))"
    )
    left_out = f"{_ENDPOINTS} partner IN ({spelling.among('left_out')})"
    is_test = f"request_id = '{TEST_LANE}'"
    theirs_too = f"({is_test} OR ({is_open} AND endpoint_id NOT IN ({left_out})))"
    ranges = _ranges(spelling, theirs_too, limit, "r")
    for n in range(crowded):
        # The plus keeps SQLite on the index by time: a partner with a backlog is soon found there.
        column = "+endpoint_id" if spelling.is_sqlite else "endpoint_id"
        of_partner = f"{_ENDPOINTS} partner = {mark(f'partner_{n}')}"
        theirs = f"NOT {is_test} AND {is_open} AND {column} IN ({of_partner})"
        each = " UNION ALL ".join(_ranges(spelling, theirs, mark(f"most_{n}"), f"c{n}_"))
        ranges.append(
            f"SELECT * FROM (SELECT * FROM ({each}) all_{n} "
            f"ORDER BY priority, due_at LIMIT {mark(f'most_{n}')}) theirs_{n}"
        )
    # Materialized: PostgreSQL might run the sub-select twice, and lock more than asked.
    return (
        f"WITH found AS MATERIALIZED ({' UNION ALL '.join(ranges)}), due AS MATERIALIZED ("
        f"SELECT endpoint_id AS e, request_id AS r FROM found ORDER BY priority, due_at "
        f"LIMIT {limit}) "
        f"UPDATE lane SET lease_until = {spelling.lease_now} + {mark('lease')}, "
        f"lease_token = {mark('token')} FROM due "
        "WHERE lane.endpoint_id = due.e AND lane.request_id = due.r "
        "RETURNING lane.endpoint_id, lane.request_id"
    )


def _ranges(spelling: _Spelling, condition: str, limit: str, alias: str) -> list[str]:
    return [
        "SELECT * FROM (SELECT endpoint_id, request_id, priority, due_at FROM lane "
        f"WHERE priority = {p} AND {spelling.due} AND {condition} AND {_TAKES_CHANGES} "
        f"ORDER BY due_at LIMIT {limit}{spelling.skip}) {alias}{p}"
        for p in PRIORITIES
    ]

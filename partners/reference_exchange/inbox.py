"""What webhooks brought: stored before they are answered, worked off afterwards.

A notice becomes a task; what asks something about our holds becomes a matter of that request, and
waits until its task is done. The webhook is answered in milliseconds; a crash between receiving and
answering loses nothing.
"""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast import Document, Event, Notice
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import FreezeRequest, Remainder
from holdfast.protocol.remainder import read_asked
from holdfast.protocol.vocabulary import EventType

_SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
    event_id TEXT PRIMARY KEY, type TEXT NOT NULL, request_id TEXT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS task (
    request_id TEXT PRIMARY KEY, content_sha256 TEXT NOT NULL, body BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS asked (request_id TEXT PRIMARY KEY, requester TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawal (
    event_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS matter (
    event_id TEXT PRIMARY KEY, type TEXT NOT NULL, request_id TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS recovery (
    event_id TEXT PRIMARY KEY, recovery_id TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0);
"""
#: Events that ask something about holds of ours.
_MATTERS = frozenset(
    {
        EventType.ANSWER_OWED.value,
        EventType.HOLD_EXPIRING.value,
        EventType.RETURN_OPENED.value,
        EventType.RETURN_RESUMED.value,
        EventType.RETURN_ENDED.value,
    }
)
#: Events about misplaced deposits that we are asked to give back.
_RECOVERIES = frozenset({EventType.RECOVERY_RECEIVED.value, EventType.RECOVERY_REPLIED.value})
#: Seconds before a failed task is tried again; doubled each time, up to five minutes.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0


@dataclass(frozen=True, slots=True)
class Task:
    """A freeze request that waits for our answer; the requester is proven."""

    document: Document
    request: FreezeRequest | Remainder
    tries: int


@dataclass(frozen=True, slots=True)
class Matter:
    """Something about our holds on a request that we answered."""

    event_id: str
    type: str
    document: Document
    tries: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """Something new about misplaced deposits; `id` is of the recovery request."""

    event_id: str
    id: str
    tries: int


class Inbox:
    """A queue in one SQLite file; safe for threads.

    Args:
        path: The file; it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._database = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, event: Event, notice: Notice | None) -> None:
        """Store an event; a notice becomes a task. This is the blueprint's handler."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "INSERT INTO received VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (event.id, event.type, event.data.get("request_id"), time.time()),
            )
            if notice is not None:
                self._database.execute(
                    "INSERT INTO task (request_id, content_sha256, body, due_at)"
                    " VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
                    (notice.id, notice.content_sha256, notice.submission.body),
                )
                self._database.execute(
                    "INSERT INTO asked VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (notice.id, notice.requester),
                )
            if event.type == EventType.REQUEST_WITHDRAWN and isinstance(
                event.data.get("request_id"), str
            ):
                # As it came: whether it is proven is looked at before anything is let go on it.
                self._database.execute(
                    "INSERT INTO withdrawal VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (event.id, event.data["request_id"], canonical_json.dumps(dict(event.data))),
                )
            if event.type in _MATTERS and isinstance(event.data.get("request_id"), str):
                self._database.execute(
                    "INSERT INTO matter (event_id, type, request_id, due_at)"
                    " VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
                    (event.id, event.type, event.data["request_id"]),
                )
            if event.type in _RECOVERIES and isinstance(event.data.get("recovery_id"), str):
                self._database.execute(
                    "INSERT INTO recovery (event_id, recovery_id, due_at)"
                    " VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                    (event.id, event.data["recovery_id"]),
                )
            self._database.execute("COMMIT")
        self._arrived.set()

    def requester_of(self, request_id: str) -> str | None:
        """Return who proved to us that it asks for this request."""
        with self._lock:
            row = self._database.execute(
                "SELECT requester FROM asked WHERE request_id = ?", (request_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    def withdrawals_of(self, request_id: str) -> list[dict[str, Any]]:
        """Return the data of what we were told of a request's withdrawals, none of it proven."""
        with self._lock:
            rows = self._database.execute(
                "SELECT data FROM withdrawal WHERE request_id = ? ORDER BY event_id", (request_id,)
            ).fetchall()
        return [dict(strict_json.loads(row[0])) for row in rows]

    def next_task(self, wait: float) -> Task | Matter | Recovery | None:
        """Return what is due; None if nothing became due within `wait` seconds."""
        due = self._due()
        if due is None:
            self._arrived.wait(wait)
            self._arrived.clear()
            due = self._due()
        return due

    def _due(self) -> Task | Matter | Recovery | None:
        return self._due_task() or self._due_matter() or self._due_recovery()

    def _due_recovery(self) -> Recovery | None:
        with self._lock:
            row = self._database.execute(
                "SELECT event_id, recovery_id, tries FROM recovery"
                " WHERE done = 0 AND due_at <= ? ORDER BY due_at, event_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return None if row is None else Recovery(*row)

    def _due_task(self) -> Task | None:
        with self._lock:
            row = self._database.execute(
                "SELECT request_id, content_sha256, body, tries FROM task"
                " WHERE done = 0 AND due_at <= ? ORDER BY due_at, request_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        if row is None:
            return None
        request = read_asked(strict_json.loads(row[2]))
        return Task(Document(row[0], row[1]), request, row[3])

    def _due_matter(self) -> Matter | None:
        with self._lock:
            row = self._database.execute(
                "SELECT event_id, type, request_id, content_sha256, matter.tries"
                " FROM matter JOIN task USING (request_id)"
                " WHERE task.done = 1 AND matter.done = 0 AND matter.due_at <= ?"
                " ORDER BY matter.due_at, event_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return None if row is None else Matter(row[0], row[1], Document(row[2], row[3]), row[4])

    def finish(self, task: Task | Matter | Recovery) -> None:
        """It is answered."""
        table, column, key = _row_of(task)
        with self._lock:
            self._database.execute(f"UPDATE {table} SET done = 1 WHERE {column} = ?", (key,))  # noqa: S608 - one of three words

    def postpone(self, task: Task | Matter | Recovery) -> None:
        """It failed: try again later."""
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**task.tries)
        table, column, key = _row_of(task)
        with self._lock:
            self._database.execute(
                f"UPDATE {table} SET tries = tries + 1, due_at = ? WHERE {column} = ?",  # noqa: S608 - one of three words
                (time.time() + wait, key),
            )

    def is_idle(self) -> bool:
        """Tell whether everything that came is dealt with.

        What was asked about holds of others, on requests of our own, waits for nobody.
        """
        with self._lock:
            (count,) = self._database.execute(
                "SELECT (SELECT count(*) FROM task WHERE done = 0)"
                " + (SELECT count(*) FROM matter JOIN task USING (request_id)"
                " WHERE matter.done = 0)"
                " + (SELECT count(*) FROM recovery WHERE done = 0)"
            ).fetchone()
        return not count

    def received_at(self, event_type: str, request_id: str) -> float | None:
        """Return when an event came (seconds since 1970), or None."""
        with self._lock:
            row = self._database.execute(
                "SELECT at FROM received WHERE type = ? AND request_id = ? ORDER BY at",
                (event_type, request_id),
            ).fetchone()
        return None if row is None else float(row[0])


def _row_of(task: Task | Matter | Recovery) -> tuple[str, str, str]:
    """Return table, column and key of what waits."""
    if isinstance(task, Task):
        return "task", "request_id", task.document.id
    if isinstance(task, Recovery):
        return "recovery", "event_id", task.event_id
    return "matter", "event_id", task.event_id

"""What webhooks brought: stored before they are answered, worked off afterwards.

The webhook is answered in milliseconds; a crash between the two loses nothing.
"""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from partners.client import Document
from partners.evidence import Notice
from partners.protocol import strict_json
from partners.protocol.payloads import FreezeRequest
from partners.webhook_receiver import Event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
    event_id TEXT PRIMARY KEY, type TEXT NOT NULL, request_id TEXT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS task (
    request_id TEXT PRIMARY KEY, content_sha256 TEXT NOT NULL, body BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0);
"""
#: Seconds before a failed task is tried again; doubled each time, up to five minutes.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0


@dataclass(frozen=True, slots=True)
class Task:
    """A freeze request that waits for our answer; the requester is proven."""

    document: Document
    request: FreezeRequest
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
            self._database.execute("COMMIT")
        self._arrived.set()

    def next_task(self, wait: float) -> Task | None:
        """Return the task that is due; None if none became due within `wait` seconds."""
        task = self._due()
        if task is None:
            self._arrived.wait(wait)
            self._arrived.clear()
            task = self._due()
        return task

    def _due(self) -> Task | None:
        with self._lock:
            row = self._database.execute(
                "SELECT request_id, content_sha256, body, tries FROM task"
                " WHERE done = 0 AND due_at <= ? ORDER BY due_at, request_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        if row is None:
            return None
        request = FreezeRequest.model_validate(strict_json.loads(row[2]))
        return Task(Document(row[0], row[1]), request, row[3])

    def finish(self, task: Task) -> None:
        """The task is answered."""
        with self._lock:
            self._database.execute(
                "UPDATE task SET done = 1 WHERE request_id = ?", (task.document.id,)
            )

    def postpone(self, task: Task) -> None:
        """The task failed: try again later."""
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**task.tries)
        with self._lock:
            self._database.execute(
                "UPDATE task SET tries = tries + 1, due_at = ? WHERE request_id = ?",
                (time.time() + wait, task.document.id),
            )

    def received_at(self, event_type: str, request_id: str) -> float | None:
        """Return when an event came (seconds since 1970), or None."""
        with self._lock:
            row = self._database.execute(
                "SELECT at FROM received WHERE type = ? AND request_id = ? ORDER BY at",
                (event_type, request_id),
            ).fetchone()
        return None if row is None else float(row[0])

"""Which events were dealt with already: repeats are dropped, gaps are noticed.

A delivery is claimed, handled, then finished. A repeat that comes meanwhile is busy and is to be
tried again; one that comes after a crash finds the claim run out and is handled. Only a finished
one is dropped.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

#: After so many seconds an unfinished claim counts as abandoned; longer than any handler runs.
CLAIM_SECONDS = 60.0


class Claim(Enum):
    """What to do with a delivery."""

    NEW = auto()  # handle it, then finish() or give_up()
    BUSY = auto()  # somebody is at it: answer 503, it comes again
    DONE = auto()  # a repeat: answer 200 and do nothing


class SeenEvents(Protocol):
    """What a receiver remembers; implement it on your own database to share it between hosts."""

    def claim(self, event_id: str) -> Claim:
        """Start to deal with an event, if nobody did or does."""
        ...

    def finish(self, event_id: str) -> None:
        """The handler succeeded: repeats are dropped from now on."""
        ...

    def give_up(self, event_id: str) -> None:
        """The handler failed: the next try is handled."""
        ...

    def note_sequence(self, leg_id: str, sequence: int) -> range:
        """Remember an event's number on its leg; return the numbers before it that never came."""
        ...


class SqliteSeenEvents:
    """The memory in one SQLite file, for the threads and processes of one host.

    Args:
        path: The file, made where it is not there; ":memory:" for tests.
        now: Seconds since 1970, to recognise abandoned claims.
    """

    def __init__(self, path: Path | str, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS seen_event"
            " (id TEXT PRIMARY KEY, claimed_at REAL NOT NULL, is_done INTEGER NOT NULL,"
            "  repeats INTEGER NOT NULL DEFAULT 0);"
            "CREATE TABLE IF NOT EXISTS leg_sequence"
            " (leg_id TEXT PRIMARY KEY, highest INTEGER NOT NULL);"
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def claim(self, event_id: str) -> Claim:
        """Start to deal with an event, if nobody did or does."""
        now = self._now()
        with self._lock:
            taken = self._one(
                "INSERT INTO seen_event (id, claimed_at, is_done) VALUES (?, ?, 0)"
                " ON CONFLICT (id) DO UPDATE"
                " SET claimed_at = excluded.claimed_at"
                " WHERE is_done = 0 AND seen_event.claimed_at < ? RETURNING 1",
                (event_id, now, now - CLAIM_SECONDS),
            )
            if taken is not None:
                return Claim.NEW
            done = self._one(
                "UPDATE seen_event SET repeats = repeats + is_done WHERE id = ? RETURNING is_done",
                (event_id,),
            )
            return Claim.DONE if done == 1 else Claim.BUSY

    def dropped_repeats(self) -> int:
        """Return how many repeats were dropped so far."""
        with self._lock:
            return self._one("SELECT total(repeats) FROM seen_event", ()) or 0

    def finish(self, event_id: str) -> None:
        """The handler succeeded: repeats are dropped from now on."""
        with self._lock:
            self._one("UPDATE seen_event SET is_done = 1 WHERE id = ?", (event_id,))

    def give_up(self, event_id: str) -> None:
        """The handler failed: the next try is handled."""
        with self._lock:
            self._one("DELETE FROM seen_event WHERE id = ? AND is_done = 0", (event_id,))

    def note_sequence(self, leg_id: str, sequence: int) -> range:
        """Remember an event's number on its leg; return the numbers before it that never came.

        A leg is first seen at whatever number its reader is shown first, so that is no gap.
        """
        with self._lock:
            highest = self._one("SELECT highest FROM leg_sequence WHERE leg_id = ?", (leg_id,))
            self._one(
                "INSERT INTO leg_sequence VALUES (?, ?) ON CONFLICT (leg_id) DO UPDATE"
                " SET highest = max(highest, excluded.highest)",
                (leg_id, sequence),
            )
        return range(0) if highest is None else range(highest + 1, sequence)

    def _one(self, statement: str, parameters: tuple[object, ...]) -> int | None:
        """Run a statement in a transaction of its own; return its first value."""
        with closing(self._database.execute(statement, parameters)) as cursor:
            row = cursor.fetchone()
        return None if row is None else int(row[0])

"""Whether the database takes a change now, found out by making one.

A database whose disk is full, or that was made read-only, still answers every question. What is
written is one row, over and over, and committed: a change that is rolled back may never reach the
disk. The log and the events know nothing of it.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError

from coordinator.domain.clock import Clock
from coordinator.storage.engine.database import Database
from coordinator.storage.tables.write_probe import WriteProbeRow

_log = structlog.get_logger(__name__)
#: A public path must not make the disk work at each call: as old as this, in seconds, may it be.
MAX_AGE_SECONDS = 5.0
#: A PostgreSQL that hangs is no better than one that refuses; in milliseconds.
_TIMEOUT_MS = 5_000
_WRITE = update(WriteProbeRow).where(WriteProbeRow.id == 1)


class WriteProbe:
    """Tells whether changes can be stored; asked often, it looks seldom.

    Args:
        database: What is written to.
        clock: Says what is written.
        free_bytes: As much must be free beside a SQLite file: the largest body, or it is refused.
        steady: Seconds that only grow.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        free_bytes: int,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._free_bytes = free_bytes
        self._steady = steady
        self._looking = threading.Lock()
        self._looked_at: float | None = None
        self._fault: str | None = None

    def fault(self) -> str | None:
        """Return why nothing can be stored, None where it can; at most a few seconds old."""
        # While one thread looks, others hear what was last seen: none of them waits for the disk.
        if self._is_due() and self._looking.acquire(blocking=self._looked_at is None):
            try:
                if self._is_due():
                    self._fault = self._look()
                    self._looked_at = self._steady()
            finally:
                self._looking.release()
        return self._fault

    def _is_due(self) -> bool:
        return self._looked_at is None or self._steady() - self._looked_at >= MAX_AGE_SECONDS

    def _look(self) -> str | None:
        if not self._has_room():
            _log.error("disk_nearly_full", least_free_bytes=self._free_bytes)
            return "the disk is nearly full"
        try:
            with self._database.writing() as connection, connection.begin():
                if not self._database.is_sqlite:
                    connection.execute(text(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}"))
                connection.execute(_WRITE.values(at=self._clock.now()))
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).splitlines()
            _log.error("database_not_writable", reason=reason[0] if reason else "")
            return "the database takes no changes at present; the log of this process says why"
        return None

    def _has_room(self) -> bool:
        name = self._database.engine.url.database
        if not self._database.is_sqlite or not name:
            return True
        room = os.statvfs(Path(name).parent)
        return room.f_bavail * room.f_frsize >= self._free_bytes

"""The read log: who read what of a request, with which key, and when.

A read notes itself in a buffer of its process, outside of any transaction, and what the buffer
holds is stored about once a second. Reads stay reads: they never wait for it. What is lost is what
a process that is killed had not stored yet, and what a full buffer turned away.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypedDict

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from coordinator.domain.actor import Actor
from coordinator.domain.clock import Clock
from coordinator.services.core.access import readable_request
from coordinator.services.core.read_context import ReadContext
from coordinator.storage.engine.database import Database
from coordinator.storage.requests import read_log as store
from coordinator.storage.requests.read_log import MOST_AT_ONCE, ReadLine
from holdfast.protocol.payloads import format_time
from holdfast.protocol.read_log_views import ReadOf, ReadVia
from holdfast.protocol.type_ids import new_ids
from holdfast.protocol.vocabulary import Role

_log = structlog.get_logger(__name__)

#: Reads of one thing by one key are one line within such a window, which begins by the clock.
WINDOW = timedelta(hours=1)
#: What was read is stored so often, in seconds: as much is lost if a process is killed.
EVERY_SECONDS = 1.0
#: Once a process was told to end, so often.
_IN_HASTE_SECONDS = 0.05
#: Lines that a process holds at most until they are stored; some 10 MB.
MOST_LINES = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RequestReadView(TypedDict):
    """Reads of one thing by one key (`read_log_views.RequestReadView`)."""

    id: str
    partner: str
    subject: str
    roles: Sequence[Role]
    kid: str | None
    what: ReadOf
    via: ReadVia
    first_at: str
    last_at: str
    count: int


class Read(NamedTuple):
    """That something of a request was read, and by whom: all that makes a line but the times."""

    request_id: str
    partner: str
    subject: str
    kid: str
    roles: str
    what: ReadOf
    via: ReadVia

    @classmethod
    def of(cls, actor: Actor, request_id: str, what: ReadOf, via: ReadVia) -> "Read":
        """Return that an actor read something."""
        roles = ",".join(sorted(actor.roles))
        return cls(request_id, actor.partner, actor.subject, actor.kid, roles, what, via)


@dataclass(slots=True)
class _Times:
    first_at: datetime
    last_at: datetime
    count: int

    def add(self, other: "_Times") -> None:
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        self.count += other.count


_Lines = dict[tuple[Read, datetime], _Times]


class ReadLog:
    """What was read in this process and is not stored yet, and the thread that stores it.

    Args:
        database: Where it is stored.
        clock: Says when something was read.
        on_lost: Told how many reads are in no log, because there was no room for them.
        most_lines: That are held at most.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        on_lost: Callable[[int], None],
        most_lines: int = MOST_LINES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_lost = on_lost
        self._most_lines = most_lines
        self._lock = threading.Lock()
        self._lines: _Lines = {}
        self._lost = 0
        self._storing = threading.Lock()
        self._is_failing = False
        self._thread: threading.Thread | None = None
        self._is_due = threading.Event()
        self._every_seconds = EVERY_SECONDS

    def note(self, read: Read) -> None:
        """Note a read that was answered; it is in the log within about a second."""
        now = self._clock.now()
        with self._lock:
            self._add((read, now - (now - _EPOCH) % WINDOW), _Times(now, now, 1))
            is_full = len(self._lines) >= self._most_lines
        if is_full:
            self._is_due.set()

    def _add(self, line: tuple[Read, datetime], times: _Times) -> None:
        known = self._lines.get(line)
        if known is not None:
            known.add(times)
        elif len(self._lines) < self._most_lines:
            self._lines[line] = times
        else:
            self._lost += times.count

    def store(self, give_way: Callable[[Callable[[], None]], None] | None = None) -> None:
        """Store what was noted; what cannot be stored now is kept for the next time.

        Args:
            give_way: Calls what it is given as soon as nothing more urgent is under way.
        """
        with self._storing:
            with self._lock:
                lines, self._lines = self._lines, {}
            rows = _rows(lines)
            for start in range(0, len(rows), MOST_AT_ONCE):
                some = rows[start : start + MOST_AT_ONCE]
                is_stored = False

                def work(some: Sequence[ReadLine] = some) -> None:
                    nonlocal is_stored
                    is_stored = self._store(some)

                if give_way is None:
                    work()
                else:
                    give_way(work)
                if not is_stored:
                    self._keep(rows[start:])
                    break
            self._tell_lost()

    def _store(self, some: Sequence[ReadLine]) -> bool:
        try:
            is_stored = store.add_up(self._database, some)
        except (SQLAlchemyError, psycopg.Error) as error:
            if not self._is_failing:
                _log.error("read_log_not_stored", reason=str(getattr(error, "orig", error)))
            self._is_failing = True
            return False
        if self._is_failing and is_stored:
            _log.info("read_log_stored_again")
            self._is_failing = False
        return is_stored

    def _keep(self, rows: Sequence[ReadLine]) -> None:
        with self._lock:
            for row in rows:
                read = Read(*row[1:8])
                times = _Times(row.first_at, row.last_at, row.times)
                self._add((read, row.window_at), times)

    def _tell_lost(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            _log.error("reads_not_logged", count=lost)
            self._on_lost(lost)

    def start(self, give_way: Callable[[Callable[[], None]], None] | None = None) -> None:
        """Store what is noted from now on every second, and once more when the process ends.

        Called on the main thread of a process that serves; `give_way` as in `store`.
        """
        # Not a daemon: the process ends when this thread does, behind the last read.
        self._thread = threading.Thread(target=self._run, args=(give_way,), name="read-log")
        self._thread.start()

    def make_haste(self) -> None:
        """Store at once whatever is noted: the process was told to end."""
        self._every_seconds = _IN_HASTE_SECONDS
        self._is_due.set()

    def _run(self, give_way: Callable[[Callable[[], None]], None] | None) -> None:
        is_last = False
        while not is_last:
            self._is_due.wait(self._every_seconds)
            self._is_due.clear()
            # The interpreter ends its main thread behind those that answer requests.
            is_last = not threading.main_thread().is_alive()
            self.store(None if is_last else give_way)


def _rows(lines: _Lines) -> list[ReadLine]:
    return [
        ReadLine(line_id, *read, window_at, times.first_at, times.last_at, times.count)
        for line_id, ((read, window_at), times) in zip(
            new_ids("rdl", len(lines)), lines.items(), strict=True
        )
    ]


def reads_of_request(
    context: ReadContext,
    request_id: str,
    partner: str | None,
    *,
    before: str | None = None,
    limit: int,
) -> list[ReadLine]:
    """Return who read a request as far as the reader may know it, newest first.

    The requester is shown everybody, a partner asked its own people.

    Args:
        context: Who reads.
        request_id: Of the request.
        partner: Only this one's people; None for all.
        before: Only lines before this one.
        limit: As many at most.

    Raises:
        NotFoundError: If it is a request that the reader may not read.
        ErasedError: If what it said is erased, and with it who read it.
    """
    own = context.actor.partner
    request, _ = readable_request(context.connection, context.actor.viewer, request_id)
    if request.requester != own:
        if partner not in {None, own}:
            return []
        partner = own
    return store.of_request(context.connection, request_id, partner, before=before, limit=limit)


def read_views(lines: Sequence[ReadLine]) -> list[RequestReadView]:
    """Return lines as they are answered."""
    return [
        {
            "id": line.id,
            "partner": line.partner,
            "subject": line.subject,
            "roles": [Role(role) for role in line.roles.split(",") if role],
            "kid": line.kid or None,
            "what": line.what,
            "via": line.via,
            "first_at": format_time(line.first_at),
            "last_at": format_time(line.last_at),
            "count": line.times,
        }
        for line in lines
    ]

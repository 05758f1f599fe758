"""Which rulebook is in force, and who accepted it, as a process remembers it.

Every submission asks, so the answer is kept for seconds: it takes no statement then. Nobody is
refused by what is remembered: before a refusal it is read again. What is accepted holds for good,
so that is remembered for good. A new edition is asked for by every process a few seconds after its
time at the latest.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from coordinator.domain.house_rules import (
    PublishedRulebook,
    not_accepted,
    require_named_rulebook,
    rulebook_in_force,
)
from coordinator.storage.membership import house_rules as store

#: So long editions are remembered, in seconds.
_REMEMBERED = 2.0
#: So many acceptances are; beyond, all are forgotten and read again.
_MOST = 4_096


class HouseRules:
    """What one process knows of the rulebook; safe between threads.

    Args:
        monotonic: Seconds of a clock that only moves on.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._published: Sequence[PublishedRulebook] = ()
        self._read_at: float | None = None
        self._accepted: set[tuple[str, str]] = set()

    def require(
        self, connection: Connection, partner: str, named: str | None, now: datetime
    ) -> None:
        """Refuse a document of `partner` unless it names the rulebook in force, and it is accepted.

        Raises:
            RulebookError: Saying which is in force, and how it is accepted.
        """
        in_force = rulebook_in_force(self._remembered(connection), now)
        if named != (None if in_force is None else in_force.sha256):
            in_force = rulebook_in_force(self._read(connection), now)
            require_named_rulebook(in_force, named)
        if in_force is not None and not self._has_accepted(connection, partner, in_force.sha256):
            raise not_accepted(in_force)

    def _remembered(self, connection: Connection) -> Sequence[PublishedRulebook]:
        with self._lock:
            read_at, published = self._read_at, self._published
        if read_at is None or self._monotonic() - read_at > _REMEMBERED:
            return self._read(connection)
        return published

    def _read(self, connection: Connection) -> Sequence[PublishedRulebook]:
        read_at, published = self._monotonic(), store.published(connection)
        with self._lock:
            self._read_at, self._published = read_at, published
        return published

    def _has_accepted(self, connection: Connection, partner: str, sha256: str) -> bool:
        with self._lock:
            if (partner, sha256) in self._accepted:
                return True
        if not store.has_accepted(connection, partner, sha256):
            return False
        with self._lock:
            if len(self._accepted) >= _MOST:
                self._accepted.clear()
            self._accepted.add((partner, sha256))
        return True

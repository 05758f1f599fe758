"""What partners were not delivered, for the operator who is to call them: counts, states, times."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from coordinator.operations.preparation import open_migrated
from coordinator.settings import Settings, clock_of
from coordinator.storage.reading import operator as store
from coordinator.storage.reading.operator import Backlog, LastTry
from holdfast.protocol.payloads import format_time, optional_time


class Trouble(StrEnum):
    """What an endpoint suffers from, the worst first."""

    GONE = "gone"
    FAILING = "failing"
    DEAD = "dead"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One endpoint with something that was not delivered.

    Attributes:
        troubles: All that fit, the worst first.
        last: The newest try; None where nothing was tried yet.
        now: When it was looked at.
    """

    backlog: Backlog
    troubles: tuple[Trouble, ...]
    last: LastTry | None
    now: datetime

    @property
    def since(self) -> datetime:
        """Since when there is any trouble: what is listed first."""
        known = (
            self.backlog.failing_since,
            self.backlog.gone_at,
            self.backlog.waiting_since,
            self.backlog.dead_since,
        )
        return min((each for each in known if each is not None), default=self.now)

    def facts(self) -> dict[str, Any]:
        """Return it for programs; times are in UTC."""
        b, last = self.backlog, self.last
        return {
            "partner": b.partner,
            "endpoint_id": b.endpoint_id,
            "enabled": b.enabled,
            "troubles": [each.value for each in self.troubles],
            "failing_since": optional_time(b.failing_since),
            "gone_at": optional_time(b.gone_at),
            "busy_until": optional_time(b.busy_until),
            "waiting": b.waiting,
            "waiting_since": optional_time(b.waiting_since),
            "dead": b.dead,
            "dead_since": optional_time(b.dead_since),
            "next_attempt_at": optional_time(b.next_attempt_at),
            "last_try": None
            if last is None
            else {"at": format_time(last.at), "status": last.status, "error": last.error},
        }


def undelivered(settings: Settings, *, partner: str | None = None) -> list[Undelivered]:
    """Return what was not delivered, the oldest trouble first."""
    database = open_migrated(settings)
    now = clock_of(settings).now()
    try:
        with database.engine.connect() as connection:
            found = [
                Undelivered(b, _troubles(b), store.last_try(connection, b.endpoint_id), now)
                for b in store.backlogs(connection, partner)
            ]
    finally:
        database.engine.dispose()
    return sorted(found, key=lambda each: each.since)


def _troubles(backlog: Backlog) -> tuple[Trouble, ...]:
    has = {
        Trouble.GONE: backlog.gone_at is not None,
        Trouble.FAILING: backlog.enabled and backlog.failing_since is not None,
        Trouble.DEAD: backlog.dead > 0,
        Trouble.WAITING: backlog.waiting > 0,
    }
    return tuple(each for each in Trouble if has[each])

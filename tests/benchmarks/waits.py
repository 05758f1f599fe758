"""What PostgreSQL's connections do while a load runs: what bounds its rate."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from tests.benchmarks.stage import Stage

_BETWEEN_SECONDS = 0.01
#: Connections within a transaction, and what each waits for; of the web processes alone.
_LOOK = text(
    "SELECT CASE WHEN wait_event_type = 'Lock' THEN 'lock' "
    "WHEN wait_event_type IN ('IO', 'LWLock') THEN 'disk' "
    # Between the messages of a pipeline the state is active still.
    "WHEN wait_event_type = 'Client' OR state <> 'active' THEN 'python' ELSE 'statement' END "
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' AND xact_start IS NOT NULL AND state <> 'idle'"
)


class Waits:
    """How often connections were seen within a transaction, by what they did.

    `lock`: they wait for another transaction, nearly always for the head of the log; `disk`: for a
    write or a sync; `statement`: PostgreSQL works; `python`: the web process does.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def look(self, connection: Connection) -> None:
        """Look once."""
        with connection.begin():
            self._seen.update(connection.execute(_LOOK).scalars())

    def shares(self) -> dict[str, object]:
        """Return each kind's share of what was seen, in percent."""
        whole = self._seen.total() or 1
        kinds = ("lock", "disk", "statement", "python")
        return {f"{kind}_percent": round(100 * self._seen[kind] / whole) for kind in kinds}


@contextmanager
def watched(stage: Stage, waits: Waits) -> Iterator[None]:
    """Look at the connections until the block ends; on SQLite there is nothing to look at."""
    if stage.kind != "postgresql":
        yield
        return
    end = threading.Event()

    def watch() -> None:
        with stage.database.engine.connect() as connection:
            while not end.wait(_BETWEEN_SECONDS):
                waits.look(connection)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()

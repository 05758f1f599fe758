"""Kill -9 of web and worker processes under load: no accepted request and no delivery is lost."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.operations.supervisor import DEATHS_WITHIN_SECONDS, MOST_DEATHS
from tests.conftest import BACKENDS
from tests.end_to_end.under_load import MOST_UNDER_WAY, WHOLE, loaded, variables
from tests.postgres import PostgresServer

#: In the order of the kills: of six, two are of the web process; FAULTS=1 kills each fifty times.
_SIX = ["worker", "web", "worker", "worker", "web", "worker"]
VICTIMS = ["worker", "web"] * 50 if WHOLE else _SIX
#: So often may one kind die within the time in which its keeper counts, and one less than it takes.
_MOST_DEATHS = MOST_DEATHS - 1

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc"),
]


@pytest.fixture(params=BACKENDS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield variables(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield variables(tmp_path, HOLDFAST_DATABASE_URL=url)
    server.drop_database(url)


class _Pace:
    """Spares the processes so many deaths at once that their keeper gives up."""

    def __init__(self) -> None:
        self._died: dict[str, deque[float]] = {}

    def kill(self, kind: str) -> None:
        """Wait until one more of a kind may die."""
        died = self._died.setdefault(kind, deque(maxlen=_MOST_DEATHS))
        if len(died) == _MOST_DEATHS:
            time.sleep(max(0.0, died[0] + DEATHS_WITHIN_SECONDS + 1 - time.monotonic()))
        died.append(time.monotonic())


def test_kills_under_load_lose_no_accepted_request_and_no_delivery(
    environment: dict[str, str],
) -> None:
    pace = _Pace() if WHOLE else None
    with loaded(environment) as load:
        load.start()
        for number, victim in enumerate(VICTIMS):
            # It does its work again before the next one is killed.
            load.goes_on()
            if pace is not None:
                pace.kill(victim)
            load.coordinator.kill(victim, number)
        load.settle()
        assert len(load.accepted) >= len(VICTIMS)
        # What was sent right before a kill may be on its way to being sent once more: of each
        # delivery once a kill, and no more of them than the one that was killed had claimed.
        workers = VICTIMS.count("worker")
        assert max(load.receiver.counts.values()) <= 1 + workers
        assert load.repeats() <= workers * MOST_UNDER_WAY
        left = load.outbox.value("SELECT COUNT(*) FROM delivery WHERE status <> 'delivered'")
        assert left <= len(VICTIMS) * MOST_UNDER_WAY

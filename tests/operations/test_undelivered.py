"""`holdfast-coordinator deliveries`: whom the operator calls, and about what."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coordinator.cli import main
from coordinator.domain.clock import SystemClock, to_micros
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from holdfast.protocol import strict_json
from tests import factories
from tests.conftest import BACKENDS
from tests.dispatcher.outbox_cast import Endpoint, Outbox
from tests.factories import Exchange
from tests.postgres import PostgresServer


class Operator:
    """Types `deliveries` at a coordinator with two partners."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        settings = Settings.from_env(environment)
        self.database = open_settings_database(settings)
        vault = prepare(settings).vault
        self.outbox = Outbox(self.database, vault, SystemClock())
        self.partners: list[Exchange] = []
        for handle in factories.HANDLES[:2]:
            exchange = factories.new_exchange(handle)
            factories.admit(self.database, vault, SystemClock(), exchange)
            self.partners.append(exchange)

    def says(self, *words: str) -> str:
        arguments = ["deliveries", *words]
        done = CliRunner().invoke(main, arguments, env=self.environment, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = strict_json.loads(self.says(*words, "--json").encode())
        return rows


@pytest.fixture(params=BACKENDS)
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    environment = {"HOLDFAST_DATA_DIR": str(tmp_path / "data")}
    server: PostgresServer | None = None
    if request.param != "sqlite":
        server = request.getfixturevalue("postgres")
        environment["HOLDFAST_DATABASE_URL"] = server.create_database()
    prepare(Settings.from_env(environment))
    made = Operator(environment)
    yield made
    made.database.engine.dispose()
    if server is not None:
        server.drop_database(environment["HOLDFAST_DATABASE_URL"])


def ago(**length: int) -> int:
    return to_micros(SystemClock().now() - timedelta(**length))


def outage(operator: Operator) -> tuple[Endpoint, Endpoint]:
    """Let one endpoint fail for two hours with all sorts owed, and another say it is gone."""
    outbox, (first, second) = operator.outbox, operator.partners
    failing, gone = outbox.endpoint(first.lead), outbox.endpoint(second.lead)
    for number in range(4):
        outbox.event(first.handle, f"frq_{number}", note="very private")
    outbox.change("UPDATE delivery SET created_at = :at", at=ago(hours=2))
    dead = outbox.value("SELECT MAX(id) FROM delivery")
    outbox.change(
        "UPDATE delivery SET status = 'dead', finished_at = :at WHERE id = :d",
        at=ago(minutes=30),
        d=dead,
    )
    tried = outbox.value("SELECT MIN(id) FROM delivery")
    outbox.change("UPDATE delivery SET attempts = 1 WHERE id = :d", d=tried)
    outbox.change(
        "INSERT INTO attempt (delivery_id, number, at, status, error, duration_ms) "
        "VALUES (:d, 1, :at, 503, 'http_status', 5)",
        d=tried,
        at=ago(minutes=20),
    )
    outbox.change(
        "UPDATE webhook_endpoint SET failing_since = :at WHERE id = :e",
        at=ago(hours=2),
        e=failing.id,
    )
    outbox.change(
        "UPDATE webhook_endpoint SET enabled = FALSE, gone_at = :at WHERE id = :e",
        at=ago(days=3),
        e=gone.id,
    )
    return failing, gone


def test_what_was_not_delivered_is_listed_by_partner_the_oldest_first(operator: Operator) -> None:
    assert "Nothing waits" in operator.says()
    failing, gone = outage(operator)
    rows = operator.rows()
    assert [(row["endpoint_id"], row["troubles"]) for row in rows] == [
        (gone.id, ["gone"]),
        (failing.id, ["failing", "dead", "waiting"]),
    ]
    assert (rows[1]["waiting"], rows[1]["dead"], rows[1]["partner"]) == (
        3,
        1,
        operator.partners[0].handle,
    )
    assert (rows[1]["last_try"]["status"], rows[1]["last_try"]["error"]) == (503, "http_status")


def test_it_is_read_at_80_columns_and_tells_nothing_that_anybody_wrote(operator: Operator) -> None:
    failing, _ = outage(operator)
    said = operator.says()
    assert all(len(line) <= 80 for line in said.splitlines())
    for expected in (
        "FAILING, DEAD, WAITING",
        failing.id,
        "has taken nothing for 2 h",
        "3 events wait, the oldest 2 h",
        "1 event given up, the first 30 min ago",
        "last try 20 min ago: HTTP 503 (http_status)",
        "said that it is gone (410) 3 days ago, and is turned off",
    ):
        assert expected in said
    assert "very private" not in said
    assert "hook" not in said, "a URL may be a secret"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--state", "gone"), 1),
        (("--state", "dead"), 1),
        (("--state", "waiting", "--partner", factories.HANDLES[1]), 0),
        (("--partner", factories.HANDLES[0]), 1),
    ],
)
def test_it_is_narrowed_by_state_and_by_partner(
    operator: Operator, words: tuple[str, ...], count: int
) -> None:
    outage(operator)
    assert len(operator.rows(*words)) == count

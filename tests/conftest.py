"""A migrated database with the cast in it, on SQLite and PostgreSQL, and the app on top."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

import coordinator.app
from coordinator.api.outcomes import OutcomeWait
from coordinator.app import create_app, wire
from coordinator.cli import with_settings
from coordinator.domain.clock import SteppedClock
from coordinator.key_files import (
    DOCUMENT_KEY,
    INDEX_KEY,
    LOG_KEY,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    CoordinatorKeys,
)
from coordinator.services.core.unit_of_work import UnitOfWork, transaction
from coordinator.settings import Settings
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.documents import Vault
from coordinator.summary.document_key import DocumentKey
from holdfast.protocol.jwk import PrivateKey
from tests import factories, node
from tests.browser import chromium
from tests.deploy import tools
from tests.factories import Cast, Signer
from tests.in_memory import database_folder
from tests.postgres import PostgresServer, postgres_or_skip
from tests.rulebook import RULEBOOK, command_context

#: So many inputs of each property, other ones every time, as PROPERTIES=5000 has it.
_PROPERTIES = os.environ.get("PROPERTIES")
# A busy machine is no fault of what is tested; nor is a change at fault for what a run of its tests
# happens to draw, so that without a search all draw the same inputs every time.
hypothesis.settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=_PROPERTIES is None,
    max_examples=int(_PROPERTIES or "100"),
)
hypothesis.settings.load_profile("unhurried")

BACKENDS = ("sqlite", "postgresql")
#: Secrets of the tests alone.
_WRAPPING, _INDEX = b"w" * 32, b"i" * 32
KEYS = CoordinatorKeys(
    Vault(_WRAPPING, _INDEX),
    PrivateKey.from_seed(b"s" * 32),
    PrivateKey.from_seed(b"l" * 32),
    DocumentKey.generate("coordinator.example", factories.NOON),
)


@dataclass(frozen=True, slots=True)
class World:
    """A database with the cast in it, to be copied.

    Attributes:
        cast: Who is in it.
        copy: Makes a copy under a name of its own and returns its URL; `drop` removes it.
        url: Where tests have their copies, one after the other; `renew` makes the next.
    """

    cast: Cast
    copy: Callable[[], str]
    drop: Callable[[str], None]
    url: str
    renew: Callable[[], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, as `-m "not postgresql"` leaves it out."""
    for item in items:
        assert isinstance(item, pytest.Function)
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "postgresql" in values or {"postgres", "postgres_world"} & set(item.fixturenames):
            item.add_marker("postgresql")


def populate(url: str) -> Cast:
    """Make a database with four exchanges in it; returns those."""
    clock = SteppedClock(factories.NOON)
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
    database = open_database(url, pool_size=1)
    schema.upgrade(database)
    for exchange in exchanges:
        factories.admit(database, KEYS.vault, clock, exchange)
    database.engine.dispose()
    return Cast(*exchanges)


def write_keys(folder: Path) -> None:
    """Write the tests' secrets where a process of its own looks for them."""
    folder.mkdir(mode=0o700)
    assert KEYS.log is not None
    contents = {
        WRAPPING_KEY: _WRAPPING,
        INDEX_KEY: _INDEX,
        WEBHOOK_KEY: KEYS.webhook.to_pem(),
        LOG_KEY: KEYS.log.to_pem(),
        DOCUMENT_KEY: KEYS.document_key().to_pem(),
    }
    for name, content in contents.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what to install where tests were left out for want of a browser or a tool."""
    skipped = terminalreporter.stats.get("skipped", [])
    advice = [each.advice(skipped) for each in (chromium, node, tools)]
    lines = [line for line in advice if line is not None]
    if lines:
        terminalreporter.section("left out", yellow=True)
    for line in lines:
        terminalreporter.write_line(line, yellow=True)


def require_all_given_back(database: Database) -> None:
    """Fail the test that still holds a connection, or the collector's warning fails a later one."""
    held = database.engine.pool.checkedout()  # type: ignore[attr-defined]  # both pools have it
    assert held == 0, f"{held} connections were not given back"


def let_go(database: Database) -> None:
    """Close a database's connections, all of which must have been given back."""
    try:
        require_all_given_back(database)
    finally:
        database.engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def _logging_as_it_is() -> Iterator[None]:
    """Leave logging as it is when a command is called within a test process.

    It would set it up for good: a logger that was used once keeps what was set up then, and no
    later test could look at what is logged.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(with_settings, "set_up_logging", lambda _level, _form: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _rules_read_once() -> Iterator[None]:
    """Give every app of a test process the rules of `config/` that were read already.

    A process reads them once when it starts. Each test has its app wired anew, and would spend most
    of that on the table of chains.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coordinator.app, "read_rulebook", lambda: RULEBOOK)
        yield


@pytest.fixture(scope="session")
def databases() -> Iterator[Path]:
    """Where databases lie."""
    with database_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(databases: Path, pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """A real PostgreSQL for the whole run of a test process."""
    left_out = pytestconfig.getoption("markexpr").startswith("not (postgresql")
    assert not left_out, "a test of `make test-fast` needs PostgreSQL and is not marked so"
    with postgres_or_skip(databases.parent) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_world(databases: Path) -> World:
    """The cast in an SQLite file."""
    template = databases / "template.sqlite3"
    cast = populate(f"sqlite:///{template}")
    own = databases / "own"

    def copy() -> str:
        path = Path(tempfile.mkdtemp(dir=databases)) / "holdfast.sqlite3"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    def drop(url: str) -> None:
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)

    def renew() -> None:
        # Not overwritten: who still has the last one open must not find this one in its place.
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        shutil.copy(template, own / "holdfast.sqlite3")

    return World(cast, copy, drop, f"sqlite:///{own / 'holdfast.sqlite3'}", renew)


@pytest.fixture(scope="session")
def postgres_world(postgres: PostgresServer) -> World:
    """The cast in a PostgreSQL database."""
    casts: list[Cast] = []
    postgres.template("cast", lambda url: casts.append(populate(url)))
    own = postgres.create_database()

    def renew() -> None:
        postgres.drop_database(own)
        postgres.create_database("cast", own)

    return World(
        casts[0], lambda: postgres.create_database("cast"), postgres.drop_database, own, renew
    )


@pytest.fixture(params=BACKENDS)
def world(request: pytest.FixtureRequest) -> World:
    """The world of either database: every test that uses it runs on both."""
    name = "sqlite_world" if request.param == "sqlite" else "postgres_world"
    found: World = request.getfixturevalue(name)
    return found


@pytest.fixture
def cast(world: World) -> Cast:
    """Exchanges A to D."""
    return world.cast


@pytest.fixture
def clock() -> SteppedClock:
    """A clock that stands until a test steps it."""
    return SteppedClock(factories.NOON)


@pytest.fixture
def vault() -> Vault:
    """The vault that sealed the cast's documents."""
    return KEYS.vault


@pytest.fixture
def database_url(world: World) -> str:
    """The URL of a migrated database with the cast in it; no other test sees what is done to it."""
    world.renew()
    return world.url


@pytest.fixture(scope="session")
def _opened() -> dict[str, Database]:
    """Databases by URL. What an engine learns of statements serves all tests of a process."""
    return {}


@pytest.fixture
def database(database_url: str, _opened: dict[str, Database]) -> Iterator[Database]:
    """The same database, opened outside of Flask."""
    if database_url not in _opened:
        _opened[database_url] = open_database(database_url)
    opened = _opened[database_url]
    yield opened
    let_go(opened)


@pytest.fixture
def uow(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[UnitOfWork]:
    """A unit of work; a test that wants it stored calls `finish()`."""
    with transaction(command_context(database, vault, clock)) as opened:
        yield opened


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a coordinator on this test's database."""
    return Settings.from_env(
        {
            "HOLDFAST_ORIGIN": factories.ORIGIN,
            "HOLDFAST_DATABASE_URL": database_url,
            "HOLDFAST_DATA_DIR": str(tmp_path),
            "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
    )


@pytest.fixture(scope="session")
def _apps() -> dict[Settings, Flask]:
    """Applications by their settings. To make the routes takes longer than most tests."""
    return {}


@pytest.fixture
def app(settings: Settings, clock: SteppedClock, _apps: dict[Settings, Flask]) -> Iterator[Flask]:
    """The coordinator on this test's database."""
    alike = replace(settings, data_dir=Path())  # only keys would be read there
    if alike not in _apps:
        _apps[alike] = create_app(settings, clock=clock, keys=KEYS)
    app = _apps[alike]
    kept = dict(app.extensions)
    database = app.extensions["holdfast"].database
    context = wire(settings, database, clock=clock, keys=KEYS)
    # No worker runs beside most tests, so that nobody waits for what it would do.
    app.extensions["holdfast"] = replace(context, outcome_wait=OutcomeWait(timedelta(), 1))
    yield app
    app.extensions["holdfast"].watcher.stop()
    app.extensions.clear()
    app.extensions.update(kept)
    let_go(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client of the coordinator."""
    return app.test_client()


@pytest.fixture
def signer(client: FlaskClient, clock: SteppedClock) -> Signer:
    """Sends requests signed by members of the cast."""
    return Signer(client, clock)

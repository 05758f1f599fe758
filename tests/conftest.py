"""A migrated database with the cast in it, on SQLite and PostgreSQL, and the app on top."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from coordinator.app import create_app
from coordinator.domain.clock import SteppedClock
from coordinator.key_files import CoordinatorKeys
from coordinator.services.unit_of_work import UnitOfWork, transaction
from coordinator.settings import Settings
from coordinator.storage import schema
from coordinator.storage.base import db
from coordinator.storage.database import Database, open_database
from coordinator.storage.documents import Vault
from holdfast.protocol.jwk import PrivateKey
from tests import factories
from tests.factories import Cast, Signer
from tests.postgres import PostgresServer, postgres_or_skip
from tests.rulebook import RULEBOOK

BACKENDS = ("sqlite", "postgresql")
#: Secrets of the tests alone.
KEYS = CoordinatorKeys(Vault(b"w" * 32, b"i" * 32), PrivateKey.from_seed(b"s" * 32))


@dataclass(frozen=True, slots=True)
class World:
    """A database with the cast in it, to be copied for every test."""

    copy: Callable[[Path], str]
    drop: Callable[[str], None]
    cast: Cast


def _populate(url: str) -> Cast:
    clock = SteppedClock(factories.NOON)
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
    database = open_database(url, pool_size=1)
    schema.upgrade(database)
    for exchange in exchanges:
        factories.admit(database, KEYS.vault, clock, exchange)
    database.engine.dispose()
    return Cast(*exchanges)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the whole run."""
    with postgres_or_skip() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The cast in an SQLite file."""
    template = tmp_path_factory.mktemp("template") / "template.sqlite3"
    cast = _populate(f"sqlite:///{template}")

    def copy(folder: Path) -> str:
        path = folder / "holdfast.sqlite3"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    return World(copy, lambda _: None, cast)


@pytest.fixture(scope="session")
def postgres_world(postgres: PostgresServer) -> World:
    """The cast in a PostgreSQL database."""
    casts: list[Cast] = []
    postgres.template("cast", lambda url: casts.append(_populate(url)))
    return World(lambda _: postgres.create_database("cast"), postgres.drop_database, casts[0])


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
def database_url(world: World, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database with the cast in it, for this test alone."""
    url = world.copy(tmp_path)
    yield url
    world.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same database, opened outside of Flask."""
    opened = open_database(database_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def uow(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[UnitOfWork]:
    """A unit of work; a test that wants it stored calls `finish()`."""
    with transaction(database, vault, clock, RULEBOOK) as opened:
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


@pytest.fixture
def app(settings: Settings, clock: SteppedClock) -> Iterator[Flask]:
    """The coordinator on this test's database."""
    made = create_app(settings, clock=clock, keys=KEYS)
    yield made
    made.extensions["holdfast"].watcher.stop()
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client of the coordinator."""
    return app.test_client()


@pytest.fixture
def signer(client: FlaskClient, clock: SteppedClock) -> Signer:
    """Sends requests signed by members of the cast."""
    return Signer(client, clock)

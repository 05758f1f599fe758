"""A desk of one's own for every test, on either database."""

from collections.abc import Iterator
from typing import Any

import pytest

import coordinator.storage.tables as _tables  # noqa: F401 - fills the metadata
from coordinator.app import create_app
from coordinator.domain.clock import SteppedClock
from coordinator.settings import Settings
from coordinator.storage.engine.base import db
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.documents import Vault
from tests.conftest import BACKENDS, KEYS, require_all_given_back
from tests.factories import NOON, ORIGIN, Cast, Signer
from tests.services.kept import Kept
from tests.services.recomputed import faults
from tests.services.request_cast import Desk, Office


@pytest.fixture(scope="session")
def _kept_databases() -> Iterator[dict[str, Kept]]:
    kept: dict[str, Kept] = {}
    yield kept
    for each in kept.values():
        each.database.engine.dispose()


@pytest.fixture
def desk(
    world: Any,
    _kept_databases: dict[str, Kept],
    vault: Vault,
    clock: SteppedClock,
    cast: Cast,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    """Gives commands to a database in which there is nothing but the cast."""
    backend = request.node.callspec.params["world"]
    if backend not in _kept_databases:
        _kept_databases[backend] = Kept.of(open_database(world.copy()))
    kept = _kept_databases[backend]
    yield Desk(kept.database, vault, clock, cast)
    found = faults(kept.database)
    kept.restore()
    require_all_given_back(kept.database)
    assert found == []


@pytest.fixture
def fresh_desk(database: Database, vault: Vault, clock: SteppedClock, cast: Cast) -> Desk:
    """Gives commands to the database that `client` and `signer` work with."""
    return Desk(database, vault, clock, cast)


@pytest.fixture(autouse=True)
def _nothing_went_stale(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look, after every test with a database of its own, whether an act forgot what hangs on it."""
    database = request.getfixturevalue("database") if "database" in request.fixturenames else None
    yield
    if database is not None:
        assert faults(database) == []


@pytest.fixture(scope="module", params=BACKENDS)
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """A whole coordinator that all tests of a module use in turn, each with requests of its own."""
    world = request.getfixturevalue(
        "sqlite_world" if request.param == "sqlite" else "postgres_world"
    )
    folder = tmp_path_factory.mktemp("office")
    url = world.copy()
    settings = Settings.from_env(
        {
            "HOLDFAST_ORIGIN": ORIGIN,
            "HOLDFAST_DATABASE_URL": url,
            "HOLDFAST_DATA_DIR": str(folder),
        }
    )
    clock = SteppedClock(NOON)
    app = create_app(settings, clock=clock, keys=KEYS)
    database = open_database(url)
    desk = Desk(database, KEYS.vault, clock, world.cast)
    yield Office(desk, Signer(app.test_client(), clock))
    found = faults(database)
    app.extensions["holdfast"].watcher.stop()
    with app.app_context():
        db.engine.dispose()
    database.engine.dispose()
    world.drop(url)
    assert found == []

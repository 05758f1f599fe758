"""Brings a database up to the newest schema, and says which one it has."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from coordinator.storage.engine.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number, the same in every process that migrates.
_ADVISORY_LOCK = 4_813_307


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def newest_revision() -> str:
    """Return the revision that this code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_known(revision: str) -> bool:
    """Tell whether this code has the migration that made `revision`."""
    script = ScriptDirectory.from_config(_config())
    return any(known.revision == revision for known in script.walk_revisions())


def current_revision(database: Database) -> str | None:
    """Return the database's revision; None where it is empty."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations due, in one transaction; a second process waits and finds none."""
    config = _config()
    with database.writing() as connection, connection.begin():
        if not database.is_sqlite:
            lock = text("SELECT pg_advisory_xact_lock(:number)")
            connection.execute(lock, {"number": _ADVISORY_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

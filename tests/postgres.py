"""A real PostgreSQL for tests and benchmarks: the one for trials, with databases to copy.

Figures measured on a server that relaxes durability would be worth nothing. Tests may have the data
in memory, where the same syncs cost nothing; benchmarks have it on the disk.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from coordinator.operations.trial_postgres import (
    USER,
    PostgresUnavailableError,
    TrialPostgres,
)


class PostgresServer(TrialPostgres):
    """One PostgreSQL cluster, from `start` to `stop`, or for as long as a `with` block runs.

    Args:
        data_parent: Where the data folder is made; None puts it among the other temporary files.
    """

    def __init__(self, data_parent: Path | None = None) -> None:
        super().__init__(data_parent)
        self._is_in_memory = data_parent is not None
        self._templates: dict[str, str] = {}

    def start(self) -> None:
        """Make a cluster and start it, as `TrialPostgres` does; in memory, connecting is cheap.

        A password is derived by both sides at every connection, and tests connect some thousand
        times. This one is random, so that once is as good as 4,096 times.
        """
        super().start()
        if self._is_in_memory:
            self.execute(sql.SQL("SET scram_iterations = 1"))
            change = sql.SQL("ALTER USER {} PASSWORD {}")
            self.execute(change.format(sql.Identifier(USER), sql.Literal(self._password)))

    def stop(self) -> None:
        """End the server and remove its data; harmless when it does not run."""
        super().stop()
        self._templates.clear()

    def more_settings(self) -> dict[str, str]:
        """Return what only tests want."""
        # It would change plans in the midst of a test.
        settings = {"autovacuum": "off"}
        if self._is_in_memory:
            settings["max_wal_size"] = "128MB"  # memory is dearer than a disk
        return settings

    def create_database(self, template: str | None = None, url: str | None = None) -> str:
        """Create a database, empty or as a copy of `template`, and return its SQLAlchemy URL.

        Args:
            template: What `template` was told to fill.
            url: The URL that a dropped database had, for one that is to have the same.
        """
        name = url.rpartition("/")[2] if url else f"test_{secrets.token_hex(8)}"
        self.create(name, self._templates[template] if template else "template0")
        return self.url_of(name)

    def drop_database(self, url: str) -> None:
        """Drop the database at `url`, whoever is still connected to it."""
        name = sql.Identifier(url.rpartition("/")[2])
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """Have `build(url)` fill a database once; `create_database(name)` then copies it.

        Copying a migrated database takes a fraction of the time that the migrations take.
        """
        if name not in self._templates:
            database = f"template_{secrets.token_hex(8)}"
            self.create(database, "template0")
            build(self.url_of(database))
            # A database with a session in it cannot be copied, and pools close theirs late.
            shut = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false")
            self.execute(shut.format(sql.Identifier(database)))
            left = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
            self.execute(sql.SQL(left).format(sql.Literal(database)))
            self._templates[name] = database
        return name


@contextmanager
def postgres_or_skip(data_parent: Path | None = None) -> Iterator[PostgresServer]:
    """Yield a running server, or skip the test and say why; REQUIRE_POSTGRES=1 fails it instead."""
    server = PostgresServer(data_parent)
    try:
        server.start()
    except PostgresUnavailableError as error:
        if os.environ.get("REQUIRE_POSTGRES"):
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    try:
        yield server
    finally:
        server.stop()

"""Machines to restore on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.settings import Settings
from tests.operations.reconciled import Empty
from tests.postgres import PostgresServer


@pytest.fixture(name="empty")
def _empty(own: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Empty]:
    """Makes settings of another machine, where nothing is yet; `own` is the first one's."""
    made: list[str] = []

    def empty() -> Settings:
        folder = tmp_path / f"machine-{len(made)}"
        url = ""
        if own.database_url.startswith("postgresql"):
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create_database()
        made.append(url)
        return replace(own, data_dir=folder, database_url=url)

    yield empty
    for url in filter(None, made):
        request.getfixturevalue("postgres").drop_database(url)

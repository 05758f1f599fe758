"""Databases of tests lie in memory where there is room, and nothing of them stays there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from coordinator.storage.engine.database import Database
from tests import in_memory
from tests.conftest import World, let_go
from tests.in_memory import NEEDED_BYTES, database_folder, has_room


class _Usage(NamedTuple):
    free: int


@pytest.mark.parametrize("free", [NEEDED_BYTES, NEEDED_BYTES - 1])
def test_databases_lie_in_memory_only_where_there_is_room(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(free))
    with database_folder(tmp_path) as folder:
        assert folder.is_dir()
        assert (folder.parent == tmp_path) is (free == NEEDED_BYTES)
    assert not folder.exists()


def test_a_system_without_such_a_place_has_its_databases_on_the_disk(tmp_path: Path) -> None:
    assert not has_room(tmp_path / "absent")
    with database_folder(tmp_path / "absent") as folder:
        assert folder.is_dir()


def test_what_a_killed_run_left_is_removed_and_what_another_uses_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_memory, "has_room", lambda _: True)
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    left = tmp_path / f"holdfast-tests-{int(ended.stdout)}-x"
    used = tmp_path / f"holdfast-tests-{os.getpid()}-x"
    for folder in (left, used):
        folder.mkdir()
    with database_folder(tmp_path):
        assert (left.exists(), used.exists()) == (False, True)


def test_a_connection_that_is_not_given_back_fails_the_test_that_took_it(
    database: Database,
) -> None:
    held = database.engine.connect()
    with pytest.raises(AssertionError, match="1 connections were not given back"):
        let_go(database)
    held.detach()  # its pool is gone
    held.close()


def test_each_test_has_the_cast_alone_in_its_database(world: World, database: Database) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE thing (id integer)")
        connection.commit()
    let_go(database)
    world.renew()
    with database.engine.connect() as connection:
        assert not database.engine.dialect.has_table(connection, "thing")
        assert database.engine.dialect.has_table(connection, "freeze_request")

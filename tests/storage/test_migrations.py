"""The migrations make exactly the schema that the code was written for, step by step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from coordinator.domain.clock import SteppedClock
from coordinator.storage import schema, tables
from coordinator.storage.base import Base
from coordinator.storage.database import Database, open_database
from coordinator.storage.tables.documents import DocumentKeyRow
from coordinator.storage.tables.transparency_log import LogHeadRow
from tests import factories
from tests.conftest import BACKENDS, KEYS


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database in which nothing was ever made."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        yield opened
        opened.engine.dispose()
        return
    server = request.getfixturevalue("postgres")
    url = server.create_database()
    opened = open_database(url)
    yield opened
    opened.engine.dispose()
    server.drop_database(url)


def _revisions() -> list[str]:
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        # Both spell our column types in their own way; names, keys and indexes are compared.
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, Base.metadata))


def test_the_migrations_make_what_the_tables_declare(empty: Database) -> None:
    assert tables.__all__
    schema.upgrade(empty)
    assert _differences(empty) == []
    assert schema.current_revision(empty) == schema.newest_revision() == _revisions()[-1]


def test_migrating_twice_changes_nothing(empty: Database) -> None:
    schema.upgrade(empty)
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        heads = connection.execute(select(LogHeadRow.__table__)).all()
    assert [tuple(head)[:3] for head in heads] == [(1, 0, 0)]


def test_revisions_are_numbered_in_order() -> None:
    revisions = _revisions()
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_a_database_of_the_revision_before_comes_up_with_what_it_holds(empty: Database) -> None:
    previous = _revisions()[-2]
    schema.upgrade(empty, previous)
    assert schema.current_revision(empty) == previous
    key, wrapped = KEYS.vault.new_key()
    with empty.writing() as connection, connection.begin():
        values = {"id": key.id, "wrapped": wrapped, "at": 1}
        connection.execute(
            text("INSERT INTO document_key (id, wrapped, created_at) VALUES (:id, :wrapped, :at)"),
            values,
        )
        connection.execute(text("UPDATE log_head SET leaf_count = 7, event_seq = 5"))
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        stored = connection.execute(select(DocumentKeyRow.wrapped)).scalar_one()
        head = connection.execute(select(LogHeadRow.leaf_count, LogHeadRow.event_seq)).one()
    assert KEYS.vault.unwrap(key.id, bytes(stored)) == key
    assert tuple(head) == (7, 5)
    assert _differences(empty) == []
    exchange = factories.new_exchange("exchange-a.example")
    factories.admit(empty, KEYS.vault, SteppedClock(factories.NOON), exchange)


def test_a_failed_migration_leaves_the_database_as_it_was(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    previous = _revisions()[-2]
    schema.upgrade(empty, previous)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(HeadMaintainer, "update_to_step", fail)
    with pytest.raises(OSError, match="full"):
        schema.upgrade(empty)
    monkeypatch.undo()
    assert schema.current_revision(empty) == previous
    schema.upgrade(empty)
    assert _differences(empty) == []


def test_only_revisions_of_this_release_are_known() -> None:
    assert all(schema.is_known(revision) for revision in _revisions())
    assert not schema.is_known("9999")

"""The migrations make exactly the schema that the code was written for, step by step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    select,
    text,
)

from coordinator.domain.clock import SteppedClock, from_micros
from coordinator.storage import schema, tables
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.tables.documents import DocumentKeyRow
from coordinator.storage.tables.transparency_log import LogHeadRow
from coordinator.storage.tail import transparency_log as log_store
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.merkle_tree import leaf_hash
from tests import factories
from tests.conftest import BACKENDS, KEYS
from tests.naive_tree import naive_root


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
        _write_old_leaves(connection, range(7))
        connection.execute(text("UPDATE log_head SET event_seq = 5"))
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        stored = connection.execute(select(DocumentKeyRow.wrapped)).scalar_one()
        head = connection.execute(select(LogHeadRow.leaf_count, LogHeadRow.event_seq)).one()
    assert KEYS.vault.unwrap(key.id, bytes(stored)) == key
    assert tuple(head) == (7, 5)
    assert _differences(empty) == []
    exchange = factories.new_exchange("exchange-a.example")
    factories.admit(empty, KEYS.vault, SteppedClock(factories.NOON), exchange)


def _write_old_leaves(connection: Connection, indexes: range) -> None:
    """Append leaves as a release without a tree does."""
    insert = text(
        """INSERT INTO log_leaf ("index", leaf_id, type, at, commitment)
        VALUES (:index, :leaf_id, 'freeze.frozen', :at, :commitment)"""
    )
    for index in indexes:
        leaf = {"leaf_id": bytes([index]) * 16, "commitment": bytes([index]) * 32}
        connection.execute(insert, {"index": index, "at": 10**15 + index, **leaf})
    connection.execute(text(f"UPDATE log_head SET leaf_count = {indexes.stop}"))  # noqa: S608


def _old_hashes(indexes: range) -> list[bytes]:
    return [
        leaf_hash(
            LogEntry(
                bytes([index]) * 16,
                "freeze.frozen",
                from_micros(10**15 + index),
                bytes([index]) * 32,
            ).encode()
        )
        for index in indexes
    ]


def test_the_tree_of_leaves_from_before_is_computed(empty: Database) -> None:
    schema.upgrade(empty, "0006")
    with empty.writing() as connection, connection.begin():
        _write_old_leaves(connection, range(7))
    schema.upgrade(empty)
    # A process of the release before goes on beside the new ones.
    with empty.writing() as connection, connection.begin():
        head = log_store.lock(connection, events=0, revocations=0)
        assert head.frontier.root() == naive_root(_old_hashes(range(7)))
        _write_old_leaves(connection, range(7, 12))
    with empty.writing() as connection, connection.begin():
        head = log_store.lock(connection, events=0, revocations=0)
        frontier = log_store.caught_up(connection, head)
    assert frontier.root() == naive_root(_old_hashes(range(12)))
    with empty.engine.connect() as connection:
        stored = log_store.nodes(connection, frontier.nodes())
    assert stored == frontier.nodes()


def test_a_leaf_that_is_missing_stops_the_tree(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.writing() as connection, connection.begin():
        _write_old_leaves(connection, range(1, 3))
        head = log_store.lock(connection, events=0, revocations=0)
        with pytest.raises(AssertionError, match="leaf 0"):
            log_store.caught_up(connection, head)


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


def _anything(column: Column[Any]) -> Any:
    """Return some value of a column's type; ids are all one, so that they point to each other."""
    by_type = {Boolean: False, Integer: 2, Numeric: 2, LargeBinary: b"x", JSON: []}
    return next((v for kind, v in by_type.items() if isinstance(column.type, kind)), "x")


def test_what_was_stored_before_the_rules_of_the_house_is_real_and_says_nothing(
    empty: Database,
) -> None:
    schema.upgrade(empty, "0015")
    names = ("partner", "subject", "incident", "freeze_request", "leg", "alarm", "sealed_evidence")
    with empty.writing() as connection, connection.begin():
        before = MetaData()
        before.reflect(connection)
        pointed_to = [t for t in before.sorted_tables if t.name not in {"log_head", "write_probe"}]
        for table in pointed_to:
            if table.name != "alembic_version":
                values = {column.name: _anything(column) for column in table.c}
                connection.execute(table.insert().values(values))
    schema.upgrade(empty)
    assert _differences(empty) == []
    added: dict[str, dict[str, Any]] = {}
    with empty.engine.connect() as connection:
        for name in names:
            table = Base.metadata.tables[name]
            new = [c for c in table.c if c.name not in before.tables[name].c]
            [row] = connection.execute(select(*new)).all()
            added[name] = {key: v for key, v in row._mapping.items() if v is not None}
    said = {name: values for name, values in added.items() if values}
    assert said == {
        "incident": {"drill": False},
        "freeze_request": {"drill": False},
        "alarm": {"drill": False},
        "partner": {"freezes_on": "request", "named_in_statistics": False},
    }


def _refuses_old_code(before: MetaData, after: MetaData) -> set[str]:
    """Return where code written for one schema would fail on the other, read or write.

    Processes are upgraded one after the other: the old ones go on while the schema is new already.
    """
    found = set()
    for name, old in before.tables.items():
        new = after.tables.get(name)
        if new is None:
            found.add(f"{name} is gone")
            continue
        found |= {f"{name}.{column} is gone" for column in set(old.c.keys()) - set(new.c.keys())}
        for column in new.c:
            was = old.c.get(column.name)
            if was is None and not column.nullable and column.server_default is None:
                found.add(f"{name}.{column.name} is asked for and has no default")
            if was is not None and was.nullable and not column.nullable:
                found.add(f"{name}.{column.name} takes no null any more")
            if was is not None and str(was.type) != str(column.type):
                found.add(f"{name}.{column.name} has another type")
        found |= {f"{name} has a new rule {rule}" for rule in _rules(new) - _rules(old)}
    return found


def _rules(table: Table) -> set[str]:
    constraints = {c.name for c in table.constraints if not isinstance(c, PrimaryKeyConstraint)}
    return {str(rule) for rule in constraints | {i.name for i in table.indexes if i.unique}}


def _reflected(database: Database) -> MetaData:
    found = MetaData()
    found.reflect(database.engine)
    return found


def test_the_code_before_runs_on_every_new_schema(empty: Database) -> None:
    revisions = _revisions()
    schema.upgrade(empty, revisions[0])
    for revision in revisions[1:]:
        before = _reflected(empty)
        schema.upgrade(empty, revision)
        assert _refuses_old_code(before, _reflected(empty)) == set()


def _one_table(*columns: Column[Any]) -> MetaData:
    metadata = MetaData()
    Table("leg", metadata, Column("id", String(40), primary_key=True), *columns)
    return metadata


@pytest.mark.parametrize(
    ("after", "wrong"),
    [
        (MetaData(), "leg is gone"),
        (_one_table(), "leg.flags is gone"),
        (
            _one_table(Column("flags", String(9), nullable=False)),
            "leg.flags takes no null any more",
        ),
        (_one_table(Column("flags", Integer)), "leg.flags has another type"),
        (_one_table(Column("flags", String(9), unique=True)), "leg has a new rule "),
        (
            _one_table(Column("flags", String(9)), Column("ended", Integer, nullable=False)),
            "leg.ended is asked for and has no default",
        ),
    ],
)
def test_a_migration_that_stops_the_code_before_is_found(after: MetaData, wrong: str) -> None:
    before = _one_table(Column("flags", String(9)))
    [found] = _refuses_old_code(before, after)
    assert found.startswith(wrong)


def test_only_revisions_of_this_release_are_known() -> None:
    assert all(schema.is_known(revision) for revision in _revisions())
    assert not schema.is_known("9999")

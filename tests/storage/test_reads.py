"""Rows are snapshots: reading them disturbs nothing, and nothing is written through them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, event, inspect, select, update
from sqlalchemy.exc import MultipleResultsFound

from coordinator.storage.engine import driver
from coordinator.storage.engine.base import db
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.reads import fields_from, read, read_as, read_one
from coordinator.storage.tables.partners import PartnerRow
from tests.factories import Cast


class Named(NamedTuple):
    """A partner's name."""

    handle: str
    name: str


def _partner(cast: Cast) -> Any:
    return select(PartnerRow).where(PartnerRow.handle == cast.a.handle)


def _rename(connection: Connection, cast: Cast, name: str) -> None:
    connection.execute(
        update(PartnerRow).where(PartnerRow.handle == cast.a.handle).values(name=name)
    )


def _name(database: Database, cast: Cast) -> str:
    with database.engine.connect() as connection:
        found: PartnerRow | None = read_one(connection, _partner(cast))
    assert found is not None
    return found.name


@contextmanager
def _nothing_ends(database: Database) -> Iterator[None]:
    """Check that no transaction or savepoint begins or ends."""
    happened: list[str] = []

    def note(what: str) -> Any:
        return lambda *_args: happened.append(what)

    names = ("commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint")
    noted = {name: note(name) for name in names}
    for name, listener in noted.items():
        event.listen(database.engine, name, listener)
    try:
        yield
    finally:
        for name, listener in noted.items():
            event.remove(database.engine, name, listener)
    assert happened == []


def test_a_read_sees_what_the_transaction_wrote_and_does_not_end_it(
    database: Database, cast: Cast
) -> None:
    before = _name(database, cast)
    with database.transaction() as connection:
        _rename(connection, cast, "new name")
        with _nothing_ends(database):
            found = read_one(connection, _partner(cast))
        assert found is not None
        assert found.name == "new name"
        if not database.is_sqlite or "journal WAL" in database.description:
            assert _name(database, cast) == before
    assert _name(database, cast) == "new name"


def test_a_read_inside_a_savepoint_leaves_it_to_whoever_made_it(
    database: Database, cast: Cast
) -> None:
    with database.transaction() as connection:
        _rename(connection, cast, "kept")
        driver.execute(connection, "SAVEPOINT act")
        _rename(connection, cast, "undone")
        with _nothing_ends(database):
            inside = read_one(connection, _partner(cast))
        driver.execute(connection, "ROLLBACK TO SAVEPOINT act")
        after = read_one(connection, _partner(cast))
    assert inside is not None
    assert after is not None
    assert (inside.name, after.name) == ("undone", "kept")
    assert _name(database, cast) == "kept"


def test_a_read_waits_for_what_the_pipeline_was_sent_before(database: Database, cast: Cast) -> None:
    mark = "?" if database.is_sqlite else "%s"
    sql = f"UPDATE partner SET name = {mark} WHERE handle = {mark}"  # noqa: S608 - marks
    with database.transaction() as connection:
        sent = driver.execute(connection, sql, ("sent before", cast.a.handle))
        found = read_one(connection, _partner(cast))
        driver.execute(connection, sql, ("sent after", cast.a.handle))
        assert sent.changed() == 1
    assert found is not None
    assert found.name == "sent before"
    assert _name(database, cast) == "sent after"


def test_reads_of_one_connection_that_only_reads_share_what_core_would_share(
    database: Database, cast: Cast
) -> None:
    core = select(PartnerRow.name).where(PartnerRow.handle == cast.a.handle)
    with database.engine.connect() as reading, _nothing_ends(database):
        first = read_one(reading, _partner(cast))
        assert reading.in_transaction()
        by_core = reading.execute(core).scalar_one()
        second = read_one(reading, _partner(cast))
        assert first is not None
        assert second is not None
        assert first.name == by_core == second.name
    if database.is_sqlite and "journal WAL" not in database.description:
        return  # a reader holds up the writer there
    with database.engine.connect() as reading:
        first = read_one(reading, _partner(cast))
        assert first is not None
        before = first.name
        with database.transaction() as connection:
            _rename(connection, cast, "renamed meanwhile")
        again = read_one(reading, _partner(cast))
        assert again is not None
        # One state for all reads on SQLite; on PostgreSQL each statement sees what is committed.
        assert again.name == (before if database.is_sqlite else "renamed meanwhile")


def test_a_connection_goes_back_whole_after_a_read(database: Database, cast: Cast) -> None:
    for number in range(20):
        _name(database, cast)
        with database.transaction() as connection:
            read(connection, select(PartnerRow))
            _rename(connection, cast, f"name {number}")
    assert _name(database, cast) == "name 19"


def test_rows_are_snapshots_that_no_later_statement_changes(database: Database, cast: Cast) -> None:
    with database.transaction() as connection:
        before = read_one(connection, _partner(cast))
        assert before is not None
        assert inspect(before).detached
        name = before.name
        _rename(connection, cast, "written since")
        after = read_one(connection, _partner(cast))
    assert after is not None
    assert after is not before
    assert (before.name, after.name) == (name, "written since")


def test_several_rows_where_one_is_meant_are_refused(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(MultipleResultsFound):
        read_one(connection, select(PartnerRow))


def test_a_row_can_be_neither_changed_nor_made(database: Database, cast: Cast) -> None:
    with database.engine.connect() as connection:
        row = read_one(connection, _partner(cast))
    assert row is not None
    name = row.name
    for slip in (
        lambda: setattr(row, "name", "changed"),
        lambda: setattr(row, "naem", "changed"),
        lambda: delattr(row, "name"),
        PartnerRow,
    ):
        with pytest.raises(TypeError, match="rows are read"):
            slip()
    assert row.name == name
    assert not inspect(row).modified


def test_the_session_has_no_other_connection_than_the_one_it_is_given(database: Database) -> None:
    del database
    with pytest.raises(KeyError), db.session.session_factory() as session:
        session.scalars(select(PartnerRow))


def test_some_columns_are_read_into_the_row_declared_for_them(
    database: Database, cast: Cast
) -> None:
    query = select(*fields_from(Named, PartnerRow)).where(PartnerRow.handle == cast.a.handle)
    with database.engine.connect() as connection:
        [found] = read_as(connection, Named, query)
        assert (found.handle, isinstance(found, Named)) == (cast.a.handle, True)
        with pytest.raises(TypeError, match="Named has the fields"):
            read_as(connection, Named, select(PartnerRow.name, PartnerRow.handle))

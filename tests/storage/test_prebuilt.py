"""Prebuilt statements mean what the same statement of Core means, on both databases."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapper

from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import read
from coordinator.storage.tables.partners import PartnerKeyRow, PartnerRow, SubjectRow
from tests.factories import Cast


class Named(NamedTuple):
    """A partner's name."""

    handle: str
    name: str


def test_whole_rows_are_what_a_session_reads(database: Database, cast: Cast) -> None:
    query = select(SubjectRow).where(SubjectRow.partner == cast.a.handle).order_by(SubjectRow.id)
    statement = Prebuilt(
        select(SubjectRow).where(SubjectRow.partner == bindparam("handle")).order_by(SubjectRow.id)
    )
    with database.transaction() as connection:
        expected = read(connection, query)
        found = statement.rows(connection, handle=cast.a.handle)
    assert _values(SubjectRow.__mapper__, found) == _values(SubjectRow.__mapper__, expected)
    assert isinstance(found[0], SubjectRow)
    assert found[0].roles


def _values(mapper: Mapper[Any], rows: Sequence[Base]) -> list[list[Any]]:
    return [[getattr(row, each.key) for each in mapper.column_attrs] for row in rows]


_MAPPERS = sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)


@pytest.mark.parametrize("mapper", _MAPPERS, ids=lambda m: m.class_.__name__)
def test_the_columns_of_every_class_come_in_its_own_order(mapper: Mapper[Any]) -> None:
    whole = select(mapper.class_)
    Prebuilt(whole)  # or TypeError
    names = [column.key for column in whole.exported_columns]
    assert [f"{mapper.local_table}.{name}".replace('"', "") for name in names] == (
        str(whole).replace('"', "").partition("SELECT ")[2].partition(" \nFROM")[0].split(", ")
    )


def test_some_columns_are_read_into_the_row_declared_for_them(
    database: Database, cast: Cast
) -> None:
    columns = select(PartnerRow.handle, PartnerRow.name)
    statement = Prebuilt(columns.where(PartnerRow.handle == bindparam("handle")), Named)
    with database.transaction() as connection:
        found = statement.row(connection, handle=cast.a.handle)
    assert isinstance(found, Named)
    assert found.handle == cast.a.handle


@pytest.mark.parametrize(
    "columns",
    [
        (PartnerRow.name, PartnerRow.handle),
        (PartnerRow.handle,),
        (PartnerRow.handle, PartnerRow.name, PartnerRow.kind),
        (PartnerRow.handle, PartnerRow.kind),
    ],
)
def test_a_row_that_has_other_columns_is_refused_when_it_is_made(columns: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="Named has the fields"):
        Prebuilt(select(*columns), Named)


def test_several_columns_without_a_row_are_refused_when_it_is_made() -> None:
    undeclared: Any
    for undeclared in (
        select(PartnerRow.handle, PartnerRow.name),
        update(PartnerRow).values(name="x").returning(PartnerRow),
    ):
        with pytest.raises(TypeError, match="no row is declared"):
            Prebuilt(undeclared)


def test_a_parameter_may_stand_in_a_statement_twice(database: Database, cast: Cast) -> None:
    moment = bindparam("moment", type_=PartnerRow.__table__.c.joined_at.type)
    statement = Prebuilt(
        select(PartnerRow).where(PartnerRow.invited_at < moment, PartnerRow.joined_at < moment)
    )
    with database.transaction() as connection:
        found = statement.rows(connection, moment=datetime(2999, 1, 1, tzinfo=UTC))
    assert cast.a.handle in {row.handle for row in found}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_list_of_any_length_finds_each_once(database: Database, cast: Cast, count: int) -> None:
    handles = [exchange.handle for exchange in cast.all][:count]
    statement = Prebuilt(select(PartnerRow.handle), among=PartnerRow.handle)
    with database.transaction() as connection:
        found = statement.rows(connection, among=handles)
    assert sorted(found) == sorted(handles)


def test_a_change_tells_how_many_rows_it_changed(database: Database, cast: Cast) -> None:
    statement = Prebuilt(
        update(PartnerRow)
        .where(PartnerRow.handle == bindparam("handle_"))
        .values(name=bindparam("new_name"))
    )
    with database.transaction() as connection:
        assert statement.send(connection, handle_=cast.a.handle, new_name="x").changed() == 1
        assert statement.send(connection, handle_="nobody.example", new_name="x").changed() == 0


def test_a_change_returns_the_row_as_it_is_now(database: Database, cast: Cast) -> None:
    statement = Prebuilt(
        update(PartnerRow)
        .where(PartnerRow.handle == bindparam("handle_"))
        .values(name=bindparam("new_name"))
        .returning(PartnerRow),
        PartnerRow,
    )
    with database.transaction() as connection:
        changed = statement.row(connection, handle_=cast.a.handle, new_name="x")
    assert isinstance(changed, PartnerRow)
    assert (changed.handle, changed.name) == (cast.a.handle, "x")


def test_answers_may_be_taken_in_another_order_than_asked(database: Database, cast: Cast) -> None:
    keys = Prebuilt(select(func.count()).select_from(PartnerKeyRow))
    names = Prebuilt(select(PartnerRow.name).where(PartnerRow.handle == bindparam("handle")))
    with database.transaction() as connection:
        first = keys.send(connection)
        second = names.send(connection, handle=cast.b.handle)
        third = names.send(connection, handle="nobody.example")
        assert third.row() is None
        assert second.row()
        assert first.rows()[0] > 0


def test_a_list_that_core_would_expand_is_refused_when_it_is_built() -> None:
    listed = Prebuilt(select(PartnerRow.handle).where(PartnerRow.handle.in_(["a", "b"])))
    with pytest.raises(AssertionError, match="among"):
        listed.form(sqlite.dialect(), 0)

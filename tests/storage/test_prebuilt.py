"""Prebuilt statements mean what the same statement of Core means, on both databases."""

import pytest
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import sqlite

from coordinator.storage.database import Database
from coordinator.storage.prebuilt import Prebuilt
from coordinator.storage.tables.partners import PartnerKeyRow, PartnerRow, SubjectRow
from tests.factories import Cast

_SUBJECTS = select(SubjectRow.__table__).where(SubjectRow.partner == bindparam("handle"))


def test_rows_have_the_values_that_core_gives(database: Database, cast: Cast) -> None:
    query = _SUBJECTS.order_by(SubjectRow.id)
    with database.transaction() as connection:
        expected = connection.execute(query, {"handle": cast.a.handle}).all()
        found = Prebuilt(query).rows(connection, handle=cast.a.handle)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert found[0].roles == expected[0].roles
    assert found[0].created_at == expected[0].created_at


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_list_of_any_length_finds_each_once(database: Database, cast: Cast, count: int) -> None:
    handles = [exchange.handle for exchange in cast.all][:count]
    statement = Prebuilt(select(PartnerRow.handle), among=PartnerRow.handle)
    with database.transaction() as connection:
        found = statement.rows(connection, among=handles)
    assert sorted(row.handle for row in found) == sorted(handles)


def test_a_change_tells_how_many_rows_it_changed(database: Database, cast: Cast) -> None:
    statement = Prebuilt(
        update(PartnerRow)
        .where(PartnerRow.handle == bindparam("handle_"))
        .values(name=bindparam("new_name"))
    )
    with database.transaction() as connection:
        assert statement.send(connection, handle_=cast.a.handle, new_name="x").changed() == 1
        assert statement.send(connection, handle_="nobody.example", new_name="x").changed() == 0


def test_answers_may_be_taken_in_another_order_than_asked(database: Database, cast: Cast) -> None:
    keys = Prebuilt(select(func.count().label("many")).select_from(PartnerKeyRow))
    names = Prebuilt(select(PartnerRow.name).where(PartnerRow.handle == bindparam("handle")))
    with database.transaction() as connection:
        first = keys.send(connection)
        second = names.send(connection, handle=cast.b.handle)
        third = names.send(connection, handle="nobody.example")
        assert third.row() is None
        assert second.row().name
        assert first.row().many > 0


def test_a_list_that_core_would_expand_is_refused_when_it_is_built() -> None:
    listed = Prebuilt(select(PartnerRow.handle).where(PartnerRow.handle.in_(["a", "b"])))
    with pytest.raises(AssertionError, match="among"):
        listed.form(sqlite.dialect(), 0)

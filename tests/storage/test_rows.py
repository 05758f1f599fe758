"""Many rows at once: the same values come back, on both databases and however many there are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    select,
)
from sqlalchemy.exc import DBAPIError

from coordinator.storage.engine.base import Base, BaseUnits, UtcTime
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.rows import FEWEST_AT_ONCE, insert_rows, update_rows

_NOW = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
#: What stands between elements, quotes and escapes in an array's text, and what looks like one.
_HOSTILE = (
    "",
    " ",
    "NULL",
    "null",
    "{}",
    "{a,b}",
    ",",
    '"',
    '","',
    "\\",
    '\\"',
    "\\x41",
    "'",
    "%s",
)
_TABLE = Table(
    "sample",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("word", String(40)),
    Column("units", BaseUnits()),
    Column("at", UtcTime()),
    Column("holds", Boolean),
    Column("large", BigInteger),
    Column("raw", LargeBinary),
)
_NAMES = tuple(_TABLE.columns.keys())
_ROW = cast("type[Base]", SimpleNamespace(__table__=_TABLE))
_MANY = FEWEST_AT_ONCE


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A writing transaction outside of any pipeline, so that a fault shows where it is made."""
    with database.writing() as opened, opened.begin():
        yield opened


def _insert(connection: Connection, rows: list[tuple[Any, ...]]) -> int:
    return insert_rows(connection, _ROW, _NAMES, rows)


def _stored(connection: Connection) -> list[tuple[Any, ...]]:
    found = connection.execute(select(_TABLE).order_by(_TABLE.c.id)).all()
    return [tuple(row) for row in found]


@pytest.mark.parametrize("count", [1, _MANY - 1, 3 * _MANY])
def test_what_was_inserted_is_what_is_read(connection: Connection, count: int) -> None:
    _TABLE.create(connection)
    rows = [
        (
            number,
            _HOSTILE[number % len(_HOSTILE)],
            2**256 - 1 - number,
            _NOW + timedelta(microseconds=number),
            number % 2 == 0,
            2**62 + number,
            bytes([number, 0, 255, 92, 34]),
        )
        for number in range(count)
    ]
    assert _insert(connection, rows) == count
    assert _stored(connection) == rows


def test_a_column_that_is_the_same_throughout_is_stored_so(connection: Connection) -> None:
    _TABLE.create(connection)
    for word in (None, *_HOSTILE):
        for count in (1, 2, _MANY):
            raw = None if word is None else word.encode()
            rows = [(number, word, 7, _NOW, False, 0, raw) for number in range(count)]
            _insert(connection, rows)
            assert _stored(connection) == rows
            connection.execute(_TABLE.delete())


@pytest.mark.parametrize("count", [2, _MANY])
def test_nothing_stands_beside_something_in_every_kind_of_column(
    connection: Connection, count: int
) -> None:
    _TABLE.create(connection)
    full: tuple[Any, ...] = ("NULL", 5, _NOW, True, 3, b"\x00")
    rows = [(number, *(full if number % 2 else (None,) * len(full))) for number in range(count)]
    _insert(connection, rows)
    assert _stored(connection) == rows


@pytest.mark.parametrize("count", [1, _MANY])
def test_one_row_that_does_not_fit_stores_none(connection: Connection, count: int) -> None:
    _TABLE.create(connection)
    rows = [(number, "a", 1, _NOW, True, 0, b"") for number in range(count)]
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        _insert(connection, [*rows, rows[0]])
    assert "2026" not in str(caught.value)  # values stay out of messages
    savepoint.rollback()
    assert _stored(connection) == []


def test_text_beyond_its_column_is_refused_and_not_cut(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        pytest.skip("SQLite bounds no text")
    _TABLE.create(connection)
    rows = [(number, "a" * 41, 1, _NOW, True, 0, b"") for number in range(_MANY)]
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError):
        _insert(connection, rows)
    savepoint.rollback()
    assert _stored(connection) == []


@pytest.mark.parametrize("count", [1, 2 * _MANY])
def test_rows_that_are_there_already_can_be_passed_over(connection: Connection, count: int) -> None:
    _TABLE.create(connection)
    rows = [(number, f"w{number}", 1, _NOW, True, 0, b"") for number in range(count)]
    _insert(connection, rows[:1])
    again = insert_rows(connection, _ROW, _NAMES, rows, ignore_conflicts=True)
    assert again == count - 1
    assert _stored(connection) == rows


def test_a_type_that_has_no_array_goes_row_by_row(connection: Connection) -> None:
    table = Table("odd", MetaData(), Column("id", Integer), Column("flags", JSON))
    table.create(connection)
    rows = [(number, ["a", "b"]) for number in range(2 * _MANY)]
    insert_rows(
        connection, cast("type[Base]", SimpleNamespace(__table__=table)), ("id", "flags"), rows
    )
    found = connection.execute(select(table).order_by(table.c.id)).all()
    assert [tuple(row) for row in found] == rows


@pytest.mark.parametrize("count", [1, 3 * _MANY])
def test_many_rows_without_bytes_go_in_one_statement(connection: Connection, count: int) -> None:
    _TABLE.create(connection)
    names = _NAMES[:-1]
    rows: list[tuple[Any, ...]] = [
        (
            number,
            _HOSTILE[number % len(_HOSTILE)] if number % 5 else None,
            2**256 - 1 - number if number % 7 else None,
            _NOW + timedelta(microseconds=number),
            number % 2 == 0,
            2**62 + number,
        )
        for number in range(count)
    ]
    sent: list[str] = []
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(sent.append)
    assert insert_rows(connection, _ROW, names, rows) == count
    assert len(sent) <= 1
    assert _stored(connection) == [(*row, None) for row in rows]
    again = insert_rows(
        connection, _ROW, names, [*rows, (count, *rows[0][1:])], ignore_conflicts=True
    )
    assert again == 1


@pytest.mark.parametrize("count", [0, 1, _MANY - 1, 3 * _MANY])
def test_only_what_was_named_is_written_of_the_rows_that_were_named(
    connection: Connection, count: int
) -> None:
    _TABLE.create(connection)
    rows = [
        (n, _HOSTILE[n % len(_HOSTILE)], 10**30 + n, _NOW, bool(n % 2), n, b"\\x")
        for n in range(count + 5)
    ]
    _insert(connection, rows)
    later = _NOW + timedelta(days=1)
    changes = [
        (n, n, None if n % 3 else _HOSTILE[-1 - n % len(_HOSTILE)], later) for n in range(count)
    ]
    # One that is looked for by another value of its second key, and so is not there.
    changes.append((count, -1, "not found", later))
    update_rows(connection, _ROW, ("id", "large"), ("word", "at"), changes)
    wanted = [
        (n, word, units, later, holds, large, raw)
        for (n, _, units, _, holds, large, raw), (_, _, word, _) in zip(
            rows[:count], changes[:count], strict=True
        )
    ]
    assert _stored(connection) == wanted + rows[count:]

"""Inserting many rows at driver speed.

The ORM's flush costs ten times a prepared statement (measured, see the engine notes), so the paths
that submit and report write through `insert_rows`: the statement is compiled once per table, set of
columns and dialect, and the column types' own converters are applied. On PostgreSQL several rows go
in one statement, many as one array a column; on SQLite many go as one JSON document.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect

from coordinator.storage.engine import driver
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.columns import (
    Converter,
    array,
    array_insert,
    array_update,
    columns_of,
    converted,
    converter,
    document_insert,
)

B = TypeVar("B", bound=Base)
#: From so many rows on one statement for all is worth its spelling.
FEWEST_AT_ONCE = 16
#: What skips rows that break a unique constraint.
DO_NOTHING = "ON CONFLICT DO NOTHING"


@lru_cache(maxsize=512)
def _statement(
    table: Table, columns: tuple[str, ...], dialect: Dialect, *, conflict: str, rows: int
) -> tuple[str, tuple[Converter | None, ...]]:
    quoted = ", ".join(dialect.identifier_preparer.format_column(table.c[n]) for n in columns)
    marks = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(columns))
    into = dialect.identifier_preparer.format_table(table)
    places = ", ".join([f"({marks})"] * rows)
    sql = f"INSERT INTO {into} ({quoted}) VALUES {places}"  # noqa: S608 - our own names
    if conflict:
        sql += f" {conflict}"
    return sql, tuple(converter(table.c[name].type, dialect) for name in columns)


def _ready(
    table: Table,
    names: tuple[str, ...],
    dialect: Dialect,
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str,
) -> tuple[str, list[tuple[Any, ...]]]:
    """Return the statement and what it is run with: one set of values, where many rows can be."""
    values = columns_of(rows)
    if len(rows) >= FEWEST_AT_ONCE and dialect.name == "postgresql":
        found = array_insert(table, names, dialect)
        if found is not None:
            sql, spells = found
            sql += f" {conflict}" if conflict else ""
            return sql, [tuple(array(v, spell) for v, spell in zip(values, spells, strict=True))]
    together = len(rows) if len(rows) < FEWEST_AT_ONCE and dialect.name == "postgresql" else 1
    sql, converters = _statement(table, names, dialect, conflict=conflict, rows=together)
    ready = [
        v if convert is None else converted(v, convert)
        for v, convert in zip(values, converters, strict=True)
    ]
    if len(rows) >= FEWEST_AT_ONCE and dialect.name == "sqlite":
        whole = document_insert(table, names, dialect, ready)
        if whole is not None:
            return whole[0] + (f" {conflict}" if conflict else ""), [whole[1]]
    each = list(zip(*ready, strict=True))
    return sql, each if together == 1 else [tuple(chain.from_iterable(each))]


def new_row(row_type: type[B], values: Mapping[str, object]) -> B:
    """Return a row that is about to be inserted; columns without a value are None.

    Raises:
        TypeError: If a value is of no column.
    """
    mapper = row_type.__mapper__
    unknown = values.keys() - mapper.columns.keys()
    if unknown:
        raise TypeError(f"{row_type.__name__} has no {', '.join(sorted(unknown))}")
    row: B = mapper.class_manager.new_instance()
    row.__dict__.update(dict.fromkeys(mapper.columns.keys()), **values)
    return row


def insert_rows(
    connection: Connection,
    row_type: type[Base],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    *,
    ignore_conflicts: bool = False,
) -> int:
    """Insert `rows`, each a sequence in the order of `columns`.

    Args:
        connection: Inside the writing transaction.
        row_type: The table's row class.
        columns: Column names, in the table's own order; others have a database default or are null.
        rows: Python values as the column types take them.
        ignore_conflicts: Skip rows that break a unique constraint.

    Returns:
        How many rows were inserted.
    """
    if not rows:
        return 0
    conflict = DO_NOTHING if ignore_conflicts else ""
    sent = send_rows(connection, row_type, columns, rows, conflict=conflict)
    # Without conflicts to ignore, all are inserted or it raises: nothing to wait for.
    return sent.changed() if ignore_conflicts else len(rows)


def send_rows(
    connection: Connection,
    row_type: type[Base],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str = "",
) -> driver.PendingResult:
    """Insert at least one row as `insert_rows` does; how many it was, is asked later.

    `conflict` is the ON CONFLICT clause, where there is to be one.
    """
    table: Table = row_type.__table__  # type: ignore[assignment]  # always a Table here
    dialect = connection.dialect
    sql, values = _ready(table, columns, dialect, rows, conflict=conflict)
    if len(values) == 1:
        return driver.execute(connection, sql, values[0])
    return driver.execute_many(connection, sql, values)


def update_rows(
    connection: Connection,
    row_type: type[Base],
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Write `columns` of those rows that have `keys`.

    Args:
        connection: Inside the writing transaction.
        row_type: The table's row class.
        keys: Columns that find a row.
        columns: Columns that are written.
        rows: Python values: of `keys`, then of `columns`.
    """
    if not rows:
        return
    table: Table = row_type.__table__  # type: ignore[assignment]  # always a Table here
    dialect = connection.dialect
    values = columns_of(rows)
    if len(rows) >= FEWEST_AT_ONCE and dialect.name == "postgresql":
        found = array_update(table, keys, columns, dialect)
        if found is not None:
            sql, spells = found
            arrays = [array(v, spell) for v, spell in zip(values, spells, strict=True)]
            driver.execute(connection, sql, arrays)
            return
    sql, converters = _update(table, keys, columns, dialect)
    ready = [
        v if convert is None else converted(v, convert)
        for v, convert in zip(values, converters, strict=True)
    ]
    # As they stand in the statement: what is written, then what finds the row.
    ready = ready[len(keys) :] + ready[: len(keys)]
    driver.execute_many(connection, sql, list(zip(*ready, strict=True)))


@lru_cache(maxsize=64)
def _update(
    table: Table, keys: tuple[str, ...], columns: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[Converter | None, ...]]:
    preparer = dialect.identifier_preparer
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    written = ", ".join(f"{preparer.format_column(table.c[n])} = {mark}" for n in columns)
    found = " AND ".join(f"{preparer.format_column(table.c[n])} = {mark}" for n in keys)
    sql = f"UPDATE {preparer.format_table(table)} SET {written} WHERE {found}"  # noqa: S608 - our own names
    return sql, tuple(converter(table.c[n].type, dialect) for n in keys + columns)


def mapping_rows(
    rows: Sequence[Mapping[str, object]], columns: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Return `rows` as sequences in the order of `columns`."""
    return [tuple(row[name] for name in columns) for row in rows]

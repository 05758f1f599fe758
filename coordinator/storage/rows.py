"""Inserting many rows at driver speed.

The ORM's flush costs ten times a prepared statement (measured, see the engine notes), so the paths
that submit and report write through `insert_rows`: the statement is compiled once per table, set of
columns and dialect, and the column types' own converters are applied.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from coordinator.storage.base import Base

_Converter = Callable[[Any], Any]


@lru_cache(maxsize=512)
def _statement(
    table: Table, columns: tuple[str, ...], dialect: Dialect, *, ignore: bool
) -> tuple[str, tuple[_Converter | None, ...]]:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    order = compiled.positiontup or list(columns)
    sql = str(compiled)
    if dialect.paramstyle in {"pyformat", "format"}:
        names = list(columns)
        quoted = ", ".join(dialect.identifier_preparer.format_column(table.c[n]) for n in names)
        marks = ", ".join(["%s"] * len(names))
        into = dialect.identifier_preparer.format_table(table)
        sql = f"INSERT INTO {into} ({quoted}) VALUES ({marks})"  # noqa: S608 - our own names
        order = names
    if ignore:
        sql += " ON CONFLICT DO NOTHING"
    if tuple(order) != columns:
        raise AssertionError("column order changed while compiling")
    converters = tuple(
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order
    )
    return sql, converters


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
    table: Table = row_type.__table__  # type: ignore[assignment]  # always a Table here
    dialect = connection.dialect
    sql, converters = _statement(table, columns, dialect, ignore=ignore_conflicts)
    active = [(i, c) for i, c in enumerate(converters) if c is not None]
    if active:
        values = []
        for row in rows:
            converted = list(row)
            for i, convert in active:
                converted[i] = convert(converted[i])
            values.append(tuple(converted))
    else:
        values = [tuple(row) for row in rows]
    return _run(connection, sql, values)


def _run(connection: Connection, sql: str, values: Sequence[tuple[Any, ...]]) -> int:
    """Run a statement on the driver's own cursor, which costs half of what a result object does.

    The transaction is the connection's: it has begun, and ends, through SQLAlchemy.
    """
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        if len(values) == 1:
            cursor.execute(sql, values[0])
        else:
            cursor.executemany(sql, values)
        changed: int = cursor.rowcount
    except driver.Error as error:
        # As SQLAlchemy wraps it, but without the values: they may be what a person wrote.
        raise DBAPIError.instance(
            sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    finally:
        cursor.close()
    return changed


def mapping_rows(
    rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Return `rows` as sequences in the order of `columns`."""
    return [tuple(row[name] for name in columns) for row in rows]

"""Whole rows, read once: detached snapshots of the mapped classes (ADR 0024).

They are read through Flask-SQLAlchemy's session on the connection of the caller, and the session is
closed at once. So no identity map can go stale behind a statement of Core, and no attribute asks
the database again. What every command reads is `Prebuilt` instead, at a tenth of the price.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.sql.selectable import ExecutableReturnsRows, TypedReturnsRows

from coordinator.storage.engine.base import Base, db

R = TypeVar("R")
N = TypeVar("N", bound=NamedTuple)


def read(connection: Connection, query: TypedReturnsRows[R]) -> list[R]:
    """Return what a query of one mapped class finds."""
    if not connection.in_transaction():
        # As a statement of Core would; else the session would end what it had to begin itself, and
        # the next read would see another state of SQLite.
        connection.begin()
    with db.session.session_factory(info={"connection": connection}) as session:
        return list(session.scalars(query))


def read_one(connection: Connection, query: TypedReturnsRows[R]) -> R | None:
    """Return the one row that a query of one mapped class finds, or None.

    Raises:
        MultipleResultsFound: If there are several.
    """
    rows = read(connection, query)
    if len(rows) > 1:
        raise MultipleResultsFound("one row was expected")
    return rows[0] if rows else None


def read_as(connection: Connection, row: type[N], query: ExecutableReturnsRows) -> list[N]:
    """Return what a query of some columns finds, as a NamedTuple declared beside it.

    Args:
        connection: Any.
        row: Its fields are the query's columns, in that order.
        query: Any.

    Raises:
        TypeError: If the columns are others.
    """
    result = connection.execute(query)
    require_columns(row.__name__, row._fields, result.keys())
    return [row._make(values) for values in result]


def require_columns(row: str, fields: Iterable[str], columns: Iterable[str]) -> None:
    """Refuse to read columns into a row that has other fields, or has them in another order.

    Raises:
        TypeError: If so.
    """
    expected, found = tuple(fields), tuple(columns)
    if expected != found:
        raise TypeError(f"{row} has the fields {expected}, the statement the columns {found}")


def fields_from(row: type[NamedTuple], source: type[Base]) -> list[ColumnElement[Any]]:
    """Return those fields of a row that a table has a column for, to be selected."""
    columns = source.__table__.c
    return [columns[name] for name in row._fields if name in columns]

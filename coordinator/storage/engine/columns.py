"""Many rows as columns: converted column by column, and sent in one statement.

A report brings thousands of rows whose times, states and zeros are all the same: such a column is
converted once. PostgreSQL takes an `INSERT … SELECT … FROM unnest(…)` of arrays in a quarter of the
time that as many single inserts take, and unlike COPY it may stand in a pipeline. SQLite takes the
rows as one JSON document: it then asks for the interpreter's lock once, and not once a row, each
time behind every other thread, while all other writers wait.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, String, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from coordinator.domain.clock import to_micros
from coordinator.storage.engine.base import BaseUnits, UtcTime

Converter = Callable[[Any], Any]
Column = Sequence[Any]
#: Never signed or hashed, and with 64-bit integers: no matter of canonical JSON.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def columns_of(rows: Sequence[Sequence[Any]]) -> list[Column]:
    """Return at least one row's values by column.

    `zip(*rows)` would make an iterator of every row, and have the collector look at all of them.
    """
    if len(widths := set(map(len, rows))) > 1:
        raise ValueError(f"rows have {sorted(widths)} values, and it takes as many of each")
    return [list(map(itemgetter(place), rows)) for place in range(len(rows[0]))]


def converter(column_type: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    """Return what makes the driver's values of Python's; None where they are the same."""
    if isinstance(column_type, Boolean):
        return None  # both drivers take bool
    if isinstance(column_type, UtcTime | BaseUnits):
        return partial(column_type.process_bind_param, dialect=dialect)
    processor: Converter | None = column_type.dialect_impl(dialect).bind_processor(dialect)
    return processor


def converted(values: Column, convert: Converter) -> Column:
    """Return a column's values, each converted; once, where all are the same."""
    if _is_constant(values):
        return [convert(values[0])] * len(values)
    return [convert(value) for value in values]


def _is_constant(values: Column) -> bool:
    first = values[0]
    return not isinstance(first, list | dict) and values.count(first) == len(values)


@lru_cache(maxsize=512)
def array_insert(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[Converter, ...]] | None:
    """Return the statement that inserts arrays, and what spells each; None where a type has none.

    Args:
        table: Where the rows go.
        names: Its columns, in the order of the arrays.
        dialect: PostgreSQL's.
    """
    kinds = [_kind(table.c[name].type) for name in names]
    known = [kind for kind in kinds if kind is not None]
    if len(known) != len(kinds):
        return None
    preparer = dialect.identifier_preparer
    quoted = ", ".join(preparer.format_column(table.c[name]) for name in names)
    # Without a length: text that is too long for its column is refused when it is assigned.
    arrays = ", ".join(f"%s::{name}[]" for name, _ in known)
    into = preparer.format_table(table)
    sql = f"INSERT INTO {into} ({quoted}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names
    return sql, tuple(spell for _, spell in known)


def document_insert(
    table: Table, names: tuple[str, ...], dialect: Dialect, columns: Sequence[Column]
) -> tuple[str, tuple[Any, ...]] | None:
    """Return the statement that inserts a JSON document, and what it is run with.

    None where a column holds bytes, which JSON cannot.

    Args:
        table: Where the rows go.
        names: Its columns.
        dialect: SQLite's.
        columns: Their values, converted.
    """
    constant: list[Any] = []
    varying: list[Column] = []
    places: list[str] = []
    for name, values in zip(names, columns, strict=True):
        if _is_constant(values):
            constant.append(values[0])
            places.append("?")
        elif isinstance(table.c[name].type, LargeBinary):
            return None
        else:
            places.append(f"json_extract(value, '$[{len(varying)}]')")
            varying.append(values)
    preparer = dialect.identifier_preparer
    quoted = ", ".join(preparer.format_column(table.c[name]) for name in names)
    into = preparer.format_table(table)
    # Without a condition SQLite would read what may follow, ON CONFLICT, as that of a join.
    sql = f"INSERT INTO {into} ({quoted}) SELECT {', '.join(places)} FROM json_each(?) WHERE true"  # noqa: S608 - our own names
    rows = list(zip(*varying, strict=True)) or [()] * len(columns[0])
    return sql, (*constant, _JSON.encode(rows))


@lru_cache(maxsize=64)
def array_update(
    table: Table, keys: tuple[str, ...], columns: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[Converter, ...]] | None:
    """Return the statement that writes arrays, and what spells each; None where a type has none.

    Args:
        table: Whose rows are changed.
        keys: Columns that find a row; their arrays come first.
        columns: Columns that are written.
        dialect: PostgreSQL's.
    """
    names = keys + columns
    kinds = [_kind(table.c[name].type) for name in names]
    known = [kind for kind in kinds if kind is not None]
    if len(known) != len(kinds):
        return None
    preparer = dialect.identifier_preparer
    into = preparer.format_table(table)
    quoted = {name: preparer.format_column(table.c[name]) for name in names}
    arrays = ", ".join(f"%s::{kind}[]" for kind, _ in known)
    written = ", ".join(f"{quoted[name]} = given.{quoted[name]}" for name in columns)
    found = " AND ".join(f"{into}.{quoted[name]} = given.{quoted[name]}" for name in keys)
    given = ", ".join(quoted.values())
    sql = f"UPDATE {into} SET {written} FROM unnest({arrays}) AS given ({given}) WHERE {found}"  # noqa: S608 - our own names
    return sql, tuple(spell for _, spell in known)


def array(values: Column, spell: Converter) -> str:
    """Return a column as PostgreSQL's array text."""
    if _is_constant(values):
        return "{" + ",".join([_spelled(values[0], spell)] * len(values)) + "}"
    if spell is _quoted and None not in values:
        plain = '","'.join(values)
        if "\\" not in plain and plain.count('"') == 2 * (len(values) - 1):
            return '{"' + plain + '"}'
    return "{" + ",".join([_spelled(value, spell) for value in values]) + "}"


def text_array(values: Column) -> str:
    """Return texts, or None, as PostgreSQL's array text; a driver's own way costs several times."""
    return array(values, _quoted) if values else "{}"


def plain_array(values: Column) -> str:
    """Return numbers or truth values, or None, as PostgreSQL's array text."""
    return array(values, str) if values else "{}"


def _spelled(value: Any, spell: Converter) -> str:
    return "NULL" if value is None else str(spell(value))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _hex(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


#: How the elements of an array are typed and spelled, by column type; more special types first.
_KINDS: tuple[tuple[type[TypeEngine[Any]], str, Converter], ...] = (
    (UtcTime, "bigint", to_micros),
    (BaseUnits, "numeric", str),
    (Boolean, "boolean", str),
    (BigInteger, "bigint", str),
    (Integer, "integer", str),
    (LargeBinary, "bytea", _hex),
    (String, "text", _quoted),
)


def _kind(column_type: TypeEngine[Any]) -> tuple[str, Converter] | None:
    for known, name, spell in _KINDS:
        if isinstance(column_type, known):
            return name, spell
    return None

"""Statements that are compiled once and run on the driver's cursor: those of every command.

SQLAlchemy's Core spends more on finding the compiled form of a small statement and on its result
object than the database spends on running it. A `Prebuilt` is written in Core like any other, so
names and types stay those of the tables; it is compiled once per dialect, and the column types' own
converters are applied.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from coordinator.storage import driver

_Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One dialect's form.

    Attributes:
        names: Parameters in order, with their converters.
        constants: Values that the statement itself brings along.
        places: Whether the driver takes parameters by place, else by name.
        results: Converters of result columns, by place.
        make: Makes a row of a sequence.
    """

    sql: str
    names: tuple[tuple[str, _Converter | None], ...]
    constants: Mapping[str, Any]
    places: bool
    results: tuple[tuple[int, _Converter], ...]
    make: Callable[[Any], Any]

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver takes them."""
        found = {
            name: values[name] if name in values else self.constants[name] for name, _ in self.names
        }
        for name, convert in self.names:
            if convert is not None:
                found[name] = convert(found[name])
        return [found[name] for name, _ in self.names] if self.places else found

    def row(self, values: Sequence[Any]) -> Any:
        """Return a named tuple with Python values."""
        if not self.results:
            return self.make(values)
        converted = list(values)
        for place, convert in self.results:
            converted[place] = convert(converted[place])
        return self.make(converted)


class Asked:
    """A query that was sent; on PostgreSQL its answer may still be on its way."""

    __slots__ = ("_compiled", "_sent")

    def __init__(self, compiled: _Compiled, sent: driver.Sent) -> None:
        self._compiled, self._sent = compiled, sent

    def rows(self) -> list[Any]:
        """Return the rows as named tuples, waiting for them if need be.

        Raises:
            DBAPIError: If this statement, or one sent before it, failed.
        """
        return [self._compiled.row(values) for values in self._sent.rows()]

    def row(self) -> Any:
        """Return the one row, or None where there is none; raises as `rows` does."""
        rows = self.rows()
        return rows[0] if rows else None

    def changed(self) -> int:
        """Return how many rows were changed, having waited; raises as `rows` does."""
        return self._sent.changed()


class Prebuilt:
    """One statement of Core, ready to run.

    Args:
        statement: With `bindparam`s for what changes from call to call.
        among: A column that is one of a list, which `send` takes by this very name. The list is
            filled up with its own last item to a power of two, so that the statement has few forms.
    """

    def __init__(self, statement: Executable, *, among: Any = None) -> None:
        self._statement: Any = statement
        self._among = among
        self._compiled: dict[tuple[Dialect, int], _Compiled] = {}

    def send(self, connection: Connection, *, among: Sequence[Any] = (), **values: Any) -> Asked:
        """Run it; inside `driver.pipelined` without waiting for the answer.

        Args:
            connection: Inside the transaction.
            among: The list, not empty, for a statement that was made with one.
            values: The parameters.
        """
        size = 0
        if self._among is not None:
            items = _filled_up(among)
            size = len(items)
            values |= {_item(n): item for n, item in enumerate(items)}
        compiled = self.form(connection.dialect, size)
        return Asked(compiled, driver.execute(connection, compiled.sql, compiled.bound(values)))

    def send_all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of `rows` as `send` does; for statements that answer nothing."""
        compiled = self.form(connection.dialect, 0)
        if len(rows) == 1:
            driver.execute(connection, compiled.sql, compiled.bound(rows[0]))
        elif rows:
            driver.execute_many(connection, compiled.sql, [compiled.bound(row) for row in rows])

    def rows(
        self, connection: Connection, *, among: Sequence[Any] = (), **values: Any
    ) -> list[Any]:
        """Run it and return all rows, as named tuples."""
        return self.send(connection, among=among, **values).rows()

    def row(self, connection: Connection, **values: Any) -> Any:
        """Run it and return the one row, or None where there is none."""
        return self.send(connection, **values).row()

    def form(self, dialect: Dialect, size: int) -> _Compiled:
        """Return the compiled form, with a list of `size`; made where it is missing."""
        found = self._compiled.get((dialect, size))
        if found is None:
            found = self._compiled[dialect, size] = self._compile(dialect, size)
        return found

    def _compile(self, dialect: Dialect, size: int) -> _Compiled:
        statement = self._statement
        if self._among is not None:
            kind = self._among.type
            items = [bindparam(_item(n), type_=kind) for n in range(size)]
            statement = statement.where(self._among.in_(items))
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        if "POSTCOMPILE" in compiled.string:
            raise AssertionError("a list of values is given with `among`")
        places = dialect.positional
        names = list((compiled.positiontup if places else compiled.params) or ())
        columns = list(getattr(statement, "exported_columns", ()))
        row_type: Any = namedtuple("Row", [c.key for c in columns])  # type: ignore[misc]  # noqa: PYI024 - made at run time
        results = ((n, _result_converter(c.type, dialect)) for n, c in enumerate(columns))
        return _Compiled(
            sql=compiled.string,
            names=tuple((n, _bind_converter(compiled.binds[n].type, dialect)) for n in names),
            constants={n: v for n, v in compiled.params.items() if v is not None},
            places=places,
            results=tuple((n, convert) for n, convert in results if convert is not None),
            make=row_type._make,
        )


def _bind_converter(kind: Any, dialect: Dialect) -> _Converter | None:
    found: _Converter | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _result_converter(kind: Any, dialect: Dialect) -> _Converter | None:
    found: _Converter | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return found


def _item(number: int) -> str:
    return f"item_{number}"


def _filled_up(items: Sequence[Any]) -> list[Any]:
    found = list(items)
    size = 1
    while size < len(found):
        size *= 2
    return found + [found[-1]] * (size - len(found))

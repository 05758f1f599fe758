"""Statements that are compiled once and run on the driver's cursor: those of every command.

SQLAlchemy's Core spends more on finding the compiled form of a small statement and on its result
object than the database spends on running it. A `Prebuilt` is written in Core like any other, so
names and types stay those of the tables; it is compiled once per dialect, and the column types' own
converters are applied.

What a statement answers has a type (ADR 0024): the mapped class that it selects, the value of its
only column, or a NamedTuple declared beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Never, TypeVar, overload

from sqlalchemy import CompoundSelect, Connection, UpdateBase, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ExecutableReturnsRows, TypedReturnsRows

from coordinator.storage.engine import driver
from coordinator.storage.engine.base import Base, BaseUnits, UtcTime
from coordinator.storage.engine.reads import require_columns

R = TypeVar("R")
_Converter = Callable[[Any], Any]
_Make = Callable[[Sequence[Any]], R]


@dataclass(frozen=True, slots=True)
class _Compiled(Generic[R]):
    """One dialect's form.

    Attributes:
        names: Parameters in order; one may come several times.
        converters: Of parameters that have one.
        constants: Values that the statement itself brings along.
        places: Whether the driver takes parameters by place, else by name.
        results: Converters of result columns, by place.
        make: Makes a row of a sequence.
    """

    sql: str
    names: tuple[str, ...]
    converters: Mapping[str, _Converter]
    constants: Mapping[str, object]
    places: bool
    results: tuple[tuple[int, _Converter], ...]
    make: _Make[R]

    def bound(self, values: Mapping[str, object]) -> Any:
        """Return the parameters as the driver takes them."""
        found = {
            name: values[name] if name in values else self.constants[name] for name in self.names
        }
        for name, convert in self.converters.items():
            found[name] = convert(found[name])
        return [found[name] for name in self.names] if self.places else found

    def row(self, values: Sequence[Any]) -> R:
        """Return a row with Python values."""
        if not self.results:
            return self.make(values)
        converted = list(values)
        for place, convert in self.results:
            converted[place] = convert(converted[place])
        return self.make(converted)


class Pending(Generic[R]):
    """A statement that was sent; on PostgreSQL its answer may still be on its way."""

    __slots__ = ("_compiled", "_result")

    def __init__(self, compiled: _Compiled[R], result: driver.PendingResult) -> None:
        self._compiled, self._result = compiled, result

    def rows(self) -> list[R]:
        """Return the rows, waiting for them if need be.

        Raises:
            DBAPIError: If this statement, or one sent before it, failed.
        """
        return [self._compiled.row(values) for values in self._result.rows()]

    def row(self) -> R | None:
        """Return the one row, or None where there is none; raises as `rows` does."""
        rows = self.rows()
        return rows[0] if rows else None

    def changed(self) -> int:
        """Return how many rows were changed, having waited; raises as `rows` does."""
        return self._result.changed()


class Prebuilt(Generic[R]):
    """One statement of Core, ready to run.

    Args:
        statement: With `bindparam`s for what changes from call to call.
        row: What the columns are read into: a NamedTuple whose fields are the statement's columns,
            in that order. Needless for a query of one mapped class, and for one column.
        among: A column that is one of a list, which `send` takes by this very name. The list is
            filled up with its own last item to a power of two, so that the statement has few forms.

    Raises:
        TypeError: If the columns are not those of the row.
    """

    @overload
    def __init__(self, statement: TypedReturnsRows[R], *, among: Any = None) -> None: ...
    @overload
    def __init__(
        self, statement: ExecutableReturnsRows, row: type[R], *, among: Any = None
    ) -> None: ...
    @overload
    def __init__(self: "Prebuilt[Never]", statement: UpdateBase, *, among: Any = None) -> None: ...
    def __init__(self, statement: Any, row: type[Any] | None = None, *, among: Any = None) -> None:
        self._statement = statement
        self._make: _Make[R] = _maker(statement, row)
        self._among = among
        self._compiled: dict[tuple[Dialect, int], _Compiled[R]] = {}

    def send(
        self, connection: Connection, *, among: Sequence[Any] = (), **values: Any
    ) -> Pending[R]:
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
        return Pending(compiled, driver.execute(connection, compiled.sql, compiled.bound(values)))

    def send_all(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Run it for each of `rows` as `send` does; for statements that answer nothing."""
        compiled = self.form(connection.dialect, 0)
        if len(rows) == 1:
            driver.execute(connection, compiled.sql, compiled.bound(rows[0]))
        elif rows:
            driver.execute_many(connection, compiled.sql, [compiled.bound(row) for row in rows])

    def rows(self, connection: Connection, *, among: Sequence[Any] = (), **values: Any) -> list[R]:
        """Run it and return all rows."""
        return self.send(connection, among=among, **values).rows()

    def row(self, connection: Connection, **values: Any) -> R | None:
        """Run it and return the one row, or None where there is none."""
        return self.send(connection, **values).row()

    def form(self, dialect: Dialect, size: int) -> _Compiled[R]:
        """Return the compiled form, with a list of `size`; made where it is missing."""
        found = self._compiled.get((dialect, size))
        if found is None:
            found = self._compiled[dialect, size] = self._compile(dialect, size)
        return found

    def _compile(self, dialect: Dialect, size: int) -> _Compiled[R]:
        statement = self._statement
        if self._among is not None:
            kind = self._among.type
            items = [bindparam(_item(n), type_=kind) for n in range(size)]
            statement = statement.where(self._among.in_(items))
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        if "POSTCOMPILE" in compiled.string:
            raise AssertionError("a list of values is given with `among`")
        places = dialect.positional
        names = tuple((compiled.positiontup if places else compiled.params) or ())
        converters = ((n, _bind_converter(compiled.binds[n].type, dialect)) for n in names)
        columns = _columns(statement)
        results = ((n, _result_converter(c.type, dialect)) for n, c in enumerate(columns))
        return _Compiled(
            sql=compiled.string,
            names=names,
            converters={n: convert for n, convert in converters if convert is not None},
            constants={n: v for n, v in compiled.params.items() if v is not None},
            places=places,
            results=tuple((n, convert) for n, convert in results if convert is not None),
            make=self._make,
        )


def _columns(statement: Any) -> list[Any]:
    return list(getattr(statement, "exported_columns", ()))


def _maker(statement: Any, row: type[Any] | None) -> _Make[Any]:
    """Return what makes a row of `statement`'s values.

    Raises:
        TypeError: If the columns are not those of the row.
    """
    names = tuple(column.key for column in _columns(statement))
    declared: Any = row or _selected_class(statement)
    if declared is None and len(names) > 1:
        raise TypeError(f"no row is declared for the columns {', '.join(names)}")
    if declared is None:
        return _only
    if issubclass(declared, Base):
        return _maker_of(declared.__mapper__, names)
    require_columns(declared.__name__, declared._fields, names)
    make: _Make[Any] = declared._make
    return make


def _selected_class(statement: Any) -> type[Base] | None:
    """Return the mapped class that is all that a query selects, where it is one."""
    if isinstance(statement, UpdateBase | CompoundSelect):
        return None
    described = [description["expr"] for description in statement.column_descriptions]
    [only] = described if len(described) == 1 else [None]
    return only if isinstance(only, type) and issubclass(only, Base) else None


def _maker_of(mapper: Mapper[Any], names: tuple[str, ...]) -> _Make[Any]:
    """Return what makes a mapped row without a session, at a tenth of the price."""
    require_columns(mapper.class_.__name__, (a.key for a in mapper.column_attrs), names)
    new_instance = mapper.class_manager.new_instance

    def make(values: Sequence[Any]) -> Any:
        row = new_instance()
        row.__dict__.update(zip(names, values, strict=True))
        return row

    return make


def _only(values: Sequence[Any]) -> Any:
    return values[0]


def _bind_converter(kind: Any, dialect: Dialect) -> _Converter | None:
    found: _Converter | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _result_converter(kind: Any, dialect: Dialect) -> _Converter | None:
    if isinstance(kind, UtcTime | BaseUnits):
        return partial(kind.process_result_value, dialect=dialect)
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

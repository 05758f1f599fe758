"""The base of every table: column types that mean the same on SQLite and PostgreSQL.

Times are whole microseconds since 1970 (BIGINT) and amounts NUMERIC(78) on PostgreSQL, text on
SQLite, which has no integer that large: both sort, compare and add up exactly.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.orm.base import DEFAULT_STATE_ATTR
from sqlalchemy.types import TypeEngine

from coordinator.domain.clock import from_micros, to_micros


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970; a naive value is refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what is stored."""
        del dialect
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the aware datetime."""
        del dialect
        return None if value is None else from_micros(value)


class BaseUnits(TypeDecorator[int]):
    """A whole number of base units, 0 <= n < 2**256, exact on both databases."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return NUMERIC(78) on PostgreSQL, TEXT elsewhere."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(78, 0))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Return a Decimal or a decimal string."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Return the int."""
        del dialect
        return None if value is None else int(value)


# Marked by numbers: SQLAlchemy reads a string inside `Annotated` as a forward reference.
Id = Annotated[str, 1]
ShortStr = Annotated[str, 2]
Micros = Annotated[datetime, 3]
Units = Annotated[int, 4]
Big = Annotated[int, 5]

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


_READ_ONLY = "rows are read; storage writes with statements"


def _refuse_construction(_row: object, **_values: object) -> NoReturn:
    raise TypeError(_READ_ONLY)


class Base(DeclarativeBase):
    """Base class of all rows: read-only snapshots without rules."""

    # Flask-SQLAlchemy 3.1 fails on a `type_annotation_map` class attribute; a registry works.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcTime(),
            bytes: LargeBinary(),
            Id: String(40),
            ShortStr: String(255),
            Micros: UtcTime(),
            Units: BaseUnits(),
            Big: BigInteger().with_variant(Integer(), "sqlite"),
        },
        constructor=_refuse_construction,
    )

    # Unseen by mypy, which would take it that any attribute may be assigned.
    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            if name != DEFAULT_STATE_ATTR:
                raise TypeError(_READ_ONLY)
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            raise TypeError(_READ_ONLY)


class RowSession(Session):
    """A session that reads on the connection of its `info`, and leaves its transaction alone."""

    def get_bind(self, *_of: object, **_what: object) -> Connection:
        """Return the connection; Flask-SQLAlchemy would choose an engine of the application's."""
        connection: Connection = self.info["connection"]
        return connection


db = SQLAlchemy(
    model_class=Base,
    session_options={
        "class_": RowSession,
        "autoflush": False,
        "expire_on_commit": False,
        "join_transaction_mode": "rollback_only",
    },
)

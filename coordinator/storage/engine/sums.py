"""Adding up base units in either database: SQLite has no number that is large enough."""

from typing import Any

from sqlalchemy import Connection, func

from coordinator.storage.engine.base import BaseUnits


def sum_units(connection: Connection, column: Any) -> Any:
    """Return the sum of a column of base units, as an expression; None of nothing."""
    function = func.sum_units if connection.dialect.name == "sqlite" else func.sum
    return function(column, type_=BaseUnits())

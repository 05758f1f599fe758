"""Sums of amounts, exact on both databases."""

from typing import Any

from sqlalchemy import Text, func

from coordinator.storage.engine.base import BaseUnits


def summed(units: Any, dialect: str) -> Any:
    """Return the sum of a column of amounts, 0 of none."""
    if dialect == "sqlite":
        # Amounts outgrow SQLite's numbers: each costs a call into Python there.
        return func.coalesce(func.sum_units(units, type_=Text()), "0", type_=BaseUnits())
    return func.coalesce(func.sum(units), 0, type_=BaseUnits())

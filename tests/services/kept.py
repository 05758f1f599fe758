"""A database as it stood once, and how to have it so again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, exists, select

import coordinator.storage.tables as _tables  # noqa: F401 - fills the metadata
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database


@dataclass(frozen=True, slots=True)
class Kept:
    """A database that tests take in turn, and what stood in it before the first of them."""

    database: Database
    rows: list[tuple[Table, list[dict[str, Any]]]]

    @classmethod
    def of(cls, database: Database) -> "Kept":
        """Note all that stands in a database."""
        with database.engine.connect() as connection:
            rows = [
                (table, [dict(row._mapping) for row in connection.execute(table.select())])
                for table in Base.metadata.sorted_tables
            ]
        return cls(database, rows)

    def restore(self) -> None:
        """Put everything back; making a database anew for every test costs ten times as much."""
        # To ask which of them are empty, in one go, is cheaper than to empty all.
        asked = select(*(exists().select_from(table) for table, _ in self.rows))
        with self.database.writing() as connection, connection.begin():
            is_filled = connection.execute(asked).one()
            for (table, _), has_rows in zip(reversed(self.rows), reversed(is_filled), strict=True):
                if has_rows:
                    connection.execute(table.delete())
            for table, rows in self.rows:
                if rows:
                    connection.execute(table.insert(), rows)

"""Which module keeps the lanes of a database."""

from coordinator.storage.database import Database
from coordinator.storage.lanes import LaneStore
from coordinator.storage.postgres_lanes import PostgresLanes
from coordinator.storage.sqlite_lanes import SqliteLanes


def open_lanes(database: Database) -> LaneStore:
    """Return the lanes of `database`, for one thread."""
    return SqliteLanes(database) if database.is_sqlite else PostgresLanes(database)

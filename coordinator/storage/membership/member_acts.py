"""What members do about themselves and no request."""

from typing import Any

from sqlalchemy import Connection, insert

from coordinator.storage.tables.partners import MemberActRow


def insert_act(connection: Connection, **values: Any) -> None:
    """Store one."""
    connection.execute(insert(MemberActRow).values(**values))

"""What members do about themselves and no request."""

from typing import Any

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.tables.partners import MemberActRow


def insert_act(connection: Connection, **values: Any) -> None:
    """Store one."""
    connection.execute(insert(MemberActRow).values(**values))


def revocations(connection: Connection, handle: str) -> list[MemberActRow]:
    """Return a partner's revocations of keys, people and systems, oldest first."""
    query = select(MemberActRow).where(
        MemberActRow.partner == handle, MemberActRow.kind == "revoke"
    )
    return read(connection, query.order_by(MemberActRow.id))

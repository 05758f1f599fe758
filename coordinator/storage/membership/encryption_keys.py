"""Keys that evidence is sealed to for a partner; the act that published each is sealed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.partners import EncryptionKeyRow


def insert_key(connection: Connection, **values: Any) -> EncryptionKeyRow:
    """Store one and return its row."""
    connection.execute(insert(EncryptionKeyRow).values(**values))
    return new_row(EncryptionKeyRow, values)


def replace(connection: Connection, kid: str, at: datetime) -> None:
    """Note that another key is in force."""
    statement = update(EncryptionKeyRow).where(EncryptionKeyRow.kid == kid)
    connection.execute(statement.values(replaced_at=at))


def find(connection: Connection, kid: str) -> EncryptionKeyRow | None:
    """Return one key, whosever it is."""
    return read_one(connection, select(EncryptionKeyRow).where(EncryptionKeyRow.kid == kid))


def in_force(connection: Connection, partners: Collection[str]) -> dict[str, str]:
    """Return the thumbprint of the key in force by partner; who has none is absent."""
    query = select(EncryptionKeyRow.partner, EncryptionKeyRow.kid).where(
        EncryptionKeyRow.partner.in_(sorted(partners)), EncryptionKeyRow.replaced_at.is_(None)
    )
    return dict(connection.execute(query).all())


def page(
    connection: Connection, partner: str | None, *, after: str, limit: int
) -> list[EncryptionKeyRow]:
    """Return keys of one partner or of all, by thumbprint."""
    query = select(EncryptionKeyRow).where(EncryptionKeyRow.kid > after)
    if partner is not None:
        query = query.where(EncryptionKeyRow.partner == partner)
    return read(connection, query.order_by(EncryptionKeyRow.kid).limit(limit))

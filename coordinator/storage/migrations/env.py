"""Run by Alembic: migrates the connection that `storage.schema` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import Connection

from coordinator.storage import tables
from coordinator.storage.engine.base import Base, BaseUnits, UtcTime

_PLAIN_TYPES = {
    UtcTime: "sa.BigInteger()",
    BaseUnits: 'sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")',
}


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write our own column types as plain ones: a migration must not change with later code."""
    del autogenerate
    return _PLAIN_TYPES.get(type(item), False) if kind == "type" else False


def migrate(connection: Connection) -> None:
    """Run the migrations that are due inside the connection's transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


if not tables.__all__:
    raise AssertionError("the metadata is empty without the tables")
if "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:  # `flask db …`, for those who write migrations
    with current_app.extensions["migrate"].db.engine.begin() as own_connection:
        migrate(own_connection)

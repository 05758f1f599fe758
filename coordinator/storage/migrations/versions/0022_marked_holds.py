"""An index of the holds that are marked as of the same funds as another, by request."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_WITH_MISSING = """
SELECT DISTINCT relname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
 WHERE atthasmissing AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
 ORDER BY relname
"""


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_hold_marked_request_id",
        "hold",
        ["request_id"],
        unique=False,
        sqlite_where=sa.text("same_funds_as IS NOT NULL"),
        postgresql_where=sa.text("same_funds_as IS NOT NULL"),
    )
    _forget_missing_values()


def _forget_missing_values() -> None:
    """Have PostgreSQL write tables without rows anew that columns were added to.

    A column that was added with a default is held for missing from rows that were there before,
    until the table is written anew: each statement then copies what it reads of each row, which
    costs sums over holds a sixth of their time. A table with rows stays as it is, for that would
    lock it; an operator does it at a quiet hour by `VACUUM FULL`.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table in connection.execute(sa.text(_WITH_MISSING)).scalars().all():
        if connection.execute(sa.select(sa.text("1")).select_from(sa.table(table))).first() is None:
            op.execute(f"CLUSTER {table} USING pk_{table}")
            op.execute(f"ALTER TABLE {table} SET WITHOUT CLUSTER")

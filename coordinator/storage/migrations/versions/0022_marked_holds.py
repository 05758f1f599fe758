"""An index of the holds that are marked as of the same funds as another, by request."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


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
    _write_anew()


def _write_anew() -> None:
    """Have PostgreSQL write the table anew while it has no rows.

    A column that was added with a default is held for missing from rows that were there before,
    until the table is written anew: each sum over holds then copies what it reads of each row, at
    a sixth of its time. A table with rows stays as it is, for that would lock it; an operator does
    it at a quiet hour by `VACUUM FULL hold`.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    if connection.execute(sa.text("SELECT 1 FROM hold LIMIT 1")).first() is None:
        # No CLUSTER: that notes how many rows there are, and plans are made for none ever after.
        op.execute("ALTER TABLE hold ALTER reviewed TYPE boolean USING reviewed::text::boolean")

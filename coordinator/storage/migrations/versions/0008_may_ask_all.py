"""Whether a partner's own policy lets its requests go to all."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; who said nothing about it may."""
    op.add_column(
        "partner",
        sa.Column("may_ask_all", sa.Boolean(), server_default=sa.true(), nullable=False),
    )

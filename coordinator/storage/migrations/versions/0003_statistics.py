"""What statistics are computed from: stated values in US dollars, and legs by their beginning."""

import sqlalchemy as sa
from alembic import op

_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column(
        "ledger_line",
        sa.Column("usd_cents", _UNITS, nullable=True, comment="what the line states it was worth"),
    )
    op.add_column(
        "flagged_address",
        sa.Column("usd_cents", _UNITS, nullable=True, comment="what it is stated to be worth"),
    )
    op.create_index("ix_leg_queued_at", "leg", ["queued_at"], unique=False)

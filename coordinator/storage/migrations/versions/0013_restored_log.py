"""In the head of the log, that it may be older than what was handed out; and what was lost."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add column and table; nothing was restored yet, as far as anybody knows."""
    op.add_column(
        "log_head",
        sa.Column(
            "restored_at",
            sa.BigInteger(),
            nullable=True,
            comment="since when it may be older than what was handed out, and takes no change; "
            "None: it is not, or was reconciled",
        ),
    )
    op.create_table(
        "log_loss",
        sa.Column("first_leaf", _BIG, autoincrement=False, nullable=False),
        sa.Column("end_leaf", _BIG, nullable=False, comment="the first one behind"),
        sa.Column(
            "first_seq", _BIG, nullable=False, comment="of the numbers that events may have had"
        ),
        sa.Column("end_seq", _BIG, nullable=False, comment="the first one behind"),
        sa.Column("reconciled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_leaf", name="pk_log_loss"),
    )

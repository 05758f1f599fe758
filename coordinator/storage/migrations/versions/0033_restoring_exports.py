"""Which evidence bundles of restitutions and recovery requests were handed out."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; none was handed out yet."""
    op.create_table(
        "restoring_export",
        sa.Column("id", sa.String(length=40), nullable=False, comment="exp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False, comment="rst_… or rcv_…"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=40),
            nullable=False,
            comment="the person or system that took it",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name="fk_restoring_export_partner"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_restoring_export"),
    )
    op.create_index(
        "ix_restoring_export_request_id", "restoring_export", ["request_id"], unique=False
    )

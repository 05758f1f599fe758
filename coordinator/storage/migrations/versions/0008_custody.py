"""Which evidence bundles were handed out, and events by their entry of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the list and the index."""
    op.create_index("ix_event_leaf_index", "event", ["leaf_index"], unique=False)
    op.create_table(
        "bundle_export",
        sa.Column("id", sa.String(length=40), nullable=False, comment="exp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
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
            ["partner"], ["partner.handle"], name=op.f("fk_bundle_export_partner_partner")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["freeze_request.id"],
            name=op.f("fk_bundle_export_request_id_freeze_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle_export")),
    )
    op.create_index("ix_bundle_export_request_id", "bundle_export", ["request_id"], unique=False)

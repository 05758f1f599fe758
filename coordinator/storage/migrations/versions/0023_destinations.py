"""Accounts that money may be sent back to."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "destination",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="dst_…; owner of what is sealed"
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "account_index",
            sa.LargeBinary(),
            nullable=False,
            comment="blind index of the account, tag included",
        ),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column(
            "act_sha256", sa.String(length=64), nullable=False, comment="of the proposal's body"
        ),
        sa.Column("proposed_by", sa.String(length=40), nullable=False),
        sa.Column("proposer_kid", sa.String(length=43), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "expires_at",
            sa.BigInteger(),
            nullable=False,
            comment="a proposal that nobody decides on is over",
        ),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("usable_at", sa.BigInteger(), nullable=True),
        sa.Column("proven_by", sa.String(length=40), nullable=True),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.String(length=40), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_destination_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_destination"),
    )
    op.create_index("ix_destination_partner_id", "destination", ["partner", "id"])
    op.create_index("ix_destination_account", "destination", ["partner", "account_index"])
    op.create_index(
        "ix_destination_waits",
        "destination",
        ["partner", "expires_at"],
        sqlite_where=sa.text("status = 'proposed'"),
        postgresql_where=sa.text("status = 'proposed'"),
    )

"""Payout accounts of claims that are to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; every claim is paid to the account that it was filed with."""
    op.create_table(
        "payout_change",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="poc_…; owner of the sealed account",
        ),
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("act_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="proposed, approved, rejected"
        ),
        sa.Column("proposed_by", sa.String(length=40), nullable=False),
        sa.Column("proposer", sa.String(length=40), nullable=False, comment="the person"),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("in_force_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_payout_change_version_positive"),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name="fk_payout_change_claim_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payout_change"),
    )
    op.create_index("ix_payout_change_claim_id", "payout_change", ["claim_id", "id"], unique=False)

"""Allocations of what was recovered, and their payouts."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")


def upgrade() -> None:
    """Add the tables; nothing is allocated yet."""
    op.add_column(
        "claim",
        sa.Column("allocated", _UNITS, nullable=True, comment="by approved allocations, in all"),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.String(length=40), nullable=False, comment="alo_…"),
        sa.Column("restitution_id", sa.String(length=40), nullable=False),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="its body has method, inputs and result",
        ),
        sa.Column("act_sha256", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False, comment="pro_rata, schedule"),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="proposed, approved, rejected"
        ),
        sa.Column("pool", _UNITS, nullable=False),
        sa.Column("given", _UNITS, nullable=False, comment="the sum of its parts"),
        sa.Column("minimum", _UNITS, nullable=False),
        sa.Column("schedule_sha256", sa.String(length=64), nullable=True),
        sa.Column("claim_count", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.String(length=40), nullable=False),
        sa.Column("proposer", sa.String(length=40), nullable=False, comment="the person"),
        sa.Column("first_approver", sa.String(length=40), nullable=True, comment="the person"),
        sa.Column("second_approver", sa.String(length=40), nullable=True),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_allocation_version_positive"),
        sa.ForeignKeyConstraint(
            ["restitution_id"], ["restitution.id"], name="fk_allocation_restitution_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_allocation"),
    )
    op.create_index(
        "ix_allocation_restitution_id_id", "allocation", ["restitution_id", "id"], unique=False
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.String(length=40), nullable=False, comment="pay_…"),
        sa.Column("restitution_id", sa.String(length=40), nullable=False),
        sa.Column("allocation_id", sa.String(length=40), nullable=False),
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("amount", _UNITS, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False, comment="due, paid, failed"),
        sa.Column(
            "act_id", sa.String(length=40), nullable=True, comment="that recorded what became of it"
        ),
        sa.Column(
            "line_no", sa.Integer(), nullable=True, comment="place in that act's body, from 0"
        ),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_payout_allocation_id"
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name="fk_payout_claim_id"),
        sa.ForeignKeyConstraint(
            ["restitution_id"], ["restitution.id"], name="fk_payout_restitution_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payout"),
        sa.UniqueConstraint("allocation_id", "claim_id", name="uq_payout_allocation_id_claim_id"),
    )
    op.create_index("ix_payout_claim_id", "payout", ["claim_id"], unique=False)
    op.create_index("ix_payout_restitution_id_id", "payout", ["restitution_id", "id"], unique=False)
    op.create_index(
        "ix_payout_restitution_id_status_id",
        "payout",
        ["restitution_id", "status", "id"],
        unique=False,
    )

"""Secret links of claims, and objections that nobody signed."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; no claim has a link yet."""
    op.add_column(
        "claim",
        sa.Column(
            "objection_unsigned",
            sa.Boolean(),
            nullable=True,
            comment="the claimant's, by their link",
        ),
    )
    op.create_table(
        "claim_link",
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("link_sha256", sa.String(length=64), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False, comment="that made it"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name="fk_claim_link_claim_id"),
        sa.PrimaryKeyConstraint("claim_id", name="pk_claim_link"),
        sa.UniqueConstraint("link_sha256", name="uq_claim_link_link_sha256"),
    )

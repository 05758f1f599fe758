"""Gateways: the grounds on which members tell amounts, and under which a line told one."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and two columns; nobody has declared one yet, and no line states one."""
    op.create_table(
        "gateway",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="gtw_…; owner of the evidence"
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("gateway", sa.String(length=15), nullable=False),
        sa.Column(
            "document_sha256",
            sa.String(length=64),
            nullable=True,
            comment="what shows it; of own terms, the agreement that both sides name",
        ),
        sa.Column("subject", sa.String(length=40), nullable=False, comment="who declared it"),
        sa.Column(
            "signed_by",
            sa.String(length=43),
            nullable=False,
            comment="kid of the key that signed it",
        ),
        sa.Column("declared_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True, comment="since when it counts"),
        sa.Column(
            "verified_on", sa.BigInteger(), nullable=True, comment="when the operator looked"
        ),
        sa.Column("verified_until", sa.BigInteger(), nullable=True),
        sa.Column(
            "ended_at",
            sa.BigInteger(),
            nullable=True,
            comment="withdrawn, or no longer vouched for",
        ),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_gateway_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_gateway"),
    )
    op.create_index("ix_gateway_partner_id", "gateway", ["partner", "id"], unique=False)
    op.add_column(
        "freeze_request",
        sa.Column(
            "gateway",
            sa.String(length=15),
            nullable=True,
            comment="under which it is asked; None: whichever both sides hold",
        ),
    )
    op.add_column(
        "ledger_line",
        sa.Column(
            "gateway",
            sa.String(length=15),
            nullable=True,
            comment="on what ground its amount was told; None: none was asked for",
        ),
    )

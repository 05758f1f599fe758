"""The network's rulebook: its editions, and who accepted which."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; no rulebook is published yet, and none is asked for."""
    op.create_table(
        "rulebook",
        sa.Column("id", sa.String(length=40), nullable=False, comment="rbk_…"),
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=False,
            comment="of the text's exact bytes, in hex",
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "in_force_from",
            sa.BigInteger(),
            nullable=False,
            comment="from when on requests name it",
        ),
        sa.Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rulebook"),
        sa.UniqueConstraint("in_force_from", name="uq_rulebook_in_force_from"),
    )
    op.create_index("ix_rulebook_sha256", "rulebook", ["sha256"], unique=False)
    op.create_table(
        "rulebook_acceptance",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="rba_…; owner of the evidence, but for a join's, see `proven_by`",
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=40),
            nullable=True,
            comment="None: the root key, joining",
        ),
        sa.Column(
            "signed_by",
            sa.String(length=43),
            nullable=False,
            comment="kid of the key that signed it",
        ),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "proven_by",
            sa.String(length=40),
            nullable=False,
            comment="whose document `evidence` proves it",
        ),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name="fk_rulebook_acceptance_partner"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rulebook_acceptance"),
    )
    op.create_index(
        "uq_rulebook_acceptance_partner_sha256",
        "rulebook_acceptance",
        ["partner", "sha256"],
        unique=True,
    )

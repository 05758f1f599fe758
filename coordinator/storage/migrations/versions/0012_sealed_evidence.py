"""Sealed evidence: keys that it is encrypted to, the files, who can open them, and their parts."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "encryption_key",
        sa.Column("kid", sa.String(length=43), nullable=False, comment="RFC 7638 thumbprint"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="the member's act that published it",
        ),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column(
            "signed_by",
            sa.String(length=43),
            nullable=False,
            comment="kid of the key that signed that",
        ),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_encryption_key_partner"),
        sa.PrimaryKeyConstraint("kid", name="pk_encryption_key"),
    )
    op.create_index("ix_encryption_key_partner", "encryption_key", ["partner"], unique=False)
    op.create_index(
        "uq_encryption_key_in_force",
        "encryption_key",
        ["partner"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "sealed_evidence",
        sa.Column("id", sa.String(length=40), nullable=False, comment="sev_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False, comment="whose it is"),
        sa.Column("tlp", sa.String(length=15), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes of the ciphertext"),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the ciphertext"),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_sealed_evidence_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sealed_evidence"),
    )
    op.create_index(
        "ix_sealed_evidence_request_id_partner",
        "sealed_evidence",
        ["request_id", "partner"],
        unique=False,
    )
    op.create_table(
        "sealed_recipient",
        sa.Column("sealed_evidence_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False, comment="its encryption key"),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="whose evidence holds the wrapped key",
        ),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sealed_evidence_id"],
            ["sealed_evidence.id"],
            name="fk_sealed_recipient_sealed_evidence_id",
        ),
        sa.PrimaryKeyConstraint("sealed_evidence_id", "partner", name="pk_sealed_recipient"),
    )
    op.create_table(
        "sealed_part",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="spt_…; owner of the document"
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False, comment="who sent it"),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "sealed_evidence_id",
            sa.String(length=40),
            nullable=True,
            comment="None: no act names it yet",
        ),
        sa.Column("number", sa.Integer(), nullable=True, comment="from 0"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_sealed_part_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sealed_part"),
        sa.UniqueConstraint("request_id", "partner", "sha256", name="uq_sealed_part_sha256"),
    )
    op.create_index(
        "ix_sealed_part_sealed_evidence_id_number",
        "sealed_part",
        ["sealed_evidence_id", "number"],
        unique=False,
    )
    op.create_index(
        "ix_sealed_part_waits",
        "sealed_part",
        ["sent_at"],
        unique=False,
        sqlite_where=sa.text("sealed_evidence_id IS NULL"),
        postgresql_where=sa.text("sealed_evidence_id IS NULL"),
    )

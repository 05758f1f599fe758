"""Restitutions: what was recovered is given back, with pools and claims."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")


def upgrade() -> None:
    """Add the tables; nothing is given back yet."""
    op.create_table(
        "restitution",
        sa.Column("id", sa.String(length=40), nullable=False, comment="rst_…"),
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("opener", sa.String(length=253), nullable=False),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False, comment="open, closed"),
        sa.Column(
            "asset", sa.String(length=200), nullable=False, comment="in which victims are paid"
        ),
        sa.Column("key_theft", sa.Boolean(), nullable=False, comment="no signature proves a claim"),
        sa.Column("verify_by_two_above", _UNITS, nullable=False),
        sa.Column("claims_close_at", sa.BigInteger(), nullable=False),
        sa.Column("objections_until", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_restitution_version_positive"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name="fk_restitution_incident_id"
        ),
        sa.ForeignKeyConstraint(["opener"], ["partner.handle"], name="fk_restitution_opener"),
        sa.PrimaryKeyConstraint("id", name="pk_restitution"),
    )
    op.create_index("ix_restitution_opener_id", "restitution", ["opener", "id"], unique=False)
    op.create_index(
        "uq_restitution_content_sha256", "restitution", ["opener", "content_sha256"], unique=True
    )
    op.create_table(
        "pool_line",
        sa.Column("id", sa.String(length=40), nullable=False, comment="pln_…"),
        sa.Column("restitution_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column(
            "line_no", sa.Integer(), nullable=False, comment="place in the act's body, from 0"
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column("amount", _UNITS, nullable=False),
        sa.Column("to_asset", sa.String(length=200), nullable=True),
        sa.Column("to_amount", _UNITS, nullable=True),
        sa.Column("fee", _UNITS, nullable=True),
        sa.Column(
            "line_id",
            sa.String(length=40),
            nullable=True,
            comment="of the freeze ledger: once in any pool",
        ),
        sa.Column(
            "tx_index",
            sa.String(length=32),
            nullable=True,
            comment="blind index of a returning tx beside the ledger: once in a pool",
        ),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["restitution_id"], ["restitution.id"], name="fk_pool_line_restitution_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pool_line"),
        sa.UniqueConstraint("line_id", name="uq_pool_line_line_id"),
        sa.UniqueConstraint("restitution_id", "tx_index", name="uq_pool_line_tx_index"),
    )
    op.create_index(
        "ix_pool_line_restitution_id_id", "pool_line", ["restitution_id", "id"], unique=False
    )
    op.create_table(
        "claim",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="clm_…; owner of the document"
        ),
        sa.Column("restitution_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("filed_by", sa.String(length=253), nullable=False),
        sa.Column(
            "ref_index",
            sa.String(length=32),
            nullable=False,
            comment="blind index of its reference",
        ),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("proof", sa.String(length=10), nullable=False),
        sa.Column(
            "value", _UNITS, nullable=False, comment="in base units of the asset that is paid"
        ),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("verified", _UNITS, nullable=True),
        sa.Column("first_verifier", sa.String(length=40), nullable=True, comment="the person"),
        sa.Column("first_amount", _UNITS, nullable=True),
        sa.Column("second_verifier", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column(
            "decided_act_id", sa.String(length=40), nullable=True, comment="its body has the reason"
        ),
        sa.Column("objection_act_id", sa.String(length=40), nullable=True),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_claim_version_positive"),
        sa.ForeignKeyConstraint(
            ["restitution_id"], ["restitution.id"], name="fk_claim_restitution_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_claim"),
        sa.UniqueConstraint(
            "restitution_id", "filed_by", "ref_index", name="uq_claim_restitution_id_ref_index"
        ),
    )
    op.create_index(
        "ix_claim_restitution_id_filed_by_id",
        "claim",
        ["restitution_id", "filed_by", "id"],
        unique=False,
    )
    op.create_index("ix_claim_restitution_id_id", "claim", ["restitution_id", "id"], unique=False)
    op.create_index(
        "ix_claim_restitution_id_status_id",
        "claim",
        ["restitution_id", "status", "id"],
        unique=False,
    )
    op.create_table(
        "claim_key",
        sa.Column("restitution_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name="fk_claim_key_claim_id"),
        sa.PrimaryKeyConstraint("restitution_id", "key", "claim_id", name="pk_claim_key"),
    )
    op.create_index("ix_claim_key_claim_id", "claim_key", ["claim_id"], unique=False)

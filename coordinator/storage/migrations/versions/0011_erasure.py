"""Requests whose words are erased, and who stands behind it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the column by which lists know."""
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(length=40), nullable=False, comment="ers_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "reason", sa.String(length=20), nullable=False, comment="reason code; there is no text"
        ),
        sa.Column(
            "proposed_at",
            sa.BigInteger(),
            nullable=True,
            comment="by the operator; None: by nobody",
        ),
        sa.Column(
            "erased_at", sa.BigInteger(), nullable=True, comment="None: a lead must sign it yet"
        ),
        sa.Column(
            "erased_by",
            sa.String(length=40),
            nullable=True,
            comment="the lead who signed it; None: the coordinator, for its time was over",
        ),
        sa.Column("act_id", sa.String(length=40), nullable=True),
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "traces_gone_at",
            sa.BigInteger(),
            nullable=True,
            comment="when the database's journal and dead rows were cleared of it",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_erasure_request_id_freeze_request"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
        sa.UniqueConstraint("request_id", name="uq_erasure_request_id"),
    )
    op.create_index(
        "ix_erasure_traces",
        "erasure",
        ["erased_at"],
        unique=False,
        sqlite_where=sa.text("erased_at IS NOT NULL AND traces_gone_at IS NULL"),
        postgresql_where=sa.text("erased_at IS NOT NULL AND traces_gone_at IS NULL"),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "erased_at",
            sa.BigInteger(),
            nullable=True,
            comment="what it says is gone since then, and its data key is another one",
        ),
    )
    op.create_index(
        "ix_freeze_request_kept_since",
        "freeze_request",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL AND erased_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL AND erased_at IS NULL"),
    )

"""Encumbrances; legal orders that are reviewed, lifted, and called back about."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_REVIEWED = sa.text("status = 'standing' AND review_at IS NOT NULL")


def upgrade() -> None:
    """Add the tables and columns; the orders that are there stand."""
    op.create_table(
        "encumbrance",
        sa.Column("id", sa.String(length=40), nullable=False, comment="enc_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "leg_id",
            sa.String(length=40),
            nullable=True,
            comment="whose partner holds; None: of a pool",
        ),
        sa.Column(
            "target_kind", sa.String(length=10), nullable=False, comment="hold, return or pool"
        ),
        sa.Column("target_id", sa.String(length=40), nullable=False),
        sa.Column(
            "partner",
            sa.String(length=253),
            nullable=False,
            comment="who attached it, and lifts it",
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "amount",
            sa.Text().with_variant(sa.Numeric(78, 0), "postgresql"),
            nullable=True,
            comment="base units; None: all that is there",
        ),
        sa.Column(
            "blocks",
            sa.String(length=30),
            nullable=False,
            comment="what it blocks, sorted, by spaces",
        ),
        sa.Column("order_sha256", sa.String(length=64), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("attached_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            comment="standing, review_due or lifted",
        ),
        sa.Column(
            "review_at",
            sa.BigInteger(),
            nullable=True,
            comment="somebody looks again; nothing lapses by it",
        ),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lift_act_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_encumbrance_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_encumbrance"),
    )
    op.create_index("ix_encumbrance_request_id_id", "encumbrance", ["request_id", "id"])
    op.create_index("ix_encumbrance_target", "encumbrance", ["target_id", "status"])
    op.add_column(
        "legal_order",
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            server_default="standing",
            comment="standing, review_due or lifted",
        ),
    )
    op.add_column(
        "legal_order",
        sa.Column(
            "review_at",
            sa.BigInteger(),
            nullable=True,
            comment="end of its freeze period: somebody looks again, and nothing lapses",
        ),
    )
    op.add_column("legal_order", sa.Column("lifted_at", sa.BigInteger(), nullable=True))
    op.add_column("legal_order", sa.Column("lift_act_id", sa.String(length=40), nullable=True))
    for table in ("encumbrance", "legal_order"):
        op.create_index(
            f"ix_{table}_review",
            table,
            ["review_at"],
            unique=False,
            sqlite_where=_REVIEWED,
            postgresql_where=_REVIEWED,
        )
    op.create_table(
        "legal_order_call_back",
        sa.Column("legal_order_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column(
            "outcome",
            sa.String(length=15),
            nullable=False,
            comment="confirmed or not_confirmed",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["legal_order_id"],
            ["legal_order.id"],
            name="fk_legal_order_call_back_legal_order_id",
        ),
        sa.PrimaryKeyConstraint("legal_order_id", "partner", name="pk_legal_order_call_back"),
    )

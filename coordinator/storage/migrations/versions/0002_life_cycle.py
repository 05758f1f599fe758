"""The whole life of a freeze.

Clocks and obligations of holds, withdrawals, questions, disputes, orders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the clocks of holds and requests, and what happens after the straight way."""
    op.create_table(
        "addition",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="add_…; owner of the sealed context"
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="pending, approved or rejected"
        ),
        sa.Column("proposed_by_person", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_kid", sa.String(length=43), nullable=False),
        sa.Column("context_sha256", sa.String(length=64), nullable=False),
        sa.Column("partner_count", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_addition_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addition")),
        sa.UniqueConstraint("context_sha256", name=op.f("uq_addition_context_sha256")),
    )
    op.create_index("ix_addition_request_id", "addition", ["request_id"], unique=False)
    op.create_table(
        "grant_proposal",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="grp_…; owner of the sealed evidence",
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("subject_owner", sa.String(length=40), nullable=True),
        sa.Column("proposer", sa.String(length=40), nullable=False),
        sa.Column(
            "proposer_kid",
            sa.String(length=43),
            nullable=False,
            comment="void once this key is gone",
        ),
        sa.Column("grant_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "status",
            sa.String(length=10),
            nullable=False,
            comment="pending or approved; else too old",
        ),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("approver", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name=op.f("fk_grant_proposal_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_proposal")),
    )
    op.create_index(
        "ix_grant_proposal_partner_id", "grant_proposal", ["partner", "id"], unique=False
    )
    op.create_table(
        "legal_order",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="ord_…; owner of the sealed words"
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=True),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=True),
        sa.Column("attached_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_legal_order_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_order")),
    )
    op.create_index("ix_legal_order_request_id", "legal_order", ["request_id"], unique=False)
    op.create_table(
        "root_reset",
        sa.Column("id", sa.String(length=40), nullable=False, comment="rst_…"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("new_kid", sa.String(length=43), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="waiting, done or stopped"
        ),
        sa.Column("announced_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name=op.f("fk_root_reset_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_root_reset")),
    )
    op.create_index(
        "ix_root_reset_effective_at", "root_reset", ["status", "effective_at"], unique=False
    )
    op.create_index(op.f("ix_root_reset_partner"), "root_reset", ["partner"], unique=False)
    op.create_table(
        "withdrawn_address",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_withdrawn_address_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "address_no", name=op.f("pk_withdrawn_address")),
    )
    op.create_table(
        "addition_decision",
        sa.Column("addition_id", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["addition_id"], ["addition.id"], name=op.f("fk_addition_decision_addition_id")
        ),
        sa.PrimaryKeyConstraint("addition_id", "person", name=op.f("pk_addition_decision")),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.String(length=40), nullable=False, comment="dsp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=True),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("resolution", sa.String(length=20), nullable=True, comment="upheld or rejected"),
        sa.Column("resolution_act_id", sa.String(length=40), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "release_recommended_at",
            sa.BigInteger(),
            nullable=True,
            comment="nobody answered in time",
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name=op.f("fk_dispute_leg_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_dispute_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index(
        "ix_dispute_answer_by",
        "dispute",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL AND release_recommended_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL AND release_recommended_at IS NULL"),
    )
    op.create_index("ix_dispute_leg_id", "dispute", ["leg_id"], unique=False)
    op.create_table(
        "info_request",
        sa.Column("id", sa.String(length=40), nullable=False, comment="inf_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_act_id", sa.String(length=40), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name=op.f("fk_info_request_leg_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_info_request_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_info_request")),
    )
    op.create_index("ix_info_request_leg_id", "info_request", ["leg_id"], unique=False)
    op.add_column(
        "freeze_request",
        sa.Column(
            "final_since",
            sa.BigInteger(),
            nullable=True,
            comment="nothing is expected of any leg since then",
        ),
    )
    op.create_index(
        "ix_freeze_request_status_final_since",
        "freeze_request",
        ["status", "final_since"],
        unique=False,
    )
    op.create_index("ix_freeze_request_ratify_by", "freeze_request", ["ratify_by"], unique=False)
    op.add_column(
        "hold",
        sa.Column(
            "withdrawn_at",
            sa.BigInteger(),
            nullable=True,
            comment="its address or request was taken back",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "owed_since", sa.BigInteger(), nullable=True, comment="an answer is owed since then"
        ),
    )
    op.add_column(
        "leg",
        sa.Column("owes_answer", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("hold", sa.Column("next_reminder_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "hold",
        sa.Column(
            "next_clock_at",
            sa.BigInteger(),
            nullable=True,
            comment="next warning, or the end; None: no clock runs",
        ),
    )
    op.create_index(op.f("ix_hold_next_clock_at"), "hold", ["next_clock_at"], unique=False)
    op.create_index(op.f("ix_hold_next_reminder_at"), "hold", ["next_reminder_at"], unique=False)

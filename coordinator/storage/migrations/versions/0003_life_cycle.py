"""What the life cycle needs in the cases that really happen.

Requests that nobody ratified, addresses left out, two leads to let funds go, clocks on answers,
irregular lines, clearances, whose word a hold rests on, and who took a task.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, and columns that code of the version before need not know."""
    op.create_table(
        "clearance",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="clr_…; owner of the sealed statement",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="the withdrawal that says wrong_target",
        ),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_act_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_clearance_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clearance"),
    )
    op.create_index("ix_clearance_request_id", "clearance", ["request_id"], unique=False)
    op.create_table(
        "left_out_address",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_left_out_address_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "address_no", name="pk_left_out_address"),
    )
    op.create_table(
        "indemnity",
        sa.Column("id", sa.String(length=40), nullable=False, comment="ind_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "leg_id",
            sa.String(length=40),
            nullable=True,
            comment="whom it is given; None: all asked",
        ),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_indemnity_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_indemnity"),
    )
    op.create_index("ix_indemnity_request_id", "indemnity", ["request_id"], unique=False)
    op.create_table(
        "support",
        sa.Column("id", sa.String(length=40), nullable=False, comment="sup_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("support", sa.String(length=20), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_support_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_support"),
    )
    op.create_index("ix_support_request_id", "support", ["request_id"], unique=False)
    op.create_table(
        "taken_task",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "task_id",
            sa.String(length=80),
            nullable=False,
            comment="tsk_…, made of what waits and of whom it waits for",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_taken_task_request_id"
        ),
        sa.PrimaryKeyConstraint("partner", "task_id", name="pk_taken_task"),
    )
    op.create_table(
        "withdrawal_proposal",
        sa.Column("id", sa.String(length=40), nullable=False, comment="wdp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("dispute_id", sa.String(length=40), nullable=True, comment="None: a withdrawal"),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="whose evidence says what is withdrawn, and why",
        ),
        sa.Column(
            "status",
            sa.String(length=10),
            nullable=False,
            comment="pending, approved, rejected, void, moot",
        ),
        sa.Column("proposed_by_person", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_kid", sa.String(length=43), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("void_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_act_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_withdrawal_proposal_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_proposal"),
    )
    op.create_index(
        "ix_withdrawal_proposal_request_id", "withdrawal_proposal", ["request_id"], unique=False
    )
    op.create_index(
        "ix_withdrawal_proposal_void_at",
        "withdrawal_proposal",
        ["void_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.add_column(
        "act",
        sa.Column(
            "remainder_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of what goes out, where an approval leaves addresses out",
        ),
    )
    op.add_column(
        "flagged_address",
        sa.Column("whole_account", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "unratified_at",
            sa.BigInteger(),
            nullable=True,
            comment="went out, was not ratified in time, and withdraws itself at unratified_until",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "contested",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a dispute is open on one of its legs",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "left_out_count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="addresses that the approval kept from going out",
        ),
    )
    op.add_column("freeze_request", sa.Column("unratified_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "freeze_request",
        sa.Column(
            "waits_because",
            sa.String(length=30),
            nullable=True,
            comment="why a flash request waits for its approval",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "support",
            sa.String(length=20),
            nullable=True,
            comment="whose word the holds rest on at present; None: the requester's alone",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "on_order",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="names a legal order, or its authority attached one to all legs",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "withdrawal_reason",
            sa.String(length=20),
            nullable=True,
            comment="reason_code of the whole withdrawal",
        ),
    )
    op.create_index(
        "ix_freeze_request_unratified",
        "freeze_request",
        ["requester", "id"],
        unique=False,
        sqlite_where=sa.text("unratified_until IS NOT NULL"),
        postgresql_where=sa.text("unratified_until IS NOT NULL"),
    )
    op.create_index(
        "ix_freeze_request_unratified_until",
        "freeze_request",
        ["unratified_until"],
        unique=False,
        sqlite_where=sa.text("unratified_until IS NOT NULL"),
        postgresql_where=sa.text("unratified_until IS NOT NULL"),
    )
    op.add_column(
        "hold",
        sa.Column(
            "irregular",
            sa.String(length=15),
            nullable=True,
            comment="as the first of its freezes that is",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "reviewed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="hold_expires_at is a review date, whatever the ground: nothing lapses",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "review_at",
            sa.BigInteger(),
            nullable=True,
            comment="somebody looks again: an issuer's freeze, a whole account",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "effective_at",
            sa.BigInteger(),
            nullable=True,
            comment="an issuer's second transaction; frozen_at is the first one's time",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "same_funds_as",
            sa.String(length=40),
            nullable=True,
            comment="another partner's hold of the same tokens, which counts",
        ),
    )
    op.create_index(
        "ix_hold_same_funds_as",
        "hold",
        ["same_funds_as"],
        unique=False,
        sqlite_where=sa.text("same_funds_as IS NOT NULL"),
        postgresql_where=sa.text("same_funds_as IS NOT NULL"),
    )
    op.add_column("info_request", sa.Column("reply_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "info_request",
        sa.Column("late_at", sa.BigInteger(), nullable=True, comment="when it was seen to be late"),
    )
    op.create_index(
        "ix_info_request_reply_by",
        "info_request",
        ["reply_by"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL AND late_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL AND late_at IS NULL"),
    )
    op.add_column(
        "ledger_line",
        sa.Column(
            "irregular",
            sa.String(length=15),
            nullable=True,
            comment="true, but not as it should have been: after_end, late, encumbered",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "knows_left_out",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="its notice, before the approval, named the addresses that were left out then",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "answer_by",
            sa.BigInteger(),
            nullable=True,
            comment="until when every address has an answer; None: no clock runs",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "clock_paused_at",
            sa.BigInteger(),
            nullable=True,
            comment="the partner waits for the requester since then",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "answered_at", sa.BigInteger(), nullable=True, comment="every address has its answer"
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "unanswered_at",
            sa.BigInteger(),
            nullable=True,
            comment="when it was seen to be missing",
        ),
    )
    op.create_index(
        "ix_leg_answer_by",
        "leg",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL AND unanswered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL AND unanswered_at IS NULL"),
    )
    op.add_column(
        "partner",
        sa.Column(
            "cannot_say",
            sa.String(length=20),
            server_default="none",
            nullable=False,
            comment="none, or private_requesters: whom it may tell neither match nor no match",
        ),
    )
    op.add_column(
        "partner",
        sa.Column(
            "withdrawal_quorum",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="leads that letting held funds go takes",
        ),
    )
    op.add_column(
        "partner",
        sa.Column(
            "clocks",
            sa.String(length=40),
            nullable=True,
            comment="named profile of clocks, as the policies have it; None: default",
        ),
    )
    op.add_column(
        "withdrawn_address",
        sa.Column("reason", sa.String(length=20), nullable=True, comment="reason_code"),
    )

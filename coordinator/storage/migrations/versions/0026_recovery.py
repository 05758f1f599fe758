"""Recovery requests: deposits that went to the wrong place."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and what finds the acts on a request."""
    amount = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")
    op.create_table(
        "recovery_request",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="rcv_…; owner of its documents"
        ),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False, comment="who is asked"),
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            comment="submitted after approve_by means expired",
        ),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("submitted_by", sa.String(length=40), nullable=False),
        sa.Column(
            "submitted_by_person",
            sa.String(length=40),
            nullable=False,
            comment="of a system its owner",
        ),
        sa.Column("submitted_by_kid", sa.String(length=43), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("approve_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("deposit_count", sa.Integer(), nullable=False),
        sa.Column(
            "awaits_partner",
            sa.Integer(),
            nullable=False,
            comment="deposits that wait for who is asked",
        ),
        sa.Column("awaits_requester", sa.Integer(), nullable=False),
        sa.Column(
            "partner_due_at",
            sa.BigInteger(),
            nullable=True,
            comment="when the next of them is due",
        ),
        sa.Column("requester_due_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["requester"], ["partner.handle"], name="fk_recovery_request_requester"
        ),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name="fk_recovery_request_partner"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_request"),
    )
    for side in ("requester", "partner"):
        op.create_index(f"ix_recovery_request_{side}", "recovery_request", [side, "id"])
        op.create_index(
            f"ix_recovery_request_{side}_due_at",
            "recovery_request",
            [side, f"{side}_due_at"],
            sqlite_where=sa.text(f"{side}_due_at IS NOT NULL"),
            postgresql_where=sa.text(f"{side}_due_at IS NOT NULL"),
        )
    op.create_index(
        "ix_recovery_request_to_approve",
        "recovery_request",
        ["requester", "approve_by"],
        sqlite_where=sa.text("status = 'submitted'"),
        postgresql_where=sa.text("status = 'submitted'"),
    )
    op.create_table(
        "recovery_deposit",
        sa.Column("recovery_id", sa.String(length=40), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "deposit_index",
            sa.LargeBinary(),
            nullable=False,
            comment="HMAC of chain, transaction and account",
        ),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column(
            "live",
            sa.Boolean(),
            nullable=False,
            comment="false: asked for no more, so that it may be anew",
        ),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True, comment="why it is not given back"),
        sa.Column("fee_accepted", amount, nullable=False),
        sa.Column("found_amount", amount, nullable=True),
        sa.Column("fee", amount, nullable=True, comment="as stated; never raised"),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "answer_act_id",
            sa.String(length=40),
            nullable=True,
            comment="the newest of who is asked",
        ),
        sa.Column(
            "reply_act_id",
            sa.String(length=40),
            nullable=True,
            comment="the newest of the requester",
        ),
        sa.Column("return_act_id", sa.String(length=40), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("replied_at", sa.BigInteger(), nullable=True),
        sa.Column("out_at", sa.BigInteger(), nullable=True, comment="when the partner was asked"),
        sa.Column("found_at", sa.BigInteger(), nullable=True, comment="for the first time"),
        sa.Column("returned_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recovery_id"], ["recovery_request.id"], name="fk_recovery_deposit_recovery_id"
        ),
        sa.PrimaryKeyConstraint("recovery_id", "no", name="pk_recovery_deposit"),
    )
    op.create_index(
        "uq_recovery_deposit_live",
        "recovery_deposit",
        ["requester", "partner", "deposit_index"],
        unique=True,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    )
    op.create_index(
        "ix_recovery_deposit_partner_deposit_index",
        "recovery_deposit",
        ["partner", "deposit_index"],
    )
    for side in ("requester", "partner"):
        op.create_index(f"ix_recovery_deposit_{side}_out_at", "recovery_deposit", [side, "out_at"])
    op.create_index("ix_member_act_about", "member_act", ["about"])

"""Return requests, what of each hold was accepted, and which lines were sent for one."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=40), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = True, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, comment=comment)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "return_request",
        _id("id"),
        _id("request_id"),
        _id("leg_id"),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column(
            "before", sa.String(length=12), nullable=True, comment="what it was when suspended"
        ),
        _id("act_id"),
        sa.Column(
            "act_sha256", sa.String(length=64), nullable=False, comment="of the body that asks"
        ),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column("amount", _UNITS, nullable=True, comment="base units; null: all that is held"),
        _id("destination_id"),
        _id("asked_by"),
        sa.Column("asked_kid", sa.String(length=43), nullable=False),
        _at("asked_at", nullable=False),
        _at("void_at", nullable=False, comment="nobody approved it in time"),
        _at("opened_at", comment="since then the partner knows of it"),
        _id("decided_by", nullable=True),
        _at("decided_at"),
        _id("decided_act_id", nullable=True),
        _at("answer_by"),
        _at("answered_at"),
        _id("answer_act_id", nullable=True),
        sa.Column("code", sa.String(length=20), nullable=True, comment="why it was refused"),
        _at("suspended_at"),
        _id("suspended_because", nullable=True, comment="dsp_… or enc_…"),
        _at("sent_at", comment="the last line that names it"),
        _id("receipt_act_id", nullable=True),
        _at("ended_at"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["freeze_request.id"],
            name="fk_return_request_request_id_freeze_request",
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_return_request_leg_id_leg"),
        sa.PrimaryKeyConstraint("id", name="pk_return_request"),
    )
    op.create_index("ix_return_request_request_id", "return_request", ["request_id", "id"])
    op.create_index("ix_return_request_leg_id", "return_request", ["leg_id"])
    op.create_index(
        "ix_return_request_requester", "return_request", ["requester", "status", "void_at"]
    )
    op.create_index(
        "ix_return_request_partner", "return_request", ["partner", "status", "answer_by"]
    )
    op.create_index(
        "ix_return_request_waits",
        "return_request",
        ["void_at"],
        sqlite_where=sa.text("status = 'submitted'"),
        postgresql_where=sa.text("status = 'submitted'"),
    )
    op.create_table(
        "return_part",
        _id("return_id"),
        _id("hold_id"),
        sa.Column("amount", _UNITS, nullable=True),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return_request.id"], name="fk_return_part_return_id_return_request"
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name="fk_return_part_hold_id_hold"),
        sa.PrimaryKeyConstraint("return_id", "hold_id", name="pk_return_part"),
    )
    op.create_index("ix_return_part_hold_id", "return_part", ["hold_id"])
    op.create_table(
        "return_line",
        _id("line_id"),
        _id("return_id"),
        _id("hold_id"),
        sa.ForeignKeyConstraint(
            ["line_id"], ["ledger_line.id"], name="fk_return_line_line_id_ledger_line"
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return_request.id"], name="fk_return_line_return_id_return_request"
        ),
        sa.PrimaryKeyConstraint("line_id", name="pk_return_line"),
    )
    op.create_index("ix_return_line_return_id", "return_line", ["return_id"])

"""On-call chains, what somebody is woken for, and each message to a person."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nobody has a chain yet."""
    op.create_table(
        "on_call",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="onc_…; owner of the document"
        ),
        sa.Column("set_by", sa.String(length=40), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_on_call_partner"),
        sa.PrimaryKeyConstraint("partner", name="pk_on_call"),
        sa.UniqueConstraint("id", name="uq_on_call_id"),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=40), nullable=False, comment="alm_…"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="of the task; test"),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("about", sa.String(length=40), nullable=True, comment="as in the task"),
        sa.Column("can_wait", sa.Boolean(), nullable=False, comment="quiet hours are waited out"),
        sa.Column("owed_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "due_for", sa.BigInteger(), nullable=True, comment="the end of the hold it is about"
        ),
        sa.Column(
            "place",
            sa.Integer(),
            nullable=False,
            comment="of the chain, through all rounds: paged next",
        ),
        sa.Column(
            "next_at", sa.BigInteger(), nullable=True, comment="when that is; None: it is over"
        ),
        sa.Column("paged_at", sa.BigInteger(), nullable=True, comment="the first of the chain"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.String(length=10),
            nullable=True,
            comment="taken, done, unheard, nobody, test",
        ),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_alarm_partner"),
        sa.ForeignKeyConstraint(["request_id"], ["freeze_request.id"], name="fk_alarm_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_partner_id", "alarm", ["partner", "id"], unique=False)
    op.create_index("ix_alarm_request_id", "alarm", ["request_id"], unique=False)
    op.create_index(
        "ix_alarm_next_at",
        "alarm",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "alarm_call",
        sa.Column("id", sa.String(length=40), nullable=False, comment="cal_…"),
        sa.Column("alarm_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column(
            "on_call_id",
            sa.String(length=40),
            nullable=False,
            comment="the chain whose channel it is",
        ),
        sa.Column("step", sa.Integer(), nullable=False, comment="of the chain, from 0"),
        sa.Column("channel_no", sa.Integer(), nullable=False, comment="of the step, from 0"),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.String(length=10),
            nullable=False,
            comment="pending, sent, failed, dropped",
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column(
            "next_at",
            sa.BigInteger(),
            nullable=True,
            comment="of the next try; None: no more",
        ),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name="fk_alarm_call_alarm_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_call"),
    )
    op.create_index("ix_alarm_call_alarm_id", "alarm_call", ["alarm_id"], unique=False)
    op.create_index(
        "ix_alarm_call_next_at",
        "alarm_call",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )

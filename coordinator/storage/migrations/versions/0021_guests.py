"""Guests: organisations that are no member and are asked all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nobody is asked as a guest yet."""
    op.create_table(
        "guest",
        sa.Column("id", sa.String(length=40), nullable=False, comment="gst_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column(
            "domain",
            sa.String(length=253),
            nullable=False,
            comment="lower case, IDNs as A-labels",
        ),
        sa.Column("act_id", sa.String(length=40), nullable=False, comment="of the lead who asked"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            comment="asked, contacted, unreachable, joined",
        ),
        sa.Column("error", sa.String(length=40), nullable=True, comment="why it was not reached"),
        sa.Column("link_sha256", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column(
            "next_at", sa.BigInteger(), nullable=True, comment="when the contact is looked for"
        ),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("contacted_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("joined_at", sa.BigInteger(), nullable=True),
        sa.Column("leg_id", sa.String(length=40), nullable=True, comment="its own, once it joined"),
        sa.Column("code_wanted_at", sa.BigInteger(), nullable=True),
        sa.Column("code_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("code_sha256", sa.String(length=64), nullable=True, comment="with the link"),
        sa.Column("code_until", sa.BigInteger(), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["freeze_request.id"], name="fk_guest_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_guest"),
        sa.UniqueConstraint("link_sha256", name="uq_guest_link_sha256"),
    )
    op.create_index("ix_guest_request_id", "guest", ["request_id"], unique=False)
    op.create_index("ix_guest_requester_asked_at", "guest", ["requester", "asked_at"], unique=False)
    op.create_index("ix_guest_domain", "guest", ["domain"], unique=False)
    for column in ("next_at", "code_wanted_at"):
        op.create_index(
            f"ix_guest_{column}",
            "guest",
            [column],
            unique=False,
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_table(
        "guest_answer",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="gan_…; owner of the document"
        ),
        sa.Column("guest_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=12),
            nullable=False,
            comment="acknowledged, reported, declined",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["guest_id"], ["guest.id"], name="fk_guest_answer_guest_id"),
        sa.PrimaryKeyConstraint("id", name="pk_guest_answer"),
    )
    op.create_index("ix_guest_answer_guest_id", "guest_answer", ["guest_id"], unique=False)
    op.create_table(
        "guest_domain",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("mailed_at", sa.BigInteger(), nullable=True, comment="links"),
        sa.Column("codes_since", sa.BigInteger(), nullable=True),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_guest_domain"),
    )

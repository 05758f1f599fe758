"""Flags: changes of what partners are asked about, how far they applied them, and renewals."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns; the flags of requests that are live follow from their legs."""
    op.create_table(
        "flag_change",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="of the event that told of it",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("partner", "seq", name="pk_flag_change"),
    )
    op.create_table(
        "applied_flags",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "act_id", sa.String(length=40), nullable=False, comment="owner of what proves it"
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "root", sa.String(length=64), nullable=False, comment="of the set that it applied"
        ),
        sa.Column("flag_count", sa.BigInteger(), nullable=False),
        sa.Column(
            "hit_count",
            sa.BigInteger(),
            nullable=False,
            comment="deposits that it held for a person since it last said so",
        ),
        sa.Column("applied_by", sa.String(length=40), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_applied_flags_partner"),
        sa.PrimaryKeyConstraint("partner", name="pk_applied_flags"),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "sealed_lines_hash",
            sa.LargeBinary(),
            nullable=True,
            comment="of its flags as submitted, sealed by its data key; None: from before flags",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "flags_renewed_at",
            sa.BigInteger(),
            nullable=True,
            comment="when its requester last asked that deposits be screened for it",
        ),
    )
    op.create_index(
        "ix_leg_live",
        "leg",
        ["partner", "request_id"],
        unique=False,
        sqlite_where=sa.text("ended = 0"),
        postgresql_where=sa.text("NOT ended"),
    )

"""Who read what of a request, with which key, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the read log; what was read before is not known."""
    op.create_table(
        "request_read",
        sa.Column("id", sa.String(length=40), nullable=False, comment="rdl_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=40),
            nullable=False,
            comment="the person or system that read",
        ),
        sa.Column(
            "kid",
            sa.String(length=43),
            nullable=False,
            comment="empty: signed in by their provider",
        ),
        sa.Column(
            "roles",
            sa.String(length=120),
            nullable=False,
            comment="theirs then, comma-separated",
        ),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False, comment="api, console"),
        sa.Column("window_at", sa.BigInteger(), nullable=False, comment="when the window began"),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False, comment="how often, within the window"),
        sa.PrimaryKeyConstraint("id", name="pk_request_read"),
        sa.UniqueConstraint(
            "request_id",
            "window_at",
            "subject",
            "kid",
            "what",
            "via",
            "roles",
            name="uq_request_read_line",
        ),
    )
    op.create_index(
        "ix_request_read_request_id_id", "request_read", ["request_id", "id"], unique=False
    )
    op.create_index(
        "ix_request_read_request_id_partner_id",
        "request_read",
        ["request_id", "partner", "id"],
        unique=False,
    )

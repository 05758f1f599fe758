"""What endpoints said of themselves (410, Retry-After), and how long a failed answer is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: New columns of an endpoint, with what they hold.
_OF_ENDPOINT = {
    "disabled_at": "turned off since; None: on",
    "gone_at": "answered 410, and is turned off for it",
    "busy_since": "when it sent its Retry-After",
    "busy_until": "what that asked for, bounded",
}


def upgrade() -> None:
    """Add the columns; of endpoints that are turned off already nobody knows since when."""
    for name, comment in _OF_ENDPOINT.items():
        op.add_column(
            "webhook_endpoint", sa.Column(name, sa.BigInteger(), nullable=True, comment=comment)
        )
    op.create_index(
        "ix_webhook_endpoint_gone_at",
        "webhook_endpoint",
        ["gone_at"],
        unique=False,
        sqlite_where=sa.text("gone_at IS NOT NULL"),
        postgresql_where=sa.text("gone_at IS NOT NULL"),
    )
    op.add_column(
        "delivery",
        sa.Column(
            "answer_until",
            sa.BigInteger(),
            nullable=True,
            comment="until when the text of its last failed answer is kept",
        ),
    )
    op.create_index(
        "ix_delivery_answer_until",
        "delivery",
        ["answer_until"],
        unique=False,
        sqlite_where=sa.text("answer_until IS NOT NULL"),
        postgresql_where=sa.text("answer_until IS NOT NULL"),
    )

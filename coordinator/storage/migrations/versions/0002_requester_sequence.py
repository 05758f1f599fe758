"""Numbers of a leg's events for the requester, who is not told of all that its partner is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of legs that exist the requester's numbers begin now."""
    op.add_column(
        "leg",
        sa.Column(
            "requester_sequence",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="events that the requester is told of, too",
        ),
    )

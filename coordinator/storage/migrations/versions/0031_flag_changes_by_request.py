"""Changes of flags, found by their request."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index along which a feed finds out what a reader was told of before."""
    op.create_index(
        "ix_flag_change_request", "flag_change", ["partner", "request_id", "seq"], unique=False
    )

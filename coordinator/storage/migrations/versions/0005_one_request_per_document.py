"""One request for each document of a requester: acts name what they bind to by its hash."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index that holds it."""
    op.create_index(
        "uq_freeze_request_requester_content_sha256",
        "freeze_request",
        ["requester", "content_sha256"],
        unique=True,
    )

"""What partners say of themselves in the directory."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nobody has said anything yet."""
    op.add_column(
        "partner",
        sa.Column(
            "freezes_on",
            sa.String(length=10),
            nullable=False,
            server_default="request",
            comment="request, or order: what it freezes on, by its own word",
        ),
    )
    for name, comment in (
        ("jurisdictions", "ISO 3166 codes, as it says; None: not said"),
        ("languages", "BCP 47 tags, as it says; None: not said"),
        ("hours", "zone and spans of its desk; None: not said"),
    ):
        op.add_column("partner", sa.Column(name, sa.JSON(), nullable=True, comment=comment))
    op.add_column(
        "partner",
        sa.Column(
            "named_in_statistics",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="other members read figures of it under its name",
        ),
    )

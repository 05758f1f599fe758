"""Whose name a stored answer tells, so that it is erased with the name."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; answers that exist tell no names."""
    op.add_column(
        "stored_answer",
        sa.Column(
            "about",
            sa.String(length=40),
            nullable=True,
            comment="whose name the answer tells; erased with it",
        ),
    )
    op.create_index(
        "ix_stored_answer_about",
        "stored_answer",
        ["about"],
        unique=False,
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )

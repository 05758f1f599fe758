"""Requests, incidents and what wakes people may be drills."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SAYS = {
    "incident": "so are all of its requests, or none",
    "freeze_request": "as the signed document says, for good",
    "alarm": "as the request says; its pages do, too",
}


def upgrade() -> None:
    """Add the columns: what is there already is real."""
    for table, comment in _SAYS.items():
        op.add_column(
            table,
            sa.Column(
                "drill", sa.Boolean(), nullable=False, server_default=sa.false(), comment=comment
            ),
        )

"""Take back what later acts, or the end of a request, left standing on a leg before."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LEG = sa.table(
    "leg",
    sa.column("id", sa.String),
    sa.column("ended", sa.Boolean),
    sa.column("flags", sa.JSON),
    sa.column("last_act", sa.String),
    sa.column("decline_code", sa.String),
    sa.column("decline_act_id", sa.String),
)
_OVER = ("overdue", "info_requested")


def upgrade() -> None:
    """Bring the rows to what acts leave behind from now on."""
    fill(op.get_bind())


def fill(connection: sa.Connection) -> None:
    """Clear declines that were not the last word, and flags that nobody can clear any more."""
    connection.execute(
        sa.update(_LEG)
        .where(_LEG.c.decline_code.is_not(None), _LEG.c.last_act != "decline")
        .values(decline_code=None, decline_act_id=None)
    )
    text = sa.cast(_LEG.c.flags, sa.Text)
    flagged = sa.or_(*(text.like(f"%{flag}%") for flag in _OVER))
    ended = sa.select(_LEG.c.id, _LEG.c.flags).where(_LEG.c.ended, flagged)
    for leg_id, flags in connection.execute(ended).all():
        left = [flag for flag in flags if flag not in _OVER]
        connection.execute(sa.update(_LEG).where(_LEG.c.id == leg_id).values(flags=left))

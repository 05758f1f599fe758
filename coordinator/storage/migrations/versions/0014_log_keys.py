"""The log's key may be replaced: what it says of its keys, and which of them must sign."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the column of the head."""
    op.add_column(
        "log_head",
        sa.Column(
            "signing_key",
            sa.LargeBinary(),
            nullable=True,
            comment="Ed25519, must sign every checkpoint; None: none was ever replaced",
        ),
    )
    op.create_table(
        "log_key_statement",
        sa.Column(
            "leaf_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=False,
            comment="the event's bytes, with its proof",
        ),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_log_key_statement"),
    )

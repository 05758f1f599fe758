"""Cosignatures of witnesses, and which checkpoint they are collected for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, and the column beside those of the checkpoints."""
    op.add_column(
        "log_head",
        sa.Column(
            "collected_size",
            _BIG,
            server_default=sa.text("0"),
            nullable=False,
            comment="newest checkpoint of an earlier round than signed_at",
        ),
    )
    op.create_table(
        "log_cosignature",
        sa.Column(
            "witness", sa.String(length=400), nullable=False, comment="verifier key, with its name"
        ),
        sa.Column("tree_size", _BIG, autoincrement=False, nullable=False),
        sa.Column(
            "made_at",
            _BIG,
            nullable=False,
            comment="as the witness says: seconds since 1970",
        ),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "signature",
            sa.LargeBinary(),
            nullable=False,
            comment="time and signature, as in the note",
        ),
        sa.PrimaryKeyConstraint("witness", "tree_size", name=op.f("pk_log_cosignature")),
    )

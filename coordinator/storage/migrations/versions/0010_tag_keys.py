"""Partners' tag keys, and in the head of the log when one last changed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and the column; no partner has a key yet."""
    op.create_table(
        "tag_key",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "leaf_index",
            _BIG,
            nullable=True,
            comment="of the act that set it: the first leaf that it holds for",
        ),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_tag_key_partner_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_tag_key"),
        sa.UniqueConstraint("partner", name="uq_tag_key_partner"),
    )
    op.create_index("ix_tag_key_leaf_index", "tag_key", ["leaf_index"], unique=False)
    op.add_column(
        "log_head",
        sa.Column(
            "tag_keys_changed",
            _BIG,
            server_default=sa.text("0"),
            nullable=False,
            comment="leaves there were when a partner's tag key last changed, that change's "
            "included",
        ),
    )

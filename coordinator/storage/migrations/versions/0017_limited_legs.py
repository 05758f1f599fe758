"""The directory, legs limited to named people, and how long sealed texts are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
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
    op.add_column(
        "leg",
        sa.Column(
            "limited_at",
            sa.BigInteger(),
            nullable=True,
            comment="seen by the named people of its partner alone since then",
        ),
    )
    op.add_column("leg", sa.Column("limited_by", sa.String(length=40), nullable=True))
    op.create_index(
        "ix_leg_limited",
        "leg",
        ["partner", "request_id"],
        unique=False,
        sqlite_where=sa.text("limited_at IS NOT NULL"),
        postgresql_where=sa.text("limited_at IS NOT NULL"),
    )
    op.create_table(
        "leg_person",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_leg_person_leg_id"),
        sa.PrimaryKeyConstraint("leg_id", "person", name="pk_leg_person"),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "sealed_evidence",
        sa.Column(
            "erased_at", sa.BigInteger(), nullable=True, comment="its bytes are gone since then"
        ),
    )
    op.create_index(
        "ix_sealed_evidence_kept",
        "sealed_evidence",
        ["sealed_at"],
        unique=False,
        sqlite_where=sa.text("erased_at IS NULL"),
        postgresql_where=sa.text("erased_at IS NULL"),
    )
    op.add_column(
        "subject",
        sa.Column(
            "forgotten_at",
            sa.BigInteger(),
            nullable=True,
            comment="left long ago: nothing is kept of what they were called since then",
        ),
    )
    op.create_index(
        "ix_subject_revoked_at",
        "subject",
        ["revoked_at"],
        unique=False,
        sqlite_where=sa.text("revoked_at IS NOT NULL AND forgotten_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NOT NULL AND forgotten_at IS NULL"),
    )

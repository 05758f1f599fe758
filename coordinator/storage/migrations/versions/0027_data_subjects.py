"""Persons who ask for their rights under data-protection law."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nobody asked yet."""
    op.create_table(
        "data_subject_request",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="dsr_…; owner of its document `words`",
        ),
        sa.Column(
            "partner",
            sa.String(length=253),
            nullable=True,
            comment="who passed it on; None: the operator",
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column(
            "request_id",
            sa.String(length=40),
            nullable=True,
            comment="as it was named; None: by an account",
        ),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_subject_request"),
    )
    op.create_index(
        "ix_data_subject_request_partner", "data_subject_request", ["partner", "id"], unique=False
    )
    op.create_table(
        "data_subject_case",
        sa.Column("data_subject_request_id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column("address_no", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            comment="open, extended, granted, refused, erased",
        ),
        sa.Column("routed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("extended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "overdue_at", sa.BigInteger(), nullable=True, comment="when it was seen to be late"
        ),
        sa.Column(
            "answered_at", sa.BigInteger(), nullable=True, comment="granted, refused or erased"
        ),
        sa.Column(
            "reason", sa.String(length=24), nullable=True, comment="a code; there is no text"
        ),
        sa.Column("act_id", sa.String(length=40), nullable=True, comment="of the last decision"),
        sa.Column(
            "letter_id",
            sa.String(length=40),
            nullable=True,
            comment="sev_…, sealed to the requester",
        ),
        sa.ForeignKeyConstraint(
            ["data_subject_request_id"],
            ["data_subject_request.id"],
            name="fk_data_subject_case_data_subject_request_id",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_data_subject_case_request_id"
        ),
        sa.PrimaryKeyConstraint(
            "data_subject_request_id", "request_id", name="pk_data_subject_case"
        ),
    )
    op.create_index(
        "ix_data_subject_case_request_id", "data_subject_case", ["request_id"], unique=False
    )
    op.create_index(
        "ix_data_subject_case_requester",
        "data_subject_case",
        ["requester", "data_subject_request_id"],
        unique=False,
    )
    for name, columns, where in (
        ("waits", ["requester", "due_at"], "answered_at IS NULL"),
        ("due_at", ["due_at"], "answered_at IS NULL AND overdue_at IS NULL"),
    ):
        op.create_index(
            f"ix_data_subject_case_{name}",
            "data_subject_case",
            columns,
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.add_column(
        "erasure",
        sa.Column("requester", sa.String(length=253), nullable=True, comment="whose lead signs it"),
    )
    op.execute(
        "UPDATE erasure SET requester = (SELECT requester FROM freeze_request"
        " WHERE freeze_request.id = erasure.request_id)"
    )
    op.create_index(
        "ix_erasure_waits",
        "erasure",
        ["requester", "request_id"],
        unique=False,
        sqlite_where=sa.text("erased_at IS NULL"),
        postgresql_where=sa.text("erased_at IS NULL"),
    )

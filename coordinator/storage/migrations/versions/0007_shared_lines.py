"""Lines that count for a leg and were written on another; how many addresses were taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both, fill them from what is there, and index provisional requests by themselves."""
    op.create_table(
        "shared_line",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "address_no",
            sa.Integer(),
            nullable=False,
            comment="of this leg's request, not the line's",
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name=op.f("fk_shared_line_leg_id")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["ledger_line.id"], name=op.f("fk_shared_line_line_id")
        ),
        sa.PrimaryKeyConstraint("leg_id", "line_id", name=op.f("pk_shared_line")),
    )
    op.create_index(
        "ix_shared_line_request_id_line_id", "shared_line", ["request_id", "line_id"], unique=False
    )
    op.add_column(
        "freeze_request",
        sa.Column("withdrawn_count", sa.Integer(), server_default="0", nullable=False),
    )
    op.drop_index("ix_freeze_request_ratify_by", "freeze_request")
    for name, columns in (
        ("ix_freeze_request_ratify_by", ["ratify_by"]),
        ("ix_freeze_request_provisional", ["requester", "id"]),
    ):
        op.create_index(
            name,
            "freeze_request",
            columns,
            unique=False,
            sqlite_where=sa.text("provisional = 1"),
            postgresql_where=sa.text("provisional"),
        )
    fill(op.get_bind())


def fill(connection: sa.Connection) -> None:
    """Show lines about shared holds on every leg that these count for now; count withdrawals."""
    connection.execute(
        sa.text(
            "INSERT INTO shared_line (leg_id, line_id, request_id, address_no)"
            " SELECT hold_link.leg_id, ledger_line.id, hold_link.request_id, hold_link.address_no"
            " FROM ledger_line JOIN hold_link ON hold_link.hold_id = ledger_line.hold_id"
            " WHERE hold_link.leg_id <> ledger_line.leg_id AND NOT ("
            "ledger_line.kind = 'frozen' AND ledger_line.amount IS NULL"
            " AND NOT ledger_line.withheld)"
        )
    )
    connection.execute(
        sa.text(
            "UPDATE freeze_request SET withdrawn_count = (SELECT count(*) FROM withdrawn_address"
            " WHERE withdrawn_address.request_id = freeze_request.id)"
            " WHERE id IN (SELECT request_id FROM withdrawn_address)"
        )
    )

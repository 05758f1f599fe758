"""Blind indexes packed by request, and an index over accounts for each requester by itself."""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT_ONCE = 256
_PACKED = sa.table(
    "packed_accounts",
    sa.column("request_id", sa.String),
    sa.column("first_no", sa.Integer),
    sa.column("blind_indexes", sa.LargeBinary),
)
_FLAGGED = sa.table(
    "flagged_account",
    sa.column("requester", sa.String),
    sa.column("account_hash", sa.BigInteger),
    sa.column("request_id", sa.String),
)


def upgrade() -> None:
    """Pack what is there; a row of an address is kept where it states something."""
    op.create_table(
        "packed_accounts",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("first_no", sa.Integer(), nullable=False, comment="address_no of the first"),
        sa.Column(
            "blind_indexes",
            sa.LargeBinary(),
            nullable=False,
            comment="HMAC-SHA-256 of each account key, 16 bytes each, in the order of address_no",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name=op.f("fk_packed_accounts_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "first_no", name=op.f("pk_packed_accounts")),
    )
    op.create_table(
        "flagged_account",
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column(
            "account_hash",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
            comment="first 8 bytes of the blind index, signed",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint(
            "requester", "account_hash", "request_id", name=op.f("pk_flagged_account")
        ),
        sqlite_with_rowid=False,
    )
    fill(op.get_bind())
    op.execute(
        "DELETE FROM flagged_address WHERE asset IS NULL AND amount IS NULL AND usd_cents IS NULL"
    )
    op.drop_index("ix_flagged_address_blind_index", "flagged_address")
    op.drop_column("flagged_address", "blind_index")


def fill(connection: sa.Connection) -> None:
    """Pack the blind indexes of every request, one request at a time."""
    requests = connection.execute(sa.text("SELECT id, requester FROM freeze_request ORDER BY id"))
    for request_id, requester in requests.all():
        rows = connection.execute(
            sa.text(
                "SELECT address_no, blind_index FROM flagged_address"
                " WHERE request_id = :id ORDER BY address_no"
            ),
            {"id": request_id},
        ).all()
        packed = [
            {
                "request_id": request_id,
                "first_no": number * _AT_ONCE,
                "blind_indexes": b"".join(bytes(index) for _, index in part),
            }
            for number, part in groupby(rows, key=lambda row: row[0] // _AT_ONCE)
        ]
        hashes = {int.from_bytes(bytes(index)[:8], "big", signed=True) for _, index in rows}
        flagged = [
            {"requester": requester, "account_hash": each, "request_id": request_id}
            for each in sorted(hashes)
        ]
        if rows:
            connection.execute(_PACKED.insert(), packed)
            connection.execute(_FLAGGED.insert(), flagged)

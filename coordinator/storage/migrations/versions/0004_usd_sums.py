"""What holds and findings are stated to be worth in US dollars, beside their sums of base units."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")
_HOLD = ("frozen_usd", "held_usd", "released_usd", "returned_usd", "seized_usd")

_CORRECTIONS = "SELECT corrects, amount FROM ledger_line WHERE kind = 'correction' ORDER BY id"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the sums, and add up what lines stated before there were any."""
    for name in _HOLD:
        op.add_column("hold", _sum(name))
    op.add_column("finding", _sum("found_usd"))
    add_up(op.get_bind())


def _sum(name: str) -> sa.Column[Any]:
    return sa.Column(name, _UNITS, nullable=True, comment="cents; null: no value stated")


def add_up(connection: sa.Connection) -> None:
    """Add up the stated values; where there are none, and so in a new database, nothing is read."""
    valued = connection.execute(
        sa.text(
            "SELECT id, kind, leg_id, address_no, asset, amount, hold_id, usd_cents"
            " FROM ledger_line WHERE usd_cents IS NOT NULL"
            " AND kind IN ('found', 'frozen', 'returned') ORDER BY id"
        )
    ).all()
    if not valued:
        return
    newest = {row.corrects: row.amount for row in connection.execute(sa.text(_CORRECTIONS))}
    found: dict[tuple[str, int, str], int] = defaultdict(int)
    of_hold: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in valued:
        cents, stated = int(row.usd_cents), int(row.amount or 0)
        if row.id in newest:
            # A value goes with the amount that it was stated of.
            cents = cents * int(newest[row.id] or 0) // stated if stated else 0
        if row.kind == "found":
            found[row.leg_id, row.address_no, row.asset] += cents
        else:
            of_hold[row.hold_id][f"{row.kind}_usd"] += cents
    for (leg_id, address_no, asset), cents in found.items():
        connection.execute(
            sa.text(
                "UPDATE finding SET found_usd = :cents"
                " WHERE leg_id = :leg AND address_no = :address AND asset = :asset"
            ),
            {"cents": str(cents), "leg": leg_id, "address": address_no, "asset": asset},
        )
    for hold_id, sums in of_hold.items():
        _store(connection, hold_id, sums)


def _store(connection: sa.Connection, hold_id: str, sums: dict[str, int]) -> None:
    hold = connection.execute(
        sa.text("SELECT frozen, released, returned, seized FROM hold WHERE id = :id"),
        {"id": hold_id},
    ).one()
    frozen, *left = (int(each) for each in hold)
    held = sums["frozen_usd"] * (frozen - sum(left)) // frozen if frozen else 0
    connection.execute(
        sa.text(
            "UPDATE hold SET frozen_usd = :frozen, held_usd = :held, returned_usd = :returned"
            " WHERE id = :id"
        ),
        {
            "id": hold_id,
            "frozen": str(sums["frozen_usd"]),
            "held": str(held),
            "returned": str(sums["returned_usd"]),
        },
    )

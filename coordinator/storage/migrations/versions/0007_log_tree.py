"""The tree over the leaves of the log: hashes beside the leaves, and its frontier in the head."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

# The encoding of an entry and the hashes over it are what the log means; they cannot change.
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.merkle_tree import Frontier, leaf_hash

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAVES_AT_A_TIME = 5_000


def upgrade() -> None:
    """Add the columns, and compute the tree of the leaves that are there; they have no tags."""
    op.add_column(
        "log_head",
        sa.Column(
            "tree_size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default=sa.text("0"),
            nullable=False,
            comment="leaves that are in the tree",
        ),
    )
    op.add_column(
        "log_head",
        sa.Column(
            "frontier",
            sa.LargeBinary(),
            nullable=True,
            comment="hashes of the complete subtrees that they fall into, the largest first",
        ),
    )
    op.add_column(
        "log_head",
        sa.Column(
            "signed_at",
            sa.BigInteger(),
            nullable=True,
            comment="time of the newest checkpoint",
        ),
    )
    op.add_column(
        "log_head",
        sa.Column(
            "published_size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default=sa.text("0"),
            nullable=False,
            comment="newest checkpoint of an earlier second than signed_at",
        ),
    )
    for name, comment in (
        ("tags", "routing tags, 16 bytes each; None: none"),
        ("nodes", "hashes of the subtrees that this leaf completed, its own first"),
        (
            "checkpoint",
            "signed note of the tree that ends here, beside the last leaf of a transaction",
        ),
    ):
        op.add_column("log_leaf", sa.Column(name, sa.LargeBinary(), nullable=True, comment=comment))
    op.create_index(
        "ix_log_leaf_checkpoint",
        "log_leaf",
        ["index"],
        unique=False,
        sqlite_where=sa.text("checkpoint IS NOT NULL"),
        postgresql_where=sa.text("checkpoint IS NOT NULL"),
    )
    _grow(op.get_bind())


def _grow(connection: sa.Connection) -> None:
    leaf = sa.table(
        "log_leaf",
        sa.column("index", sa.BigInteger),
        sa.column("leaf_id", sa.LargeBinary),
        sa.column("type", sa.String),
        sa.column("at", sa.BigInteger),
        sa.column("commitment", sa.LargeBinary),
        sa.column("nodes", sa.LargeBinary),
    )
    head = sa.table(
        "log_head",
        sa.column("id", sa.Integer),
        sa.column("tree_size", sa.BigInteger),
        sa.column("frontier", sa.LargeBinary),
    )
    store = (
        sa.update(leaf)
        .where(leaf.c.index == sa.bindparam("number"))
        .values(nodes=sa.bindparam("hashes"))
    )
    frontier = Frontier()
    while rows := connection.execute(
        sa.select(leaf.c.index, leaf.c.leaf_id, leaf.c.type, leaf.c.at, leaf.c.commitment)
        .where(leaf.c.index >= frontier.size)
        .order_by(leaf.c.index)
        .limit(_LEAVES_AT_A_TIME)
    ).all():
        grown = []
        for index, leaf_id, kind, at, commitment in rows:
            if index != frontier.size:
                raise AssertionError(f"leaf {frontier.size} is missing: restore a backup that has")
            moment = _EPOCH + timedelta(microseconds=at)
            entry = LogEntry(bytes(leaf_id), kind, moment, bytes(commitment)).encode()
            hashes = frontier.append(leaf_hash(entry))
            grown.append({"number": index, "hashes": b"".join(hashes)})
        connection.execute(store, grown)
    values = {"tree_size": frontier.size, "frontier": frontier.packed()}
    connection.execute(sa.update(head).where(head.c.id == 1).values(values))

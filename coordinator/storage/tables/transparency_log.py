"""The append-only log: its head, and its leaves with the tree over them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Micros


class LogHeadRow(Base):
    """The one row that every commit locks, last: sizes, and how often a right was taken away.

    A release without a tree, which may run beside this one during an upgrade, leaves `tree_size`
    behind `leaf_count`; the next commit catches up.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leaf_count: Mapped[Big]
    event_seq: Mapped[Big]
    revocations: Mapped[Big]
    tree_size: Mapped[Big] = mapped_column(
        server_default=text("0"), comment="leaves that are in the tree"
    )
    frontier: Mapped[bytes | None] = mapped_column(
        comment="hashes of the complete subtrees that they fall into, the largest first"
    )
    signed_at: Mapped[datetime | None] = mapped_column(comment="time of the newest checkpoint")
    published_size: Mapped[Big] = mapped_column(
        server_default=text("0"), comment="newest checkpoint of an earlier second than signed_at"
    )
    collected_size: Mapped[Big] = mapped_column(
        server_default=text("0"), comment="newest checkpoint of an earlier round than signed_at"
    )
    tag_keys_changed: Mapped[Big] = mapped_column(
        server_default=text("0"),
        comment="leaves there were when a partner's tag key last changed, that change's included",
    )
    signing_key: Mapped[bytes | None] = mapped_column(
        comment="Ed25519, must sign every checkpoint; None: none was ever replaced"
    )
    restored_at: Mapped[datetime | None] = mapped_column(
        comment="since when it may be older than what was handed out, and takes no change; "
        "None: it is not, or was reconciled"
    )


class LogLeafRow(Base):
    """One leaf; the commitment binds type, time and body without telling them.

    `nodes` holds the tree: each hash of a complete subtree lies beside the leaf that completed it,
    so that any hash of the tree is read by its leaf's index.
    """

    __tablename__ = "log_leaf"
    __table_args__ = (
        Index(
            "ix_log_leaf_checkpoint",
            "index",
            sqlite_where=text("checkpoint IS NOT NULL"),
            postgresql_where=text("checkpoint IS NOT NULL"),
        ),
    )
    index: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    leaf_id: Mapped[bytes] = mapped_column(unique=True, comment="16 random bytes")
    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[Micros]
    commitment: Mapped[bytes]
    tags: Mapped[bytes | None] = mapped_column(comment="routing tags, 16 bytes each; None: none")
    nodes: Mapped[bytes | None] = mapped_column(
        comment="hashes of the subtrees that this leaf completed, its own first"
    )
    checkpoint: Mapped[bytes | None] = mapped_column(
        comment="signed note of the tree that ends here, beside the last leaf of a transaction"
    )


class LogKeyStatementRow(Base):
    """What the log says of its own keys: public, unlike all other events."""

    __tablename__ = "log_key_statement"
    leaf_index: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(comment="the event's bytes, with its proof")


class LogLossRow(Base):
    """What a restored database lacked when it was reconciled with what others kept of the log.

    The entries stand in the log, as they were; what they are about is lost, and the numbers of
    their events are given to no other.
    """

    __tablename__ = "log_loss"
    first_leaf: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    end_leaf: Mapped[Big] = mapped_column(comment="the first one behind")
    first_seq: Mapped[Big] = mapped_column(comment="of the numbers that events may have had")
    end_seq: Mapped[Big] = mapped_column(comment="the first one behind")
    reconciled_at: Mapped[Micros]


class LogCosignatureRow(Base):
    """A witness's cosignature on one of the log's checkpoints; a few of each witness are kept."""

    __tablename__ = "log_cosignature"
    witness: Mapped[str] = mapped_column(
        String(400), primary_key=True, comment="verifier key, with its name"
    )
    tree_size: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[Big] = mapped_column(comment="as the witness says: seconds since 1970")
    taken_at: Mapped[Micros]
    signature: Mapped[bytes] = mapped_column(comment="time and signature, as in the note")

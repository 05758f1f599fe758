"""The append-only log: its head and its leaves."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Micros


class LogHeadRow(Base):
    """The one row that every commit locks, last: sizes, and how often a right was taken away."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leaf_count: Mapped[Big]
    event_seq: Mapped[Big]
    revocations: Mapped[Big]


class LogLeafRow(Base):
    """One leaf; the commitment binds type, time and body without telling them."""

    __tablename__ = "log_leaf"
    index: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    leaf_id: Mapped[bytes] = mapped_column(unique=True, comment="16 random bytes")
    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[Micros]
    commitment: Mapped[bytes]

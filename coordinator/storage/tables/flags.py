"""Flags: when a partner's set of flagged accounts changed, and how far it applied them.

The flags themselves are no rows: they are the addresses of live requests, as legs have them.
"""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros


class FlagChangeRow(Base):
    """That what a partner is asked about changed with an event; the feed's source."""

    __tablename__ = "flag_change"
    # Whether a partner was told of a request before.
    __table_args__ = (Index("ix_flag_change_request", "partner", "request_id", "seq"),)
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    seq: Mapped[Big] = mapped_column(
        primary_key=True, autoincrement=False, comment="of the event that told of it"
    )
    request_id: Mapped[Id]


class AppliedFlagsRow(Base):
    """How far a partner says that it screens by its flags."""

    __tablename__ = "applied_flags"
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), primary_key=True)
    act_id: Mapped[Id] = mapped_column(comment="owner of what proves it")
    seq: Mapped[Big]
    root: Mapped[str] = mapped_column(String(64), comment="of the set that it applied")
    flag_count: Mapped[Big]
    hit_count: Mapped[Big] = mapped_column(
        comment="deposits that it held for a person since it last said so"
    )
    applied_by: Mapped[Id]
    applied_at: Mapped[Micros]

"""What happened, in order, and who may see it."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros


class EventRow(Base):
    """One event; `seq` is given under the head lock, so commit order is `seq` order."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_request_id_seq", "request_id", "seq"),
        Index("ix_event_leaf_index", "leaf_index"),
    )
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(unique=True)
    type: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[Id | None]
    leg_id: Mapped[Id | None]
    occurred_at: Mapped[Micros]
    leaf_index: Mapped[Big]


class EventAudienceRow(Base):
    """A partner that an event goes to; the handle "*" means every member."""

    __tablename__ = "event_audience"
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)

"""Who read what of a request, with which key, and when."""

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class RequestReadRow(Base):
    """Reads of one thing by one key within a window of time, counted: a line of the read log.

    There is no foreign key: PostgreSQL would lock the request's row for it, and an act on that
    request would wait for readers.
    """

    __tablename__ = "request_read"
    __table_args__ = (
        UniqueConstraint(
            "request_id",
            "window_at",
            "subject",
            "kid",
            "what",
            "via",
            "roles",
            name="uq_request_read_line",
        ),
        Index("ix_request_read_request_id_id", "request_id", "id"),
        Index("ix_request_read_request_id_partner_id", "request_id", "partner", "id"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="rdl_…")
    request_id: Mapped[Id]
    partner: Mapped[str] = mapped_column(String(253))
    subject: Mapped[str] = mapped_column(String(40), comment="the person or system that read")
    kid: Mapped[str] = mapped_column(String(43), comment="empty: signed in by their provider")
    roles: Mapped[str] = mapped_column(String(120), comment="theirs then, comma-separated")
    what: Mapped[str] = mapped_column(String(20))
    via: Mapped[str] = mapped_column(String(10), comment="api, console")
    window_at: Mapped[Micros] = mapped_column(comment="when the window began")
    first_at: Mapped[Micros]
    last_at: Mapped[Micros]
    times: Mapped[int] = mapped_column(comment="how often, within the window")

"""Organisations that are no member and are asked all the same, and what they said."""

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class GuestRow(Base):
    """One organisation that is no member, asked about one request; nothing of it is in any sum.

    Its link and its contact's address are sealed under the request's key.
    """

    __tablename__ = "guest"
    __table_args__ = (
        Index("ix_guest_request_id", "request_id"),
        Index("ix_guest_requester_asked_at", "requester", "asked_at"),
        Index("ix_guest_domain", "domain"),
        Index(
            "ix_guest_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index(
            "ix_guest_code_wanted_at",
            "code_wanted_at",
            sqlite_where=text("code_wanted_at IS NOT NULL"),
            postgresql_where=text("code_wanted_at IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="gst_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    requester: Mapped[str] = mapped_column(String(253))
    domain: Mapped[str] = mapped_column(String(253), comment="lower case, IDNs as A-labels")
    act_id: Mapped[Id] = mapped_column(comment="of the lead who asked")
    asked_at: Mapped[Micros]
    answer_by: Mapped[Micros]
    status: Mapped[str] = mapped_column(String(12), comment="asked, contacted, unreachable, joined")
    error: Mapped[str | None] = mapped_column(String(40), comment="why it was not reached")
    link_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    tries: Mapped[int]
    next_at: Mapped[Micros | None] = mapped_column(comment="when the contact is looked for")
    lease_until: Mapped[Micros | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    contacted_at: Mapped[Micros | None]
    acknowledged_at: Mapped[Micros | None]
    answered_at: Mapped[Micros | None]
    joined_at: Mapped[Micros | None]
    leg_id: Mapped[Id | None] = mapped_column(comment="its own, once it joined")
    code_wanted_at: Mapped[Micros | None]
    code_sent_at: Mapped[Micros | None]
    code_sha256: Mapped[str | None] = mapped_column(String(64), comment="with the link")
    code_until: Mapped[Micros | None]
    code_tries: Mapped[int]


class GuestAnswerRow(Base):
    """One statement of a guest, which nobody signed; what it says is sealed."""

    __tablename__ = "guest_answer"
    __table_args__ = (Index("ix_guest_answer_guest_id", "guest_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="gan_…; owner of the document")
    guest_id: Mapped[Id] = mapped_column(ForeignKey("guest.id"))
    act_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(12), comment="acknowledged, reported, declined")
    at: Mapped[Micros]


class GuestDomainRow(Base):
    """What was mailed to a domain lately, whoever asked."""

    __tablename__ = "guest_domain"
    domain: Mapped[str] = mapped_column(String(253), primary_key=True)
    mailed_at: Mapped[Micros | None] = mapped_column(comment="links")
    codes_since: Mapped[Micros | None]
    codes: Mapped[int]

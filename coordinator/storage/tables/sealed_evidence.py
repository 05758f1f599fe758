"""Sealed evidence: what the coordinator has of files that it cannot read.

What seals them, the wrapped keys included, is in the evidence of the acts.
"""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class SealedEvidenceRow(Base):
    """One file, sealed to some of the partners that have to do with a request."""

    __tablename__ = "sealed_evidence"
    __table_args__ = (
        Index("ix_sealed_evidence_request_id_partner", "request_id", "partner"),
        Index(
            "ix_sealed_evidence_kept",
            "sealed_at",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="sev_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    partner: Mapped[str] = mapped_column(String(253), comment="whose it is")
    tlp: Mapped[str] = mapped_column(String(15))
    size: Mapped[int] = mapped_column(comment="bytes of the ciphertext")
    part_count: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), comment="of the ciphertext")
    sealed_at: Mapped[Micros]
    erased_at: Mapped[Micros | None] = mapped_column(comment="its bytes are gone since then")


class SealedRecipientRow(Base):
    """A partner that can open it."""

    __tablename__ = "sealed_recipient"
    sealed_evidence_id: Mapped[Id] = mapped_column(
        ForeignKey("sealed_evidence.id"), primary_key=True
    )
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    kid: Mapped[str] = mapped_column(String(43), comment="its encryption key")
    act_id: Mapped[Id] = mapped_column(comment="whose evidence holds the wrapped key")
    added_at: Mapped[Micros]


class SealedPartRow(Base):
    """A part of a ciphertext; its bytes are the document `part` of this id."""

    __tablename__ = "sealed_part"
    __table_args__ = (
        UniqueConstraint("request_id", "partner", "sha256", name="uq_sealed_part_sha256"),
        Index("ix_sealed_part_sealed_evidence_id_number", "sealed_evidence_id", "number"),
        Index(
            "ix_sealed_part_waits",
            "sent_at",
            sqlite_where=text("sealed_evidence_id IS NULL"),
            postgresql_where=text("sealed_evidence_id IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="spt_…; owner of the document")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    partner: Mapped[str] = mapped_column(String(253), comment="who sent it")
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    sent_at: Mapped[Micros]
    sealed_evidence_id: Mapped[Id | None] = mapped_column(comment="None: no act names it yet")
    number: Mapped[int | None] = mapped_column(comment="from 0")

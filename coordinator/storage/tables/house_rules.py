"""The network's rulebook: its editions, and who accepted which."""

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros


class RulebookRow(Base):
    """One edition, as the operator published it; its text is for everybody, so it is not sealed."""

    __tablename__ = "rulebook"
    __table_args__ = (Index("ix_rulebook_sha256", "sha256"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="rbk_…")
    sha256: Mapped[str] = mapped_column(String(64), comment="of the text's exact bytes, in hex")
    text: Mapped[str] = mapped_column(Text())
    published_at: Mapped[Micros]
    in_force_from: Mapped[Micros] = mapped_column(
        unique=True, comment="from when on requests name it"
    )
    leaf_index: Mapped[Big | None]


class RulebookAcceptanceRow(Base):
    """That a partner accepted an edition; it holds for good, whichever is in force meanwhile."""

    __tablename__ = "rulebook_acceptance"
    __table_args__ = (
        Index("uq_rulebook_acceptance_partner_sha256", "partner", "sha256", unique=True),
    )
    id: Mapped[Id] = mapped_column(
        primary_key=True, comment="rba_…; owner of the evidence, but for a join's, see `proven_by`"
    )
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    sha256: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(40), comment="None: the root key, joining")
    signed_by: Mapped[str] = mapped_column(String(43), comment="kid of the key that signed it")
    accepted_at: Mapped[Micros]
    proven_by: Mapped[Id] = mapped_column(comment="whose document `evidence` proves it")

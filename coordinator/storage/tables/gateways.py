"""The grounds on which members tell amounts, as they declared and the operator verified them."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class GatewayRow(Base):
    """One gateway of a partner; it counts while it is verified and has not ended."""

    __tablename__ = "gateway"
    __table_args__ = (Index("ix_gateway_partner_id", "partner", "id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="gtw_…; owner of the evidence")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    gateway: Mapped[str] = mapped_column(String(15))
    document_sha256: Mapped[str | None] = mapped_column(
        String(64), comment="what shows it; of own terms, the agreement that both sides name"
    )
    subject: Mapped[Id] = mapped_column(comment="who declared it")
    signed_by: Mapped[str] = mapped_column(String(43), comment="kid of the key that signed it")
    declared_at: Mapped[Micros]
    verified_at: Mapped[Micros | None] = mapped_column(comment="since when it counts")
    verified_on: Mapped[Micros | None] = mapped_column(comment="when the operator looked")
    verified_until: Mapped[Micros | None]
    ended_at: Mapped[Micros | None] = mapped_column(comment="withdrawn, or no longer vouched for")

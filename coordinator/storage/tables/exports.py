"""Who took a case out of the coordinator: the custody list of evidence bundles."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class BundleExportRow(Base):
    """One evidence bundle that was handed out."""

    __tablename__ = "bundle_export"
    __table_args__ = (Index("ix_bundle_export_request_id", "request_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="exp_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    subject: Mapped[str] = mapped_column(String(40), comment="the person or system that took it")
    at: Mapped[Micros]
    manifest_sha256: Mapped[str] = mapped_column(String(64))


class RestoringExportRow(Base):
    """One evidence bundle of a restitution or recovery request that was handed out."""

    __tablename__ = "restoring_export"
    __table_args__ = (Index("ix_restoring_export_request_id", "request_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="exp_…")
    request_id: Mapped[Id] = mapped_column(comment="rst_… or rcv_…")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    subject: Mapped[str] = mapped_column(String(40), comment="the person or system that took it")
    at: Mapped[Micros]
    manifest_sha256: Mapped[str] = mapped_column(String(64))

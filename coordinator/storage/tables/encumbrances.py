"""Encumbrances: third parties' claims on what is held, returned or gathered for victims."""

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros, Units

_REVIEWED = text("status = 'standing' AND review_at IS NOT NULL")


class EncumbranceRow(Base):
    """One claim; court and number are in its sealed act alone."""

    __tablename__ = "encumbrance"
    __table_args__ = (
        Index("ix_encumbrance_request_id_id", "request_id", "id"),
        Index("ix_encumbrance_target", "target_id", "status"),
        Index(
            "ix_encumbrance_review",
            "review_at",
            sqlite_where=_REVIEWED,
            postgresql_where=_REVIEWED,
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="enc_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id | None] = mapped_column(comment="whose partner holds; None: of a pool")
    target_kind: Mapped[str] = mapped_column(String(10), comment="hold, return or pool")
    target_id: Mapped[Id]
    partner: Mapped[str] = mapped_column(String(253), comment="who attached it, and lifts it")
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Units | None] = mapped_column(comment="base units; None: all that is there")
    blocks: Mapped[str] = mapped_column(String(30), comment="what it blocks, sorted, by spaces")
    order_sha256: Mapped[str] = mapped_column(String(64))
    act_id: Mapped[Id]
    attached_at: Mapped[Micros]
    status: Mapped[str] = mapped_column(String(12), comment="standing, review_due or lifted")
    review_at: Mapped[Micros | None] = mapped_column(
        comment="somebody looks again; nothing lapses by it"
    )
    lifted_at: Mapped[Micros | None]
    lift_act_id: Mapped[Id | None]

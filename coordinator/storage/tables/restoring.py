"""What comes back: the accounts that it may be sent to."""

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class DestinationRow(Base):
    """An account of a member's own; which one, and what proved it, is sealed under its key."""

    __tablename__ = "destination"
    __table_args__ = (
        Index("ix_destination_partner_id", "partner", "id"),
        Index("ix_destination_account", "partner", "account_index"),
        Index(
            "ix_destination_waits",
            "partner",
            "expires_at",
            sqlite_where=text("status = 'proposed'"),
            postgresql_where=text("status = 'proposed'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="dst_…; owner of what is sealed")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    account_index: Mapped[bytes] = mapped_column(
        LargeBinary, comment="blind index of the account, tag included"
    )
    status: Mapped[str] = mapped_column(String(12))
    act_sha256: Mapped[str] = mapped_column(String(64), comment="of the proposal's body")
    proposed_by: Mapped[str] = mapped_column(String(40))
    proposer_kid: Mapped[str] = mapped_column(String(43))
    proposed_at: Mapped[Micros]
    expires_at: Mapped[Micros] = mapped_column(comment="a proposal that nobody decides on is over")
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[Micros | None]
    usable_at: Mapped[Micros | None]
    proven_by: Mapped[str | None] = mapped_column(String(40))
    proven_at: Mapped[Micros | None]
    closed_by: Mapped[str | None] = mapped_column(String(40))
    closed_at: Mapped[Micros | None]

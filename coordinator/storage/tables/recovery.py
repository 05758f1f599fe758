"""Deposits that went to the wrong place, and who asks for them back."""

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros, Units


class RecoveryRequestRow(Base):
    """One signed document that asks one partner about deposits; what it says is sealed."""

    __tablename__ = "recovery_request"
    __table_args__ = (
        Index("ix_recovery_request_requester", "requester", "id"),
        Index("ix_recovery_request_partner", "partner", "id"),
        *(
            Index(
                f"ix_recovery_request_{side}_due_at",
                side,
                f"{side}_due_at",
                sqlite_where=text(f"{side}_due_at IS NOT NULL"),
                postgresql_where=text(f"{side}_due_at IS NOT NULL"),
            )
            for side in ("partner", "requester")
        ),
        Index(
            "ix_recovery_request_to_approve",
            "requester",
            "approve_by",
            sqlite_where=text("status = 'submitted'"),
            postgresql_where=text("status = 'submitted'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="rcv_…; owner of its documents")
    requester: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), comment="who is asked")
    status: Mapped[str] = mapped_column(
        String(12), comment="submitted after approve_by means expired"
    )
    drill: Mapped[bool]
    content_sha256: Mapped[str] = mapped_column(String(64))
    document_key_id: Mapped[Id]
    submitted_by: Mapped[str] = mapped_column(String(40))
    submitted_by_person: Mapped[str] = mapped_column(String(40), comment="of a system its owner")
    submitted_by_kid: Mapped[str] = mapped_column(String(43))
    submitted_at: Mapped[Micros]
    approve_by: Mapped[Micros]
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[Micros | None]
    deposit_count: Mapped[int]
    awaits_partner: Mapped[int] = mapped_column(comment="deposits that wait for who is asked")
    awaits_requester: Mapped[int]
    partner_due_at: Mapped[Micros | None] = mapped_column(comment="when the next of them is due")
    requester_due_at: Mapped[Micros | None]
    version: Mapped[int]


class RecoveryDepositRow(Base):
    """One misplaced deposit: where it stands. Accounts and texts are in the signed documents."""

    __tablename__ = "recovery_deposit"
    __table_args__ = (
        # The same deposit is asked for once by one member of another, until it is taken back.
        Index(
            "uq_recovery_deposit_live",
            "requester",
            "partner",
            "deposit_index",
            unique=True,
            sqlite_where=text("live = 1"),
            postgresql_where=text("live"),
        ),
        Index("ix_recovery_deposit_partner_deposit_index", "partner", "deposit_index"),
        Index("ix_recovery_deposit_requester_out_at", "requester", "out_at"),
        Index("ix_recovery_deposit_partner_out_at", "partner", "out_at"),
    )
    recovery_id: Mapped[Id] = mapped_column(ForeignKey("recovery_request.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    requester: Mapped[str] = mapped_column(String(253))
    partner: Mapped[str] = mapped_column(String(253))
    deposit_index: Mapped[bytes] = mapped_column(comment="HMAC of chain, transaction and account")
    drill: Mapped[bool]
    live: Mapped[bool] = mapped_column(comment="false: asked for no more, so that it may be anew")
    status: Mapped[str] = mapped_column(String(12))
    code: Mapped[str | None] = mapped_column(String(20), comment="why it is not given back")
    fee_accepted: Mapped[Units]
    found_amount: Mapped[Units | None]
    fee: Mapped[Units | None] = mapped_column(comment="as stated; never raised")
    due_at: Mapped[Micros | None]
    answer_act_id: Mapped[Id | None] = mapped_column(comment="the newest of who is asked")
    reply_act_id: Mapped[Id | None] = mapped_column(comment="the newest of the requester")
    return_act_id: Mapped[Id | None]
    answered_at: Mapped[Micros | None]
    replied_at: Mapped[Micros | None]
    out_at: Mapped[Micros | None] = mapped_column(comment="when the partner was asked")
    found_at: Mapped[Micros | None] = mapped_column(comment="for the first time")
    returned_at: Mapped[Micros | None]
    confirmed_at: Mapped[Micros | None]

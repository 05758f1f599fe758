"""What comes back: the accounts that it may be sent to, and who is asked for it."""

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros, Units


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


class ReturnRequestRow(Base):
    """A partner is asked to send held funds back; what it says is the evidence of its act."""

    __tablename__ = "return_request"
    __table_args__ = (
        Index("ix_return_request_request_id", "request_id", "id"),
        Index("ix_return_request_leg_id", "leg_id"),
        Index("ix_return_request_requester", "requester", "status", "void_at"),
        Index("ix_return_request_partner", "partner", "status", "answer_by"),
        Index(
            "ix_return_request_waits",
            "void_at",
            sqlite_where=text("status = 'submitted'"),
            postgresql_where=text("status = 'submitted'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"))
    requester: Mapped[str] = mapped_column(String(253))
    partner: Mapped[str] = mapped_column(String(253))
    status: Mapped[str] = mapped_column(String(12))
    before: Mapped[str | None] = mapped_column(String(12), comment="what it was when suspended")
    act_id: Mapped[Id]
    act_sha256: Mapped[str] = mapped_column(String(64), comment="of the body that asks")
    asset: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Units | None] = mapped_column(comment="base units; null: all that is held")
    destination_id: Mapped[Id]
    asked_by: Mapped[Id]
    asked_kid: Mapped[str] = mapped_column(String(43))
    asked_at: Mapped[Micros]
    void_at: Mapped[Micros] = mapped_column(comment="nobody approved it in time")
    opened_at: Mapped[Micros | None] = mapped_column(comment="since then the partner knows of it")
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[Micros | None]
    decided_act_id: Mapped[str | None] = mapped_column(String(40))
    answer_by: Mapped[Micros | None]
    answered_at: Mapped[Micros | None]
    answer_act_id: Mapped[str | None] = mapped_column(String(40))
    code: Mapped[str | None] = mapped_column(String(20), comment="why it was refused")
    suspended_at: Mapped[Micros | None]
    suspended_because: Mapped[str | None] = mapped_column(String(40), comment="dsp_… or enc_…")
    sent_at: Mapped[Micros | None] = mapped_column(comment="the last line that names it")
    receipt_act_id: Mapped[str | None] = mapped_column(String(40))
    ended_at: Mapped[Micros | None]


class ReturnPartRow(Base):
    """How much of one hold a partner accepted to send back; null: all of a withheld hold."""

    __tablename__ = "return_part"
    return_id: Mapped[Id] = mapped_column(ForeignKey("return_request.id"), primary_key=True)
    hold_id: Mapped[Id] = mapped_column(ForeignKey("hold.id"), primary_key=True, index=True)
    amount: Mapped[Units | None]


class ReturnLineRow(Base):
    """A returned line that names a return request; its amount is the ledger's."""

    __tablename__ = "return_line"
    line_id: Mapped[Id] = mapped_column(ForeignKey("ledger_line.id"), primary_key=True)
    return_id: Mapped[Id] = mapped_column(ForeignKey("return_request.id"), index=True)
    hold_id: Mapped[Id]

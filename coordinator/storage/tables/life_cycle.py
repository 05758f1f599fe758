"""What happens to a request after its straight way.

Withdrawals, questions, disputes, additions, orders.
"""

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import EncumbranceStatus


class WithdrawnAddressRow(Base):
    """An address that the requester took back, while the request goes on."""

    __tablename__ = "withdrawn_address"
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), primary_key=True)
    address_no: Mapped[int] = mapped_column(primary_key=True)
    act_id: Mapped[Id]
    withdrawn_at: Mapped[Micros]
    reason: Mapped[str | None] = mapped_column(String(20), comment="reason_code")


class LeftOutAddressRow(Base):
    """An address that the approval left out: who was asked after it never hears of it."""

    __tablename__ = "left_out_address"
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), primary_key=True)
    address_no: Mapped[int] = mapped_column(primary_key=True)


class WithdrawalProposalRow(Base):
    """A withdrawal, or a dispute upheld, that needs another lead before anything is let go."""

    __tablename__ = "withdrawal_proposal"
    __table_args__ = (
        Index("ix_withdrawal_proposal_request_id", "request_id"),
        Index(
            "ix_withdrawal_proposal_void_at",
            "void_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_withdrawal_proposal_waits",
            "requester",
            "void_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="wdp_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    requester: Mapped[str] = mapped_column(
        String(253), default="", server_default="", comment="whose request it is about"
    )
    dispute_id: Mapped[Id | None] = mapped_column(comment="None: a withdrawal")
    act_id: Mapped[Id] = mapped_column(comment="whose evidence says what is withdrawn, and why")
    status: Mapped[str] = mapped_column(
        String(10), comment="pending, approved, rejected, void, moot"
    )
    proposed_by_person: Mapped[str] = mapped_column(String(40))
    proposed_by_kid: Mapped[str] = mapped_column(String(43))
    proposed_at: Mapped[Micros]
    void_at: Mapped[Micros]
    decided_at: Mapped[Micros | None]
    decided_act_id: Mapped[Id | None]


class SupportRow(Base):
    """A document that raises whose word a request's holds rest on."""

    __tablename__ = "support"
    __table_args__ = (Index("ix_support_request_id", "request_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="sup_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    act_id: Mapped[Id]
    support: Mapped[str] = mapped_column(String(20))
    document_sha256: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[Micros]


class IndemnityRow(Base):
    """An indemnity that compliance signed; its words are in the evidence of the act."""

    __tablename__ = "indemnity"
    __table_args__ = (Index("ix_indemnity_request_id", "request_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="ind_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id | None] = mapped_column(comment="whom it is given; None: all asked")
    act_id: Mapped[Id]
    document_sha256: Mapped[str] = mapped_column(String(64))
    valid_until: Mapped[Micros]
    given_at: Mapped[Micros]


class ClearanceRow(Base):
    """A signed statement that an account was flagged by error; the statement itself is sealed."""

    __tablename__ = "clearance"
    __table_args__ = (Index("ix_clearance_request_id", "request_id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="clr_…; owner of the sealed statement")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    address_no: Mapped[int]
    act_id: Mapped[Id] = mapped_column(comment="the withdrawal that says wrong_target")
    issued_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]
    revoked_act_id: Mapped[Id | None]


class TakenTaskRow(Base):
    """That somebody of a partner said "I have it" of what waits for a person."""

    __tablename__ = "taken_task"
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    task_id: Mapped[str] = mapped_column(
        String(80), primary_key=True, comment="tsk_…, made of what waits and of whom it waits for"
    )
    request_id: Mapped[Id | None] = mapped_column(ForeignKey("freeze_request.id"))
    person: Mapped[str] = mapped_column(String(40))
    act_id: Mapped[Id]
    taken_at: Mapped[Micros]


class InfoRequestRow(Base):
    """What a partner asked before it can act; the words are in the evidence of the acts."""

    __tablename__ = "info_request"
    __table_args__ = (
        Index("ix_info_request_leg_id", "leg_id"),
        Index(
            "ix_info_request_reply_by",
            "reply_by",
            sqlite_where=text("answered_at IS NULL AND late_at IS NULL"),
            postgresql_where=text("answered_at IS NULL AND late_at IS NULL"),
        ),
        Index(
            "ix_info_request_waits",
            "requester",
            "reply_by",
            sqlite_where=text("answered_at IS NULL AND moot_at IS NULL"),
            postgresql_where=text("answered_at IS NULL AND moot_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="inf_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    requester: Mapped[str] = mapped_column(
        String(253), default="", server_default="", comment="whose request it is about"
    )
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"))
    act_id: Mapped[Id]
    asked_at: Mapped[Micros]
    reply_by: Mapped[Micros | None]
    late_at: Mapped[Micros | None] = mapped_column(comment="when it was seen to be late")
    moot_at: Mapped[Micros | None] = mapped_column(comment="the request ended before a reply")
    answer_act_id: Mapped[Id | None]
    answered_at: Mapped[Micros | None]


class DisputeRow(Base):
    """A partner contests for its customer, under a reference that only the partner can read."""

    __tablename__ = "dispute"
    __table_args__ = (
        Index("ix_dispute_leg_id", "leg_id"),
        Index(
            "ix_dispute_answer_by",
            "answer_by",
            sqlite_where=text("resolved_at IS NULL AND release_recommended_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL AND release_recommended_at IS NULL"),
        ),
        Index(
            "ix_dispute_to_resolve",
            "requester",
            "answer_by",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(
            "ix_dispute_to_withdraw",
            "requester",
            "withdraw_since",
            sqlite_where=text("withdraw_since IS NOT NULL"),
            postgresql_where=text("withdraw_since IS NOT NULL"),
        ),
        Index(
            "ix_dispute_open",
            "partner",
            "answer_by",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="dsp_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"))
    requester: Mapped[str] = mapped_column(
        String(253), default="", server_default="", comment="whose request it is about"
    )
    partner: Mapped[str] = mapped_column(
        String(253), default="", server_default="", comment="whose leg it is about"
    )
    hold_id: Mapped[Id | None]
    act_id: Mapped[Id]
    raised_at: Mapped[Micros]
    answer_by: Mapped[Micros]
    resolution: Mapped[str | None] = mapped_column(String(20), comment="upheld or rejected")
    resolution_act_id: Mapped[Id | None]
    resolved_at: Mapped[Micros | None]
    release_recommended_at: Mapped[Micros | None] = mapped_column(comment="nobody answered in time")
    upheld_addresses: Mapped[list[int] | None] = mapped_column(
        JSON(none_as_null=True), comment="what its partner held of what was upheld"
    )
    to_withdraw: Mapped[list[int] | None] = mapped_column(
        JSON(none_as_null=True), comment="addresses of these accounts that somebody still holds"
    )
    withdraw_since: Mapped[Micros | None] = mapped_column(
        comment="since when they wait; None: nothing is to be withdrawn"
    )


class AdditionRow(Base):
    """More partners for a live request, approved like a request."""

    __tablename__ = "addition"
    __table_args__ = (
        Index("ix_addition_request_id", "request_id"),
        Index(
            "ix_addition_pending",
            "proposed_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_addition_waits",
            "requester",
            "proposed_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="add_…; owner of the sealed context")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    requester: Mapped[str] = mapped_column(
        String(253), default="", server_default="", comment="whose request it is about"
    )
    act_id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(10), comment="pending, approved or rejected")
    proposed_by_person: Mapped[str] = mapped_column(String(40))
    proposed_by_kid: Mapped[str] = mapped_column(String(43))
    context_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    partner_count: Mapped[int]
    proposed_at: Mapped[Micros]
    decided_at: Mapped[Micros | None]


class AdditionDecisionRow(Base):
    """One lead's decision on an addition; the act holds the evidence."""

    __tablename__ = "addition_decision"
    addition_id: Mapped[Id] = mapped_column(ForeignKey("addition.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), primary_key=True)
    decision: Mapped[str] = mapped_column(String(10))
    act_id: Mapped[Id]


class LegalOrderRow(Base):
    """An order that an authority or the holding partner attached; it binds nobody by itself."""

    __tablename__ = "legal_order"
    __table_args__ = (
        Index("ix_legal_order_request_id", "request_id"),
        Index(
            "ix_legal_order_review",
            "review_at",
            sqlite_where=text("status = 'standing' AND review_at IS NOT NULL"),
            postgresql_where=text("status = 'standing' AND review_at IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="ord_…; owner of the sealed words")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id | None]
    partner: Mapped[str] = mapped_column(String(253))
    act_id: Mapped[Id]
    document_sha256: Mapped[str | None] = mapped_column(String(64))
    attached_at: Mapped[Micros]
    status: Mapped[str] = mapped_column(
        String(12),
        default=EncumbranceStatus.STANDING.value,
        server_default=EncumbranceStatus.STANDING.value,
        comment="standing, review_due or lifted",
    )
    review_at: Mapped[Micros | None] = mapped_column(
        comment="end of its freeze period: somebody looks again, and nothing lapses"
    )
    lifted_at: Mapped[Micros | None]
    lift_act_id: Mapped[Id | None]


class LegalOrderCallBackRow(Base):
    """That a member called an authority back about an order; the act holds the evidence."""

    __tablename__ = "legal_order_call_back"
    legal_order_id: Mapped[Id] = mapped_column(ForeignKey("legal_order.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    act_id: Mapped[Id]
    outcome: Mapped[str] = mapped_column(String(15), comment="confirmed or not_confirmed")
    at: Mapped[Micros]


class ErasureRow(Base):
    """That a request is to be erased, or is; without a word of what it said."""

    __tablename__ = "erasure"
    __table_args__ = (
        Index(
            "ix_erasure_traces",
            "erased_at",
            sqlite_where=text("erased_at IS NOT NULL AND traces_gone_at IS NULL"),
            postgresql_where=text("erased_at IS NOT NULL AND traces_gone_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="ers_…")
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(20), comment="reason code; there is no text")
    proposed_at: Mapped[Micros | None] = mapped_column(comment="by the operator; None: by nobody")
    erased_at: Mapped[Micros | None] = mapped_column(comment="None: a lead must sign it yet")
    erased_by: Mapped[str | None] = mapped_column(
        String(40), comment="the lead who signed it; None: the coordinator, for its time was over"
    )
    act_id: Mapped[Id | None]
    leaf_index: Mapped[Big | None]
    traces_gone_at: Mapped[Micros | None] = mapped_column(
        comment="when the database's journal and dead rows were cleared of it"
    )


class GrantProposalRow(Base):
    """A grant that one lead proposed and another must approve; without the root key."""

    __tablename__ = "grant_proposal"
    __table_args__ = (
        Index("ix_grant_proposal_partner_id", "partner", "id"),
        Index(
            "ix_grant_proposal_waits",
            "partner",
            "expires_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="grp_…; owner of the sealed evidence")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    subject: Mapped[str | None] = mapped_column(String(40))
    subject_owner: Mapped[str | None] = mapped_column(String(40))
    proposer: Mapped[str] = mapped_column(String(40))
    proposer_kid: Mapped[str] = mapped_column(String(43), comment="void once this key is gone")
    grant_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(10), comment="pending or approved; else too old")
    proposed_at: Mapped[Micros]
    expires_at: Mapped[Micros]
    approver: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[Micros | None]


class RootResetRow(Base):
    """A root key that takes over after its waiting time, unless the old one objects."""

    __tablename__ = "root_reset"
    __table_args__ = (Index("ix_root_reset_effective_at", "status", "effective_at"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="rst_…")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    new_kid: Mapped[str] = mapped_column(String(43))
    jwk: Mapped[JsonObject] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(10), comment="waiting, done or stopped")
    announced_at: Mapped[Micros]
    effective_at: Mapped[Micros]

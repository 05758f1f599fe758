"""Giving recovered funds back: restitutions, the lines of their pools, claims."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros, Units


class RestitutionRow(Base):
    """One restitution of an incident; its signed document is sealed under its own key."""

    __tablename__ = "restitution"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_restitution_opener_id", "opener", "id"),
        Index("uq_restitution_content_sha256", "opener", "content_sha256", unique=True),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="rst_…")
    incident_id: Mapped[Id] = mapped_column(ForeignKey("incident.id"))
    opener: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    document_key_id: Mapped[Id]
    content_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(10), comment="open, closed")
    asset: Mapped[str] = mapped_column(String(200), comment="in which victims are paid")
    key_theft: Mapped[bool] = mapped_column(comment="no signature proves a claim")
    verify_by_two_above: Mapped[Units]
    claims_close_at: Mapped[Micros]
    objections_until: Mapped[Micros]
    opened_at: Mapped[Micros]
    closed_at: Mapped[Micros | None]
    version: Mapped[int]


class PoolLineRow(Base):
    """One line of a pool; never changed. Words and txs stay in the sealed act."""

    __tablename__ = "pool_line"
    __table_args__ = (
        Index("ix_pool_line_restitution_id_id", "restitution_id", "id"),
        UniqueConstraint("line_id", name="uq_pool_line_line_id"),
        UniqueConstraint("restitution_id", "tx_index", name="uq_pool_line_tx_index"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="pln_…")
    restitution_id: Mapped[Id] = mapped_column(ForeignKey("restitution.id"))
    act_id: Mapped[Id]
    line_no: Mapped[int] = mapped_column(comment="place in the act's body, from 0")
    kind: Mapped[str] = mapped_column(String(20))
    asset: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Units]
    to_asset: Mapped[str | None] = mapped_column(String(200))
    to_amount: Mapped[Units | None]
    fee: Mapped[Units | None]
    line_id: Mapped[Id | None] = mapped_column(comment="of the freeze ledger: once in any pool")
    tx_index: Mapped[str | None] = mapped_column(
        String(32), comment="blind index of a returning tx beside the ledger: once in a pool"
    )
    by: Mapped[Id]
    at: Mapped[Micros]


class ClaimRow(Base):
    """One claim; what it says of anybody is sealed under the restitution's key."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_claim_restitution_id_id", "restitution_id", "id"),
        Index("ix_claim_restitution_id_status_id", "restitution_id", "status", "id"),
        Index("ix_claim_restitution_id_filed_by_id", "restitution_id", "filed_by", "id"),
        UniqueConstraint(
            "restitution_id", "filed_by", "ref_index", name="uq_claim_restitution_id_ref_index"
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="clm_…; owner of the document")
    restitution_id: Mapped[Id] = mapped_column(ForeignKey("restitution.id"))
    act_id: Mapped[Id]
    filed_by: Mapped[str] = mapped_column(String(253))
    ref_index: Mapped[str] = mapped_column(String(32), comment="blind index of its reference")
    status: Mapped[str] = mapped_column(String(10))
    proof: Mapped[str] = mapped_column(String(10))
    value: Mapped[Units] = mapped_column(comment="in base units of the asset that is paid")
    late: Mapped[bool]
    verified: Mapped[Units | None]
    allocated: Mapped[Units | None] = mapped_column(comment="by approved allocations, in all")
    first_verifier: Mapped[Id | None] = mapped_column(comment="the person")
    first_amount: Mapped[Units | None]
    second_verifier: Mapped[Id | None]
    code: Mapped[str | None] = mapped_column(String(20))
    decided_act_id: Mapped[Id | None] = mapped_column(comment="its body has the reason")
    objection_act_id: Mapped[Id | None]
    objection_unsigned: Mapped[bool | None] = mapped_column(comment="the claimant's, by their link")
    filed_at: Mapped[Micros]
    decided_at: Mapped[Micros | None]
    version: Mapped[int]


class AllocationRow(Base):
    """Who gets how much, as one signed document that two approve; its parts are payouts then."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_allocation_restitution_id_id", "restitution_id", "id"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="alo_…")
    restitution_id: Mapped[Id] = mapped_column(ForeignKey("restitution.id"))
    act_id: Mapped[Id] = mapped_column(comment="its body has method, inputs and result")
    act_sha256: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(10), comment="pro_rata, schedule")
    status: Mapped[str] = mapped_column(String(10), comment="proposed, approved, rejected")
    pool: Mapped[Units]
    given: Mapped[Units] = mapped_column(comment="the sum of its parts")
    minimum: Mapped[Units]
    schedule_sha256: Mapped[str | None] = mapped_column(String(64))
    claim_count: Mapped[int]
    proposed_by: Mapped[Id]
    proposer: Mapped[Id] = mapped_column(comment="the person")
    first_approver: Mapped[Id | None] = mapped_column(comment="the person")
    second_approver: Mapped[Id | None]
    proposed_at: Mapped[Micros]
    decided_at: Mapped[Micros | None]
    version: Mapped[int]


class PayoutRow(Base):
    """What one claim gets of one allocation: paid once; where to, the claim says."""

    __tablename__ = "payout"
    __table_args__ = (
        Index("ix_payout_restitution_id_id", "restitution_id", "id"),
        Index("ix_payout_restitution_id_status_id", "restitution_id", "status", "id"),
        Index("ix_payout_claim_id", "claim_id"),
        UniqueConstraint("allocation_id", "claim_id", name="uq_payout_allocation_id_claim_id"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="pay_…")
    restitution_id: Mapped[Id] = mapped_column(ForeignKey("restitution.id"))
    allocation_id: Mapped[Id] = mapped_column(ForeignKey("allocation.id"))
    claim_id: Mapped[Id] = mapped_column(ForeignKey("claim.id"))
    amount: Mapped[Units]
    status: Mapped[str] = mapped_column(String(10), comment="due, paid, failed")
    act_id: Mapped[Id | None] = mapped_column(comment="that recorded what became of it")
    line_no: Mapped[int | None] = mapped_column(comment="place in that act's body, from 0")
    at: Mapped[Micros | None]


class PayoutChangeRow(Base):
    """Another account that a claim is to be paid to: approved by another person, in force later."""

    __tablename__ = "payout_change"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_payout_change_claim_id", "claim_id", "id"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="poc_…; owner of the sealed account")
    claim_id: Mapped[Id] = mapped_column(ForeignKey("claim.id"))
    act_id: Mapped[Id]
    act_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(10), comment="proposed, approved, rejected")
    proposed_by: Mapped[Id]
    proposer: Mapped[Id] = mapped_column(comment="the person")
    proposed_at: Mapped[Micros]
    decided_by: Mapped[Id | None]
    decided_at: Mapped[Micros | None]
    in_force_at: Mapped[Micros | None]
    version: Mapped[int]


class ClaimKeyRow(Base):
    """An address or a transaction that a claim names, as a blind index: doubles share one."""

    __tablename__ = "claim_key"
    __table_args__ = (Index("ix_claim_key_claim_id", "claim_id"),)
    restitution_id: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    claim_id: Mapped[Id] = mapped_column(ForeignKey("claim.id"), primary_key=True)


class ClaimLinkRow(Base):
    """The secret link of a claim: one at a time, and of its token the hash alone."""

    __tablename__ = "claim_link"
    __table_args__ = (UniqueConstraint("link_sha256", name="uq_claim_link_link_sha256"),)
    claim_id: Mapped[Id] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    link_sha256: Mapped[str] = mapped_column(String(64))
    act_id: Mapped[Id] = mapped_column(comment="that made it")
    expires_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]

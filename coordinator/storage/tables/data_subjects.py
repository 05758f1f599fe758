"""Persons who ask for their rights under data-protection law, and what requesters answer."""

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros

_UNDECIDED = "answered_at IS NULL"
_NOT_LATE = "answered_at IS NULL AND overdue_at IS NULL"


class DataSubjectRequestRow(Base):
    """That a person wrote, as somebody passed it on; which account and reference are sealed."""

    __tablename__ = "data_subject_request"
    __table_args__ = (Index("ix_data_subject_request_partner", "partner", "id"),)
    id: Mapped[Id] = mapped_column(primary_key=True, comment="dsr_…; owner of its document `words`")
    partner: Mapped[str | None] = mapped_column(
        String(253), comment="who passed it on; None: the operator"
    )
    kind: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[Id | None] = mapped_column(comment="as it was named; None: by an account")
    received_at: Mapped[Micros]
    recorded_at: Mapped[Micros]
    due_at: Mapped[Micros]


class DataSubjectCaseRow(Base):
    """What one requester has to answer of it, about one freeze request."""

    __tablename__ = "data_subject_case"
    __table_args__ = (
        Index("ix_data_subject_case_request_id", "request_id"),
        Index("ix_data_subject_case_requester", "requester", "data_subject_request_id"),
        Index(
            "ix_data_subject_case_waits",
            "requester",
            "due_at",
            sqlite_where=text(_UNDECIDED),
            postgresql_where=text(_UNDECIDED),
        ),
        Index(
            "ix_data_subject_case_due_at",
            "due_at",
            sqlite_where=text(_NOT_LATE),
            postgresql_where=text(_NOT_LATE),
        ),
    )
    data_subject_request_id: Mapped[Id] = mapped_column(
        ForeignKey("data_subject_request.id"), primary_key=True
    )
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), primary_key=True)
    requester: Mapped[str] = mapped_column(String(253))
    address_no: Mapped[Big | None]
    status: Mapped[str] = mapped_column(
        String(12), comment="open, extended, granted, refused, erased"
    )
    routed_at: Mapped[Micros]
    due_at: Mapped[Micros]
    extended_at: Mapped[Micros | None]
    overdue_at: Mapped[Micros | None] = mapped_column(comment="when it was seen to be late")
    answered_at: Mapped[Micros | None] = mapped_column(comment="granted, refused or erased")
    reason: Mapped[str | None] = mapped_column(String(24), comment="a code; there is no text")
    act_id: Mapped[Id | None] = mapped_column(comment="of the last decision")
    letter_id: Mapped[Id | None] = mapped_column(comment="sev_…, sealed to the requester")

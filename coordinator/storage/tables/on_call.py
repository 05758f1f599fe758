"""Who is woken: on-call chains, what somebody is woken for, and each message to a person."""

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class OnCallRow(Base):
    """That a partner has an on-call chain; the chain is sealed under the partner's key."""

    __tablename__ = "on_call"
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True, comment="onc_…; owner of the document")
    set_by: Mapped[Id]
    set_at: Mapped[Micros]


class AlarmRow(Base):
    """Something that somebody of a partner is woken for, until somebody has it."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index("ix_alarm_partner_id", "partner", "id"),
        Index("ix_alarm_request_id", "request_id"),
        Index(
            "ix_alarm_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="alm_…")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    kind: Mapped[str] = mapped_column(String(20), comment="of the task; test")
    request_id: Mapped[Id | None] = mapped_column(ForeignKey("freeze_request.id"))
    about: Mapped[Id | None] = mapped_column(comment="as in the task")
    can_wait: Mapped[bool] = mapped_column(comment="quiet hours are waited out")
    owed_at: Mapped[Micros]
    due_for: Mapped[Micros | None] = mapped_column(comment="the end of the hold it is about")
    place: Mapped[int] = mapped_column(comment="of the chain, through all rounds: paged next")
    next_at: Mapped[Micros | None] = mapped_column(comment="when that is; None: it is over")
    paged_at: Mapped[Micros | None] = mapped_column(comment="the first of the chain")
    ended_at: Mapped[Micros | None]
    outcome: Mapped[str | None] = mapped_column(
        String(10), comment="taken, done, unheard, nobody, test"
    )
    drill: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="as the request says; its pages do, too"
    )


class AlarmCallRow(Base):
    """One message to one person by one channel: at least once, and by one worker at a time."""

    __tablename__ = "alarm_call"
    __table_args__ = (
        Index("ix_alarm_call_alarm_id", "alarm_id"),
        Index(
            "ix_alarm_call_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True, comment="cal_…")
    alarm_id: Mapped[Id] = mapped_column(ForeignKey("alarm.id"))
    partner: Mapped[str] = mapped_column(String(253))
    person: Mapped[Id]
    on_call_id: Mapped[Id] = mapped_column(comment="the chain whose channel it is")
    step: Mapped[int] = mapped_column(comment="of the chain, from 0")
    channel_no: Mapped[int] = mapped_column(comment="of the step, from 0")
    channel: Mapped[str] = mapped_column(String(10))
    queued_at: Mapped[Micros]
    status: Mapped[str] = mapped_column(String(10), comment="pending, sent, failed, dropped")
    tries: Mapped[int]
    next_at: Mapped[Micros | None] = mapped_column(comment="of the next try; None: no more")
    lease_until: Mapped[Micros | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    sent_at: Mapped[Micros | None]
    error: Mapped[str | None] = mapped_column(String(40))

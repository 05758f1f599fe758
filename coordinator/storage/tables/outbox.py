"""What is owed to endpoints: lanes, deliveries and attempts."""

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros


class WebhookEndpointRow(Base):
    """Where a partner wants its events; URL and secrets are sealed under the partner's key."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        Index(
            "ix_webhook_endpoint_failing_since",
            "failing_since",
            sqlite_where=text("failing_since IS NOT NULL"),
            postgresql_where=text("failing_since IS NOT NULL"),
        ),
        Index(
            "ix_webhook_endpoint_gone_at",
            "gone_at",
            sqlite_where=text("gone_at IS NOT NULL"),
            postgresql_where=text("gone_at IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    document_key_id: Mapped[Id]
    event_types: Mapped[list[str] | None] = mapped_column(JSON, comment="None: every event")
    enabled: Mapped[bool]
    created_at: Mapped[Micros]
    deleted_at: Mapped[Micros | None]
    failing_since: Mapped[Micros | None] = mapped_column(comment="no try succeeded since")
    failing_told_at: Mapped[Micros | None] = mapped_column(comment="endpoint.failing was recorded")
    version: Mapped[int] = mapped_column(default=1)
    disabled_at: Mapped[Micros | None] = mapped_column(comment="turned off since; None: on")
    gone_at: Mapped[Micros | None] = mapped_column(comment="answered 410, and is turned off for it")
    busy_since: Mapped[Micros | None] = mapped_column(comment="when it sent its Retry-After")
    busy_until: Mapped[Micros | None] = mapped_column(comment="what that asked for, bounded")


class LaneRow(Base):
    """What one endpoint is owed about one request, in order; only its head is sent."""

    __tablename__ = "lane"
    __table_args__ = (
        Index(
            "ix_lane_priority_due_at",
            "priority",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )
    endpoint_id: Mapped[Id] = mapped_column(ForeignKey("webhook_endpoint.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(
        # `test` stands for tests that somebody asked for.
        String(40),
        primary_key=True,
        comment="empty: not about a request",
    )
    priority: Mapped[int] = mapped_column(comment="0 flash, 1 urgent, 2 routine and the rest")
    due_at: Mapped[Micros | None] = mapped_column(comment="None: nothing is owed")
    lease_until: Mapped[Micros | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    attempt: Mapped[int] = mapped_column(default=0, comment="tries of the present head")
    tried_since: Mapped[Micros | None] = mapped_column(comment="first try of the present head")
    unanswered: Mapped[bool] = mapped_column(
        default=False, comment="waits for the endpoint to answer at all, not for its own turn"
    )
    gaps: Mapped[int] = mapped_column(default=0, comment="dead deliveries since the last good one")


class DeliveryRow(Base):
    """One event owed to one endpoint; the bytes are the event's document."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_lane_status_seq", "endpoint_id", "request_id", "status", "seq"),
        Index("ix_delivery_endpoint_id_id", "endpoint_id", "id"),
        Index("uq_delivery_event_id_endpoint_id", "event_id", "endpoint_id", unique=True),
        Index(
            "ix_delivery_owes",
            "owes",
            sqlite_where=text("owes IS NOT NULL"),
            postgresql_where=text("owes IS NOT NULL"),
        ),
        Index(
            "ix_delivery_answer_until",
            "answer_until",
            sqlite_where=text("answer_until IS NOT NULL"),
            postgresql_where=text("answer_until IS NOT NULL"),
        ),
        ForeignKeyConstraint(
            ["endpoint_id", "request_id"], ["lane.endpoint_id", "lane.request_id"]
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    endpoint_id: Mapped[Id]
    request_id: Mapped[str] = mapped_column(String(40))
    seq: Mapped[Big]
    event_id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(15), comment="pending, delivered, dead, cancelled")
    created_at: Mapped[Micros]
    finished_at: Mapped[Micros | None]
    attempts: Mapped[int] = mapped_column(default=0, comment="tries of all times, numbered from 1")
    owes: Mapped[str | None] = mapped_column(
        String(20), comment="what the leg is still to be told: delivered, dead"
    )
    answer_until: Mapped[Micros | None] = mapped_column(
        comment="until when the text of its last failed answer is kept"
    )


class AttemptRow(Base):
    """One HTTP try."""

    __tablename__ = "attempt"
    delivery_id: Mapped[Id] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Micros]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(60))
    duration_ms: Mapped[int]

"""What is remembered of signed requests: used tokens, and stored answers."""

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class SeenTokenRow(Base):
    """A `jti` that was used; a second use is a replay."""

    __tablename__ = "seen_token"
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[Micros] = mapped_column(index=True)


class StoredAnswerRow(Base):
    """The answer that an idempotency key got; the body is sealed."""

    __tablename__ = "stored_answer"
    __table_args__ = (
        Index("ix_stored_answer_stored_at", "stored_at"),
        Index(
            "ix_stored_answer_about",
            "about",
            sqlite_where=text("about IS NOT NULL"),
            postgresql_where=text("about IS NOT NULL"),
        ),
    )
    partner: Mapped[str] = mapped_column(String(253), primary_key=True)
    subject: Mapped[str] = mapped_column(String(253), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[Id] = mapped_column(comment="ans_…; owner of the sealed body")
    # Empty once the answer was erased; keyed where the body names people.
    fingerprint: Mapped[bytes] = mapped_column(comment="SHA-256 of method, htu, body_sha256")
    status: Mapped[int] = mapped_column(default=0, comment="HTTP status")
    stored_at: Mapped[Micros]
    about: Mapped[Id | None] = mapped_column(comment="whose name the answer tells; erased with it")

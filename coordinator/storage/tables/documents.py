"""Erasable bytes.

Everything that may have to be forgotten, sealed under a key that can be thrown away.
"""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros


class DocumentKeyRow(Base):
    """One 256-bit data key, wrapped by a key that is not in the database."""

    __tablename__ = "document_key"
    id: Mapped[Id] = mapped_column(primary_key=True, comment="key_…; one a request, one a partner")
    wrapped: Mapped[bytes] = mapped_column(comment="nonce, AES-256-GCM of the key, tag")
    created_at: Mapped[Micros]


class DocumentRow(Base):
    """One sealed document, found by whose it is and which of its columns."""

    __tablename__ = "document"
    owner_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    key_id: Mapped[Id] = mapped_column(ForeignKey("document_key.id"), index=True)
    sealed: Mapped[bytes] = mapped_column(comment="nonce, AES-256-GCM, tag; AAD: table/owner/name")

"""Members, who acts for them, their keys, and the grants that gave them."""

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros
from holdfast.protocol.strict_json import JsonObject


class PartnerRow(Base):
    """One member organisation; the handle is never reused."""

    __tablename__ = "partner"
    __table_args__ = (CheckConstraint("approval_quorum >= 1", name="quorum_positive"),)
    handle: Mapped[str] = mapped_column(String(253), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    jurisdiction: Mapped[str | None] = mapped_column(String(10))
    document_key_id: Mapped[Id] = mapped_column(ForeignKey("document_key.id"))
    root_kid: Mapped[str | None] = mapped_column(String(43))
    invitation_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    invitation_expires_at: Mapped[Micros | None]
    invited_at: Mapped[Micros]
    joined_at: Mapped[Micros | None]
    approval_quorum: Mapped[int] = mapped_column(default=1)
    withdrawal_quorum: Mapped[int] = mapped_column(
        default=1, server_default="1", comment="leads that letting held funds go takes"
    )
    clocks: Mapped[str | None] = mapped_column(
        String(40), comment="named profile of clocks, as the policies have it; None: default"
    )
    provisional: Mapped[str] = mapped_column(String(10), default="notify")
    may_ask_all: Mapped[bool] = mapped_column(default=True, server_default=true())
    cannot_say: Mapped[str] = mapped_column(
        String(20),
        default="none",
        server_default="none",
        comment="none, or private_requesters: whom it may tell neither match nor no match",
    )
    may_flash: Mapped[list[str]] = mapped_column(JSON, default=list)
    systems_as_compliance: Mapped[list[str]] = mapped_column(JSON, default=list)
    freezes_on: Mapped[str] = mapped_column(
        String(10),
        default="request",
        server_default="request",
        comment="request, or order: what it freezes on, by its own word",
    )
    jurisdictions: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True), comment="ISO 3166 codes, as it says; None: not said"
    )
    languages: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True), comment="BCP 47 tags, as it says; None: not said"
    )
    hours: Mapped[JsonObject | None] = mapped_column(
        JSON(none_as_null=True), comment="zone and spans of its desk; None: not said"
    )
    named_in_statistics: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="other members read figures of it under its name",
    )


class TagKeyRow(Base):
    """That a partner has a tag key; the key itself is the document `tag_key` of this id."""

    __tablename__ = "tag_key"
    id: Mapped[Id] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), unique=True)
    leaf_index: Mapped[Big | None] = mapped_column(
        index=True, comment="of the act that set it: the first leaf that it holds for"
    )


class SubjectRow(Base):
    """A person or system of a partner; who it is, only the partner knows."""

    __tablename__ = "subject"
    __table_args__ = (
        Index(
            "ix_subject_revoked_at",
            "revoked_at",
            sqlite_where=text("revoked_at IS NOT NULL AND forgotten_at IS NULL"),
            postgresql_where=text("revoked_at IS NOT NULL AND forgotten_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    owner: Mapped[str | None] = mapped_column(String(40), comment="the owning person of a system")
    roles: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]
    forgotten_at: Mapped[Micros | None] = mapped_column(
        comment="left long ago: nothing is kept of what they were called since then"
    )


class PartnerKeyRow(Base):
    """One public key; it belongs to one subject for ever."""

    __tablename__ = "partner_key"
    kid: Mapped[str] = mapped_column(String(43), primary_key=True, comment="RFC 7638 thumbprint")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    subject: Mapped[str] = mapped_column(String(253), index=True)
    is_root: Mapped[bool]
    jwk: Mapped[JsonObject] = mapped_column(JSON)
    grant_id: Mapped[Id | None]
    proposer: Mapped[Id | None] = mapped_column(comment="who proposed the grant; None for root")
    granted_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]
    compromised_since: Mapped[Micros | None]


class EncryptionKeyRow(Base):
    """A public key that evidence is sealed to for a partner; old ones stay, to be known by."""

    __tablename__ = "encryption_key"
    __table_args__ = (
        Index(
            "uq_encryption_key_in_force",
            "partner",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )
    kid: Mapped[str] = mapped_column(String(43), primary_key=True, comment="RFC 7638 thumbprint")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    jwk: Mapped[JsonObject] = mapped_column(JSON)
    act_id: Mapped[Id] = mapped_column(comment="the member's act that published it")
    subject: Mapped[Id]
    signed_by: Mapped[str] = mapped_column(String(43), comment="kid of the key that signed that")
    set_at: Mapped[Micros]
    replaced_at: Mapped[Micros | None]


class MemberActRow(Base):
    """What a member did about itself and no request: revocations, changes of its endpoints.

    Acts on sealed evidence are here, too: on their request everybody would read of them; and those
    on recovery requests.

    What proves it is the document `evidence` of this id.
    """

    __tablename__ = "member_act"
    __table_args__ = (
        Index("ix_member_act_partner", "partner"),
        Index("ix_member_act_about", "about"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    kind: Mapped[str] = mapped_column(String(30))
    evidence_kind: Mapped[str] = mapped_column(String(15))
    subject: Mapped[str | None] = mapped_column(String(40), comment="None: the root key")
    kid: Mapped[str] = mapped_column(String(43))
    about: Mapped[str | None] = mapped_column(
        String(60), comment="the key, the person or system, or the endpoint"
    )
    at: Mapped[Micros]
    leaf_index: Mapped[Big | None]


class GrantRow(Base):
    """One signed grant or revocation; its evidence is sealed under the partner's key."""

    __tablename__ = "grant"
    __table_args__ = (Index("ix_grant_partner_id", "partner", "id"),)
    id: Mapped[Id] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    subject: Mapped[str | None] = mapped_column(String(40))
    owner: Mapped[str | None] = mapped_column(String(40))
    roles: Mapped[list[str]] = mapped_column(JSON)
    kid: Mapped[str | None] = mapped_column(String(43))
    made_at: Mapped[Micros]
    evidence_id: Mapped[Id] = mapped_column(comment="whose document holds the token and the body")
    leaf_index: Mapped[Big | None]

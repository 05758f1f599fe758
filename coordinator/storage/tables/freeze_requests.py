"""Freeze requests, their flagged addresses, the acts on them and their legs."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros, Units


class IncidentRow(Base):
    """The theft that requests belong to; its words are sealed under its first request's key."""

    __tablename__ = "incident"
    id: Mapped[Id] = mapped_column(primary_key=True)
    opened_by: Mapped[str] = mapped_column(String(253))
    document_key_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    occurred_at: Mapped[Micros]
    drill: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="so are all of its requests, or none"
    )


class FreezeRequestRow(Base):
    """One signed freeze request, as received; only its status moves."""

    __tablename__ = "freeze_request"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_freeze_request_requester_id", "requester", "id"),
        Index("ix_freeze_request_requester_status_id", "requester", "status", "id"),
        Index("ix_freeze_request_incident_id_id", "incident_id", "id"),
        # Acts name the document by its hash, so it may mean one request only.
        Index(
            "uq_freeze_request_requester_content_sha256",
            "requester",
            "content_sha256",
            unique=True,
        ),
        Index("ix_freeze_request_status_approve_by", "status", "approve_by"),
        Index(
            "ix_freeze_request_ratify_by",
            "ratify_by",
            sqlite_where=text("provisional = 1"),
            postgresql_where=text("provisional"),
        ),
        Index(
            "ix_freeze_request_provisional",
            "requester",
            "id",
            sqlite_where=text("provisional = 1"),
            postgresql_where=text("provisional"),
        ),
        Index(
            "ix_freeze_request_unratified",
            "requester",
            "id",
            sqlite_where=text("unratified_until IS NOT NULL"),
            postgresql_where=text("unratified_until IS NOT NULL"),
        ),
        Index(
            "ix_freeze_request_unratified_until",
            "unratified_until",
            sqlite_where=text("unratified_until IS NOT NULL"),
            postgresql_where=text("unratified_until IS NOT NULL"),
        ),
        # What waits for the requester's leads, by its time: of each partner apart. Here and below a
        # second equality is there for SQLite, which would else take an index over all partners.
        Index(
            "ix_freeze_request_to_approve",
            "requester",
            "status",
            "approve_by",
            sqlite_where=text("status = 'submitted'"),
            postgresql_where=text("status = 'submitted'"),
        ),
        Index(
            "ix_freeze_request_to_ratify",
            "requester",
            "ratify_by",
            sqlite_where=text("provisional = 1"),
            postgresql_where=text("provisional"),
        ),
        Index(
            "ix_freeze_request_to_ratify_late",
            "requester",
            "unratified_until",
            sqlite_where=text("unratified_until IS NOT NULL"),
            postgresql_where=text("unratified_until IS NOT NULL"),
        ),
        # Status first: without statistics SQLite prefers an equality to a range, whatever it costs.
        Index("ix_freeze_request_status_final_since", "status", "final_since"),
        # What its time is over for, by when it ended.
        Index(
            "ix_freeze_request_kept_since",
            "ended_at",
            sqlite_where=text("ended_at IS NOT NULL AND erased_at IS NULL"),
            postgresql_where=text("ended_at IS NOT NULL AND erased_at IS NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    requester: Mapped[str] = mapped_column(String(253))
    submitted_by: Mapped[str] = mapped_column(String(40))
    submitted_by_person: Mapped[str] = mapped_column(String(40), comment="for the four-eyes rule")
    submitted_by_kid: Mapped[str] = mapped_column(String(43))
    status: Mapped[str] = mapped_column(String(20))
    provisional: Mapped[bool]
    urgency: Mapped[str] = mapped_column(String(10))
    tlp: Mapped[str] = mapped_column(String(15))
    incident_id: Mapped[Id] = mapped_column(ForeignKey("incident.id"))
    follows: Mapped[Id | None]
    document_key_id: Mapped[Id]
    content_sha256: Mapped[str] = mapped_column(String(64))
    context_sha256: Mapped[str] = mapped_column(String(64))
    address_count: Mapped[int]
    withdrawn_count: Mapped[int] = mapped_column(server_default="0")
    left_out_count: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="addresses that the approval kept from going out"
    )
    contested: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="a dispute on one of its legs is open, or upheld while it is active",
    )
    drill: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="as the signed document says, for good"
    )
    partners_asked: Mapped[int]
    quorum: Mapped[int]
    hold_hours: Mapped[int | None]
    submitted_at: Mapped[Micros]
    approve_by: Mapped[Micros]
    ratify_by: Mapped[Micros | None]
    unratified_at: Mapped[Micros | None] = mapped_column(
        comment="went out, was not ratified in time, and withdraws itself at unratified_until"
    )
    unratified_until: Mapped[Micros | None]
    waits_because: Mapped[str | None] = mapped_column(
        String(30), comment="why a flash request waits for its approval"
    )
    support: Mapped[str | None] = mapped_column(
        String(20), comment="whose word the holds rest on at present; None: the requester's alone"
    )
    gateway: Mapped[str | None] = mapped_column(
        String(15), comment="under which it is asked; None: whichever both sides hold"
    )
    on_order: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="names a legal order, or its authority attached one to all legs",
    )
    withdrawal_reason: Mapped[str | None] = mapped_column(
        String(20), comment="reason_code of the whole withdrawal"
    )
    decided_at: Mapped[Micros | None]
    ended_at: Mapped[Micros | None]
    erased_at: Mapped[Micros | None] = mapped_column(
        comment="what it says is gone since then, and its data key is another one"
    )
    final_since: Mapped[Micros | None] = mapped_column(
        comment="nothing is expected of any leg since then"
    )
    sealed_lines_hash: Mapped[bytes | None] = mapped_column(
        comment="of its flags as submitted, sealed by its data key; None: from before flags"
    )
    flags_renewed_at: Mapped[Micros | None] = mapped_column(
        comment="when its requester last asked that deposits be screened for it"
    )
    event_sequence: Mapped[int] = mapped_column(default=0, comment="the requester's own events")
    leaf_index: Mapped[Big | None]
    version: Mapped[int] = mapped_column(default=1)


class FlaggedAddressRow(Base):
    """What a flagged address states of asset, amount and worth; no row where it states nothing."""

    __tablename__ = "flagged_address"
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), primary_key=True)
    address_no: Mapped[int] = mapped_column(primary_key=True)
    asset: Mapped[str | None] = mapped_column(String(200))
    amount: Mapped[Units | None]
    usd_cents: Mapped[Units | None] = mapped_column(comment="what it is stated to be worth")
    whole_account: Mapped[bool] = mapped_column(default=False, server_default=false())


class PackedAccountsRow(Base):
    """The accounts that a request flags, as blind indexes, many to a row; see `flagged_accounts`.

    The addresses themselves are in the sealed body.
    """

    __tablename__ = "packed_accounts"
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"), primary_key=True)
    first_no: Mapped[int] = mapped_column(primary_key=True, comment="address_no of the first")
    blind_indexes: Mapped[bytes] = mapped_column(
        comment="HMAC-SHA-256 of each account key, 16 bytes each, in the order of address_no"
    )


class FlaggedAccountRow(Base):
    """That a requester flagged an account: leads from accounts to its own requests."""

    __tablename__ = "flagged_account"
    __table_args__ = ({"sqlite_with_rowid": False},)
    requester: Mapped[str] = mapped_column(String(253), primary_key=True)
    account_hash: Mapped[Big] = mapped_column(
        primary_key=True, autoincrement=False, comment="first 8 bytes of the blind index, signed"
    )
    request_id: Mapped[Id] = mapped_column(primary_key=True)


class ActRow(Base):
    """One act on a request, with what proves it (document `evidence` of this id)."""

    __tablename__ = "act"
    __table_args__ = (
        Index("ix_act_request_id_id", "request_id", "id"),
        Index("ix_act_partner_id", "partner", "id"),
        Index(
            "uq_act_request_person_decision",
            "request_id",
            "person",
            unique=True,
            sqlite_where=text("decision IS NOT NULL"),
            postgresql_where=text("decision IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id | None]
    kind: Mapped[str] = mapped_column(String(30))
    evidence_kind: Mapped[str] = mapped_column(String(15))
    partner: Mapped[str | None] = mapped_column(String(253))
    subject: Mapped[str | None] = mapped_column(String(40))
    person: Mapped[str | None] = mapped_column(String(40))
    kid: Mapped[str | None] = mapped_column(String(43))
    decision: Mapped[str | None] = mapped_column(String(10), comment="of approvals alone")
    context_sha256: Mapped[str | None] = mapped_column(String(64))
    remainder_sha256: Mapped[str | None] = mapped_column(
        String(64), comment="of what goes out, where an approval leaves addresses out"
    )
    at: Mapped[Micros]
    leaf_index: Mapped[Big | None]


_TO_ANSWER = "acknowledged_at IS NOT NULL AND answered_at IS NULL"


class LegRow(Base):
    """One partner's side of a request; the status is computed from acts and totals."""

    __tablename__ = "leg"
    __table_args__ = (
        UniqueConstraint("request_id", "partner"),
        Index("ix_leg_partner_request_id", "partner", "request_id"),
        Index("ix_leg_queued_at", "queued_at"),
        Index("ix_leg_partner_status_request_id", "partner", "status", "request_id"),
        Index(
            "ix_leg_awaited",
            "acknowledge_by",
            sqlite_where=text("acknowledged_at IS NULL AND overdue_at IS NULL"),
            postgresql_where=text("acknowledged_at IS NULL AND overdue_at IS NULL"),
        ),
        Index(
            "ix_leg_answer_by",
            "answer_by",
            sqlite_where=text("answered_at IS NULL AND unanswered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL AND unanswered_at IS NULL"),
        ),
        # What waits for the partner, by its time.
        Index(
            "ix_leg_to_acknowledge",
            "partner",
            "acknowledge_by",
            sqlite_where=text("acknowledged_at IS NULL AND ended = 0"),
            postgresql_where=text("acknowledged_at IS NULL AND NOT ended"),
        ),
        Index(
            "ix_leg_to_answer",
            "partner",
            "answer_by",
            sqlite_where=text(f"{_TO_ANSWER} AND clock_paused_at IS NULL AND ended = 0"),
            postgresql_where=text(f"{_TO_ANSWER} AND clock_paused_at IS NULL AND NOT ended"),
        ),
        Index(
            "ix_leg_paused",
            "partner",
            "ended",
            "request_id",
            sqlite_where=text(f"{_TO_ANSWER} AND clock_paused_at IS NOT NULL AND ended = 0"),
            postgresql_where=text(f"{_TO_ANSWER} AND clock_paused_at IS NOT NULL AND NOT ended"),
        ),
        Index(
            "ix_leg_owed_since",
            "partner",
            "owed_since",
            sqlite_where=text("owed_since IS NOT NULL"),
            postgresql_where=text("owed_since IS NOT NULL"),
        ),
        *(
            Index(
                f"ix_leg_{column}",
                "partner",
                column,
                sqlite_where=text(f"{column} IS NOT NULL"),
                postgresql_where=text(f"{column} IS NOT NULL"),
            )
            for column in ("hold_ends_at", "account_review_at")
        ),
        Index(
            "ix_leg_limited",
            "partner",
            "request_id",
            sqlite_where=text("limited_at IS NOT NULL"),
            postgresql_where=text("limited_at IS NOT NULL"),
        ),
        # What the partner screens deposits for.
        Index(
            "ix_leg_live",
            "partner",
            "request_id",
            sqlite_where=text("ended = 0"),
            postgresql_where=text("NOT ended"),
        ),
        # What waits for the requester: somebody telephones.
        Index(
            "ix_leg_unreached_for",
            "unreached_for",
            "unreached_at",
            sqlite_where=text("unreached_for IS NOT NULL"),
            postgresql_where=text("unreached_for IS NOT NULL"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    status: Mapped[str] = mapped_column(String(20))
    last_act: Mapped[str | None] = mapped_column(String(20))
    queued_at: Mapped[Micros]
    acknowledge_by: Mapped[Micros]
    delivered_at: Mapped[Micros | None]
    acknowledged_at: Mapped[Micros | None]
    overdue_at: Mapped[Micros | None] = mapped_column(comment="when it was seen to be late")
    answer_by: Mapped[Micros | None] = mapped_column(
        comment="until when every address has an answer; None: no clock runs"
    )
    clock_paused_at: Mapped[Micros | None] = mapped_column(
        comment="the partner waits for the requester since then"
    )
    answered_at: Mapped[Micros | None] = mapped_column(comment="every address has its answer")
    unanswered_at: Mapped[Micros | None] = mapped_column(comment="when it was seen to be missing")
    decline_code: Mapped[str | None] = mapped_column(String(40))
    decline_act_id: Mapped[Id | None]
    knows_left_out: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="its notice, before the approval, named the addresses that were left out then",
    )
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    contested_nos: Mapped[list[int] | None] = mapped_column(
        JSON(none_as_null=True), comment="what it holds and others contest, as both sides were told"
    )
    ended: Mapped[bool] = mapped_column(
        default=False, comment="the request was withdrawn or closed"
    )
    owes_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    owed_since: Mapped[Micros | None] = mapped_column(comment="since when; None: nothing is owed")
    hold_ends_at: Mapped[Micros | None] = mapped_column(
        comment="when the first open hold that counts for it ends or is reviewed"
    )
    account_review_at: Mapped[Micros | None] = mapped_column(
        comment="when it looks at the first whole account again that it froze"
    )
    unreached_for: Mapped[str | None] = mapped_column(
        String(253), comment="the requester, while its notice does not arrive"
    )
    unreached_at: Mapped[Micros | None] = mapped_column(comment="when its notice was given up")
    limited_at: Mapped[Micros | None] = mapped_column(
        comment="seen by the named people of its partner alone since then"
    )
    limited_by: Mapped[Id | None]
    event_sequence: Mapped[int] = mapped_column(default=0)
    requester_sequence: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="events that the requester is told of, too"
    )
    version: Mapped[int] = mapped_column(default=1)


class LegPersonRow(Base):
    """Somebody whom a limited leg is for."""

    __tablename__ = "leg_person"
    __table_args__ = ({"sqlite_with_rowid": False},)
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"), primary_key=True)
    person: Mapped[Id] = mapped_column(primary_key=True)

"""The first schema: members, requests, ledger, events, outbox, log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNITS = sa.Text().with_variant(sa.Numeric(78, 0), "postgresql")


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Make every table, the row that numbers everything, and the row that writing is tried on."""
    op.create_table(
        "document_key",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="key_…; one a request, one a partner",
        ),
        sa.Column(
            "wrapped",
            sa.LargeBinary(),
            nullable=False,
            comment="nonce, AES-256-GCM of the key, tag",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document_key"),
    )
    op.create_table(
        "event",
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("leg_id", sa.String(length=40), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
        sa.UniqueConstraint("id", name="uq_event_id"),
    )
    op.create_index("ix_event_request_id_seq", "event", ["request_id", "seq"], unique=False)
    op.create_table(
        "event_audience",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("partner", "seq", name="pk_event_audience"),
    )
    op.create_table(
        "flagged_account",
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column(
            "account_hash",
            _BIG,
            autoincrement=False,
            nullable=False,
            comment="first 8 bytes of the blind index, signed",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint(
            "requester", "account_hash", "request_id", name="pk_flagged_account"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("opened_by", sa.String(length=253), nullable=False),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf_count", _BIG, nullable=False),
        sa.Column("event_seq", _BIG, nullable=False),
        sa.Column("revocations", _BIG, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_log_head_single"),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "log_leaf",
        sa.Column("index", _BIG, autoincrement=False, nullable=False),
        sa.Column("leaf_id", sa.LargeBinary(), nullable=False, comment="16 random bytes"),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_log_leaf"),
        sa.UniqueConstraint("leaf_id", name="uq_log_leaf_leaf_id"),
    )
    op.create_table(
        "seen_token",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "jti", name="pk_seen_token"),
    )
    op.create_index("ix_seen_token_seen_at", "seen_token", ["seen_at"], unique=False)
    op.create_table(
        "stored_answer",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("subject", sa.String(length=253), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="ans_…; owner of the sealed body"
        ),
        sa.Column(
            "fingerprint",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of method, htu, body_sha256",
        ),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status"),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "subject", "idempotency_key", name="pk_stored_answer"),
    )
    op.create_index("ix_stored_answer_stored_at", "stored_answer", ["stored_at"], unique=False)
    op.create_table(
        "write_probe",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_write_probe"),
    )
    op.create_table(
        "document",
        sa.Column("owner_id", sa.String(length=300), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=False,
            comment="nonce, AES-256-GCM, tag; AAD: table/owner/name",
        ),
        sa.ForeignKeyConstraint(["key_id"], ["document_key.id"], name="fk_document_key_id"),
        sa.PrimaryKeyConstraint("owner_id", "name", name="pk_document"),
    )
    op.create_index("ix_document_key_id", "document", ["key_id"], unique=False)
    op.create_table(
        "freeze_request",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("requester", sa.String(length=253), nullable=False),
        sa.Column("submitted_by", sa.String(length=40), nullable=False),
        sa.Column(
            "submitted_by_person",
            sa.String(length=40),
            nullable=False,
            comment="for the four-eyes rule",
        ),
        sa.Column("submitted_by_kid", sa.String(length=43), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("tlp", sa.String(length=15), nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("follows", sa.String(length=40), nullable=True),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("context_sha256", sa.String(length=64), nullable=False),
        sa.Column("address_count", sa.Integer(), nullable=False),
        sa.Column("withdrawn_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("partners_asked", sa.Integer(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("hold_hours", sa.Integer(), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("approve_by", sa.BigInteger(), nullable=False),
        sa.Column("ratify_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "final_since",
            sa.BigInteger(),
            nullable=True,
            comment="nothing is expected of any leg since then",
        ),
        sa.Column(
            "event_sequence", sa.Integer(), nullable=False, comment="the requester's own events"
        ),
        sa.Column("leaf_index", _BIG, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_freeze_request_version_positive"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name="fk_freeze_request_incident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_freeze_request"),
    )
    op.create_index(
        "ix_freeze_request_incident_id_id", "freeze_request", ["incident_id", "id"], unique=False
    )
    op.create_index(
        "ix_freeze_request_provisional",
        "freeze_request",
        ["requester", "id"],
        unique=False,
        sqlite_where=sa.text("provisional = 1"),
        postgresql_where=sa.text("provisional"),
    )
    op.create_index(
        "ix_freeze_request_ratify_by",
        "freeze_request",
        ["ratify_by"],
        unique=False,
        sqlite_where=sa.text("provisional = 1"),
        postgresql_where=sa.text("provisional"),
    )
    op.create_index(
        "ix_freeze_request_requester_id", "freeze_request", ["requester", "id"], unique=False
    )
    op.create_index(
        "ix_freeze_request_requester_status_id",
        "freeze_request",
        ["requester", "status", "id"],
        unique=False,
    )
    op.create_index(
        "ix_freeze_request_status_approve_by",
        "freeze_request",
        ["status", "approve_by"],
        unique=False,
    )
    op.create_index(
        "ix_freeze_request_status_final_since",
        "freeze_request",
        ["status", "final_since"],
        unique=False,
    )
    op.create_index(
        "uq_freeze_request_requester_content_sha256",
        "freeze_request",
        ["requester", "content_sha256"],
        unique=True,
    )
    op.create_table(
        "partner",
        sa.Column("handle", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("jurisdiction", sa.String(length=10), nullable=True),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("root_kid", sa.String(length=43), nullable=True),
        sa.Column("invitation_sha256", sa.String(length=64), nullable=True),
        sa.Column("invitation_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=True),
        sa.Column("approval_quorum", sa.Integer(), nullable=False),
        sa.Column("provisional", sa.String(length=10), nullable=False),
        sa.Column("may_ask_all", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("may_flash", sa.JSON(), nullable=False),
        sa.Column("systems_as_compliance", sa.JSON(), nullable=False),
        sa.CheckConstraint("approval_quorum >= 1", name="ck_partner_quorum_positive"),
        sa.ForeignKeyConstraint(
            ["document_key_id"], ["document_key.id"], name="fk_partner_document_key_id"
        ),
        sa.PrimaryKeyConstraint("handle", name="pk_partner"),
        sa.UniqueConstraint("invitation_sha256", name="uq_partner_invitation_sha256"),
    )
    op.create_table(
        "act",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("evidence_kind", sa.String(length=15), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("person", sa.String(length=40), nullable=True),
        sa.Column("kid", sa.String(length=43), nullable=True),
        sa.Column("decision", sa.String(length=10), nullable=True, comment="of approvals alone"),
        sa.Column("context_sha256", sa.String(length=64), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["freeze_request.id"], name="fk_act_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_act"),
    )
    op.create_index("ix_act_request_id_id", "act", ["request_id", "id"], unique=False)
    op.create_index(
        "uq_act_request_person_decision",
        "act",
        ["request_id", "person"],
        unique=True,
        sqlite_where=sa.text("decision IS NOT NULL"),
        postgresql_where=sa.text("decision IS NOT NULL"),
    )
    op.create_table(
        "addition",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="add_…; owner of the sealed context"
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="pending, approved or rejected"
        ),
        sa.Column("proposed_by_person", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_kid", sa.String(length=43), nullable=False),
        sa.Column("context_sha256", sa.String(length=64), nullable=False),
        sa.Column("partner_count", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_addition_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_addition"),
        sa.UniqueConstraint("context_sha256", name="uq_addition_context_sha256"),
    )
    op.create_index(
        "ix_addition_pending",
        "addition",
        ["proposed_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_addition_request_id", "addition", ["request_id"], unique=False)
    op.create_table(
        "flagged_address",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=True),
        sa.Column("amount", _UNITS, nullable=True),
        sa.Column("usd_cents", _UNITS, nullable=True, comment="what it is stated to be worth"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_flagged_address_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "address_no", name="pk_flagged_address"),
    )
    op.create_table(
        "grant",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "evidence_id",
            sa.String(length=40),
            nullable=False,
            comment="whose document holds the token and the body",
        ),
        sa.Column("leaf_index", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_grant_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_grant"),
    )
    op.create_index("ix_grant_partner_id", "grant", ["partner", "id"], unique=False)
    op.create_table(
        "grant_proposal",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="grp_…; owner of the sealed evidence",
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("subject_owner", sa.String(length=40), nullable=True),
        sa.Column("proposer", sa.String(length=40), nullable=False),
        sa.Column(
            "proposer_kid",
            sa.String(length=43),
            nullable=False,
            comment="void once this key is gone",
        ),
        sa.Column("grant_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "status",
            sa.String(length=10),
            nullable=False,
            comment="pending or approved; else too old",
        ),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("approver", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_grant_proposal_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_grant_proposal"),
    )
    op.create_index(
        "ix_grant_proposal_partner_id", "grant_proposal", ["partner", "id"], unique=False
    )
    op.create_table(
        "leg",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("last_act", sa.String(length=20), nullable=True),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledge_by", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "overdue_at", sa.BigInteger(), nullable=True, comment="when it was seen to be late"
        ),
        sa.Column("decline_code", sa.String(length=40), nullable=True),
        sa.Column("decline_act_id", sa.String(length=40), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column(
            "ended", sa.Boolean(), nullable=False, comment="the request was withdrawn or closed"
        ),
        sa.Column("owes_answer", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("event_sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_leg_partner"),
        sa.ForeignKeyConstraint(["request_id"], ["freeze_request.id"], name="fk_leg_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_leg"),
        sa.UniqueConstraint("request_id", "partner", name="uq_leg_request_id_partner"),
    )
    op.create_index(
        "ix_leg_awaited",
        "leg",
        ["acknowledge_by"],
        unique=False,
        sqlite_where=sa.text("acknowledged_at IS NULL AND overdue_at IS NULL"),
        postgresql_where=sa.text("acknowledged_at IS NULL AND overdue_at IS NULL"),
    )
    op.create_index("ix_leg_partner_request_id", "leg", ["partner", "request_id"], unique=False)
    op.create_index(
        "ix_leg_partner_status_request_id", "leg", ["partner", "status", "request_id"], unique=False
    )
    op.create_index("ix_leg_queued_at", "leg", ["queued_at"], unique=False)
    op.create_table(
        "legal_order",
        sa.Column(
            "id", sa.String(length=40), nullable=False, comment="ord_…; owner of the sealed words"
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=True),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=True),
        sa.Column("attached_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_legal_order_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_legal_order"),
    )
    op.create_index("ix_legal_order_request_id", "legal_order", ["request_id"], unique=False)
    op.create_table(
        "packed_accounts",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("first_no", sa.Integer(), nullable=False, comment="address_no of the first"),
        sa.Column(
            "blind_indexes",
            sa.LargeBinary(),
            nullable=False,
            comment="HMAC-SHA-256 of each account key, 16 bytes each, in the order of address_no",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_packed_accounts_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "first_no", name="pk_packed_accounts"),
    )
    op.create_table(
        "partner_key",
        sa.Column("kid", sa.String(length=43), nullable=False, comment="RFC 7638 thumbprint"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("subject", sa.String(length=253), nullable=False),
        sa.Column("is_root", sa.Boolean(), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("grant_id", sa.String(length=40), nullable=True),
        sa.Column(
            "proposer",
            sa.String(length=40),
            nullable=True,
            comment="who proposed the grant; None for root",
        ),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("compromised_since", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_partner_key_partner"),
        sa.PrimaryKeyConstraint("kid", name="pk_partner_key"),
    )
    op.create_index("ix_partner_key_partner", "partner_key", ["partner"], unique=False)
    op.create_index("ix_partner_key_subject", "partner_key", ["subject"], unique=False)
    op.create_table(
        "root_reset",
        sa.Column("id", sa.String(length=40), nullable=False, comment="rst_…"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("new_kid", sa.String(length=43), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column(
            "status", sa.String(length=10), nullable=False, comment="waiting, done or stopped"
        ),
        sa.Column("announced_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_root_reset_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_root_reset"),
    )
    op.create_index(
        "ix_root_reset_effective_at", "root_reset", ["status", "effective_at"], unique=False
    )
    op.create_index("ix_root_reset_partner", "root_reset", ["partner"], unique=False)
    op.create_table(
        "subject",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column(
            "owner", sa.String(length=40), nullable=True, comment="the owning person of a system"
        ),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_subject_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_subject"),
    )
    op.create_index("ix_subject_partner", "subject", ["partner"], unique=False)
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("document_key_id", sa.String(length=40), nullable=False),
        sa.Column("event_types", sa.JSON(), nullable=True, comment="None: every event"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "failing_since", sa.BigInteger(), nullable=True, comment="no try succeeded since"
        ),
        sa.Column(
            "failing_told_at",
            sa.BigInteger(),
            nullable=True,
            comment="endpoint.failing was recorded",
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name="fk_webhook_endpoint_partner"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
    )
    op.create_index(
        "ix_webhook_endpoint_failing_since",
        "webhook_endpoint",
        ["failing_since"],
        unique=False,
        sqlite_where=sa.text("failing_since IS NOT NULL"),
        postgresql_where=sa.text("failing_since IS NOT NULL"),
    )
    op.create_index("ix_webhook_endpoint_partner", "webhook_endpoint", ["partner"], unique=False)
    op.create_table(
        "withdrawn_address",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_withdrawn_address_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "address_no", name="pk_withdrawn_address"),
    )
    op.create_table(
        "addition_decision",
        sa.Column("addition_id", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["addition_id"], ["addition.id"], name="fk_addition_decision_addition_id"
        ),
        sa.PrimaryKeyConstraint("addition_id", "person", name="pk_addition_decision"),
    )
    op.create_table(
        "answer_nothing",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_answer_nothing_leg_id"),
        sa.PrimaryKeyConstraint("leg_id", "address_no", name="pk_answer_nothing"),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.String(length=40), nullable=False, comment="dsp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=True),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("resolution", sa.String(length=20), nullable=True, comment="upheld or rejected"),
        sa.Column("resolution_act_id", sa.String(length=40), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "release_recommended_at",
            sa.BigInteger(),
            nullable=True,
            comment="nobody answered in time",
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_dispute_leg_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_dispute_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
    )
    op.create_index(
        "ix_dispute_answer_by",
        "dispute",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL AND release_recommended_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL AND release_recommended_at IS NULL"),
    )
    op.create_index("ix_dispute_leg_id", "dispute", ["leg_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("found", _UNITS, nullable=False),
        sa.Column("found_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_finding_leg_id"),
        sa.PrimaryKeyConstraint("leg_id", "address_no", "asset", name="pk_finding"),
    )
    op.create_index("ix_finding_request_id", "finding", ["request_id"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column("frozen", _UNITS, nullable=False),
        sa.Column("released", _UNITS, nullable=False),
        sa.Column("returned", _UNITS, nullable=False),
        sa.Column("seized", _UNITS, nullable=False),
        sa.Column("frozen_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("held_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("released_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("returned_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("seized_usd", _UNITS, nullable=True, comment="cents; null: no value stated"),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False, comment="nothing of it is held any more"),
        sa.Column("account_level", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=False),
        sa.Column("hold_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("lapsed", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.String(length=20), nullable=True),
        sa.Column(
            "ended_by", sa.String(length=15), nullable=True, comment="of a withheld hold alone"
        ),
        sa.Column(
            "withdrawn_at",
            sa.BigInteger(),
            nullable=True,
            comment="its address or request was taken back",
        ),
        sa.Column(
            "owed_since", sa.BigInteger(), nullable=True, comment="an answer is owed since then"
        ),
        sa.Column("next_reminder_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "next_clock_at",
            sa.BigInteger(),
            nullable=True,
            comment="next warning, or the end; None: no clock runs",
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_hold_version_positive"),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_hold_leg_id"),
        sa.ForeignKeyConstraint(["request_id"], ["freeze_request.id"], name="fk_hold_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
    )
    op.create_index(
        "ix_hold_ended_hold_expires_at", "hold", ["ended", "hold_expires_at"], unique=False
    )
    op.create_index("ix_hold_leg_id", "hold", ["leg_id"], unique=False)
    op.create_index("ix_hold_next_clock_at", "hold", ["next_clock_at"], unique=False)
    op.create_index("ix_hold_next_reminder_at", "hold", ["next_reminder_at"], unique=False)
    op.create_index("ix_hold_partner_asset", "hold", ["partner", "asset"], unique=False)
    op.create_table(
        "info_request",
        sa.Column("id", sa.String(length=40), nullable=False, comment="inf_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_act_id", sa.String(length=40), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_info_request_leg_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_info_request_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_info_request"),
    )
    op.create_index("ix_info_request_leg_id", "info_request", ["leg_id"], unique=False)
    op.create_table(
        "lane",
        sa.Column("endpoint_id", sa.String(length=40), nullable=False),
        sa.Column(
            "request_id", sa.String(length=40), nullable=False, comment="empty: not about a request"
        ),
        sa.Column(
            "priority",
            sa.Integer(),
            nullable=False,
            comment="0 flash, 1 urgent, 2 routine and the rest",
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=True, comment="None: nothing is owed"),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="tries of the present head"),
        sa.Column(
            "tried_since", sa.BigInteger(), nullable=True, comment="first try of the present head"
        ),
        sa.Column(
            "unanswered",
            sa.Boolean(),
            nullable=False,
            comment="waits for the endpoint to answer at all, not for its own turn",
        ),
        sa.Column(
            "gaps", sa.Integer(), nullable=False, comment="dead deliveries since the last good one"
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoint.id"], name="fk_lane_endpoint_id"
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "request_id", name="pk_lane"),
    )
    op.create_index(
        "ix_lane_priority_due_at",
        "lane",
        ["priority", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "ledger_line",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "report_id",
            sa.String(length=40),
            nullable=False,
            comment="act_…; its evidence holds the whole line",
        ),
        sa.Column("line_no", sa.Integer(), nullable=False, comment="place in the report, from 0"),
        sa.Column("kind", sa.String(length=15), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=True),
        sa.Column("asset", sa.String(length=200), nullable=True),
        sa.Column("amount", _UNITS, nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=True),
        sa.Column(
            "code", sa.String(length=40), nullable=True, comment="nothing: code; released: reason"
        ),
        sa.Column("corrects", sa.String(length=40), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("usd_cents", _UNITS, nullable=True, comment="what the line states it was worth"),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_ledger_line_leg_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_ledger_line_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_line"),
    )
    op.create_index("ix_ledger_line_corrects", "ledger_line", ["corrects"], unique=False)
    op.create_index("ix_ledger_line_hold_id", "ledger_line", ["hold_id"], unique=False)
    op.create_index("ix_ledger_line_leg_id_id", "ledger_line", ["leg_id", "id"], unique=False)
    op.create_index(
        "ix_ledger_line_request_id_id", "ledger_line", ["request_id", "id"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("endpoint_id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column(
            "status",
            sa.String(length=15),
            nullable=False,
            comment="pending, delivered, dead, cancelled",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "attempts", sa.Integer(), nullable=False, comment="tries of all times, numbered from 1"
        ),
        sa.Column(
            "owes",
            sa.String(length=20),
            nullable=True,
            comment="what the leg is still to be told: delivered, dead",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id", "request_id"],
            ["lane.endpoint_id", "lane.request_id"],
            name="fk_delivery_endpoint_id_request_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_endpoint_id_id", "delivery", ["endpoint_id", "id"], unique=False)
    op.create_index(
        "ix_delivery_lane_status_seq",
        "delivery",
        ["endpoint_id", "request_id", "status", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_delivery_owes",
        "delivery",
        ["owes"],
        unique=False,
        sqlite_where=sa.text("owes IS NOT NULL"),
        postgresql_where=sa.text("owes IS NOT NULL"),
    )
    op.create_index(
        "uq_delivery_event_id_endpoint_id", "delivery", ["event_id", "endpoint_id"], unique=True
    )
    op.create_table(
        "hold_link",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name="fk_hold_link_hold_id"),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_hold_link_leg_id"),
        sa.PrimaryKeyConstraint("leg_id", "hold_id", name="pk_hold_link"),
    )
    op.create_index("ix_hold_link_hold_id", "hold_link", ["hold_id"], unique=False)
    op.create_index(
        "ix_hold_link_request_id_hold_id", "hold_link", ["request_id", "hold_id"], unique=False
    )
    op.create_table(
        "shared_line",
        sa.Column("leg_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "address_no",
            sa.Integer(),
            nullable=False,
            comment="of this leg's request, not the line's",
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_shared_line_leg_id"),
        sa.ForeignKeyConstraint(["line_id"], ["ledger_line.id"], name="fk_shared_line_line_id"),
        sa.PrimaryKeyConstraint("leg_id", "line_id", name="pk_shared_line"),
    )
    op.create_index(
        "ix_shared_line_request_id_line_id", "shared_line", ["request_id", "line_id"], unique=False
    )
    op.create_table(
        "attempt",
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=60), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_attempt_delivery_id"),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_attempt"),
    )
    op.execute("INSERT INTO log_head (id, leaf_count, event_seq, revocations) VALUES (1, 0, 0, 0)")
    op.execute("INSERT INTO write_probe (id, at) VALUES (1, 0)")

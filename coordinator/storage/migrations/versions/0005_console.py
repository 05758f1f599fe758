"""The console: sessions, passkeys, links good once, acts about to be signed, and drafts.

Beside it what members do about themselves, which its page of acts lists.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "console_session",
        sa.Column("id_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=40), nullable=False, comment="ses_…; what it is listed by"
        ),
        sa.Column(
            "kid",
            sa.String(length=43),
            nullable=True,
            comment="the key it was opened with; None: by no key",
        ),
        sa.Column(
            "provider",
            sa.String(length=40),
            nullable=True,
            comment="the OpenID provider that said who it is; None: none did",
        ),
        sa.Column("partner", sa.String(length=253), nullable=True),
        sa.Column("person", sa.String(length=40), nullable=True),
        sa.Column(
            "browser", sa.String(length=80), nullable=False, comment="as its owner knows it again"
        ),
        sa.Column("content", sa.JSON(), nullable=False, comment="CSRF token, open challenges"),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_console_session"),
        sa.UniqueConstraint("number", name="uq_console_session_number"),
    )
    op.create_index("ix_console_session_ends_at", "console_session", ["ends_at"], unique=False)
    op.create_index("ix_console_session_kid", "console_session", ["kid"], unique=False)
    op.create_index("ix_console_session_person", "console_session", ["person"], unique=False)
    op.create_table(
        "console_link",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False, comment="sign_in, passkey"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column(
            "kid",
            sa.String(length=43),
            nullable=True,
            comment="what a sign_in stands on; None for passkey",
        ),
        sa.Column(
            "made_by", sa.String(length=40), nullable=True, comment="a person; None: the operator"
        ),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_console_link_partner"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_console_link"),
    )
    op.create_index("ix_console_link_ends_at", "console_link", ["ends_at"], unique=False)
    op.create_index("ix_console_link_partner", "console_link", ["partner"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.String(length=40), nullable=False, comment="drf_…"),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "submitted_as",
            sa.String(length=40),
            nullable=True,
            comment="the request that it became",
        ),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_draft_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
    )
    op.create_index("ix_draft_changed_at", "draft", ["changed_at"], unique=False)
    op.create_index("ix_draft_person", "draft", ["person"], unique=False)
    op.create_table(
        "passkey",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column(
            "credential_id",
            sa.String(length=1400),
            nullable=False,
            comment="base64url, as the authenticator gave it",
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("possession", sa.String(length=4096), nullable=False),
        sa.Column(
            "sign_count",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="0: the authenticator does not count",
        ),
        sa.Column("is_backed_up", sa.Boolean(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_passkey_partner"),
        sa.PrimaryKeyConstraint("kid", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_partner", "passkey", ["partner"], unique=False)
    op.create_index("ix_passkey_person", "passkey", ["person"], unique=False)
    op.create_table(
        "prepared_act",
        sa.Column("id", sa.String(length=40), nullable=False, comment="pra_…"),
        sa.Column(
            "nonce",
            sa.String(length=22),
            nullable=False,
            comment="of the signed act; nobody guesses it",
        ),
        sa.Column(
            "session",
            sa.String(length=40),
            nullable=False,
            comment="the session it was prepared in",
        ),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=6), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("prepared_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("carried_out_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_prepared_act_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_prepared_act"),
    )
    op.create_index("ix_prepared_act_ends_at", "prepared_act", ["ends_at"], unique=False)
    op.create_index("ix_prepared_act_person", "prepared_act", ["person"], unique=False)
    op.create_index("ix_prepared_act_session", "prepared_act", ["session"], unique=False)
    op.create_table(
        "sign_in_provider",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False, comment="sip_…"),
        sa.Column("set_by", sa.String(length=40), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partner.handle"], name="fk_sign_in_provider_partner"
        ),
        sa.PrimaryKeyConstraint("partner", name="pk_sign_in_provider"),
        sa.UniqueConstraint("id", name="uq_sign_in_provider_id"),
    )
    op.create_index("ix_act_partner_id", "act", ["partner", "id"], unique=False)
    op.create_table(
        "member_act",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("evidence_kind", sa.String(length=15), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True, comment="None: the root key"),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column(
            "about",
            sa.String(length=60),
            nullable=True,
            comment="the key, the person or system, or the endpoint",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.handle"], name="fk_member_act_partner"),
        sa.PrimaryKeyConstraint("id", name="pk_member_act"),
    )
    op.create_index("ix_member_act_partner", "member_act", ["partner"], unique=False)

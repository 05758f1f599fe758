"""The console: who is signed in, passkeys, links that are good once, acts about to be signed.

Nothing here gives a right: a passkey is good once a grant made its key one of `partner_key`.
"""

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Big, Id, Micros


class ConsoleSessionRow(Base):
    """One browser that is signed in, or is about to; its id is known to that browser alone."""

    __tablename__ = "console_session"
    id_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[Id] = mapped_column(unique=True, comment="ses_…; what it is listed by")
    kid: Mapped[str | None] = mapped_column(
        String(43), index=True, comment="the key it was opened with; None: by no key"
    )
    provider: Mapped[Id | None] = mapped_column(
        comment="the OpenID provider that said who it is; None: none did"
    )
    partner: Mapped[str | None] = mapped_column(String(253))
    person: Mapped[Id | None] = mapped_column(index=True)
    browser: Mapped[str] = mapped_column(String(80), comment="as its owner knows it again")
    content: Mapped[dict[str, str]] = mapped_column(JSON, comment="CSRF token, open challenges")
    opened_at: Mapped[Micros]
    seen_at: Mapped[Micros]
    ends_at: Mapped[Micros] = mapped_column(index=True)


class PasskeyRow(Base):
    """One passkey, pending until its key is granted."""

    __tablename__ = "passkey"
    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    credential_id: Mapped[str] = mapped_column(
        String(1400), unique=True, comment="base64url, as the authenticator gave it"
    )
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    person: Mapped[Id] = mapped_column(index=True)
    jwk: Mapped[dict[str, object]] = mapped_column(JSON)
    possession: Mapped[str] = mapped_column(String(4096))
    sign_count: Mapped[Big] = mapped_column(comment="0: the authenticator does not count")
    is_backed_up: Mapped[bool]
    transports: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[Micros]
    used_at: Mapped[Micros | None]
    removed_at: Mapped[Micros | None]


class ConsoleLinkRow(Base):
    """A link, good once: signs in with the key of whoever made it, or makes a pending passkey."""

    __tablename__ = "console_link"
    secret_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), comment="sign_in, passkey")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), index=True)
    person: Mapped[Id]
    kid: Mapped[str | None] = mapped_column(
        String(43), comment="what a sign_in stands on; None for passkey"
    )
    made_by: Mapped[Id | None] = mapped_column(comment="a person; None: the operator")
    made_at: Mapped[Micros]
    ends_at: Mapped[Micros] = mapped_column(index=True)
    used_at: Mapped[Micros | None]


class SignInProviderRow(Base):
    """A partner's OpenID provider; what it is, and whom it may sign in, is sealed.

    Setting it anew makes a new id: sessions that it opened stand on the id, and end.
    """

    __tablename__ = "sign_in_provider"
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"), primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True, comment="sip_…")
    set_by: Mapped[Id]
    set_at: Mapped[Micros]


class PreparedActRow(Base):
    """An act as it is about to be signed; what it says is sealed under its partner's key."""

    __tablename__ = "prepared_act"
    id: Mapped[Id] = mapped_column(primary_key=True, comment="pra_…")
    nonce: Mapped[str] = mapped_column(String(22), comment="of the signed act; nobody guesses it")
    session: Mapped[Id] = mapped_column(index=True, comment="the session it was prepared in")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    person: Mapped[Id] = mapped_column(index=True)
    method: Mapped[str] = mapped_column(String(6))
    path: Mapped[str] = mapped_column(String(300))
    prepared_at: Mapped[Micros]
    ends_at: Mapped[Micros] = mapped_column(index=True)
    carried_out_at: Mapped[Micros | None]


class DraftRow(Base):
    """A freeze request that a person writes in the console; the text is sealed."""

    __tablename__ = "draft"
    id: Mapped[Id] = mapped_column(primary_key=True, comment="drf_…")
    partner: Mapped[str] = mapped_column(ForeignKey("partner.handle"))
    person: Mapped[Id] = mapped_column(index=True)
    made_at: Mapped[Micros]
    changed_at: Mapped[Micros] = mapped_column(index=True)
    submitted_as: Mapped[Id | None] = mapped_column(comment="the request that it became")

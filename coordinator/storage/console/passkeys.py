"""Passkeys: pending until their key is granted, good while that key is."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Select, or_, select, update

from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.console import PasskeyRow
from coordinator.storage.tables.partners import PartnerKeyRow, SubjectRow


class Passkey(NamedTuple):
    """One passkey.

    Attributes:
        credential_id: base64url, as browsers name it.
        jwk: Its public key, with the member `webauthn`.
        possession: Its own word that it is to be this person's.
        sign_count: As last seen; 0 where the authenticator does not count.
    """

    kid: str
    credential_id: str
    partner: str
    person: str
    jwk: dict[str, object]
    possession: str
    sign_count: int
    is_backed_up: bool
    transports: list[str]
    made_at: datetime
    used_at: datetime | None
    removed_at: datetime | None


class PasskeyOfPartner(NamedTuple):
    """A passkey with what became of its key; times are None where nothing did."""

    kid: str
    person: str
    jwk: dict[str, object]
    possession: str
    is_backed_up: bool
    made_at: datetime
    used_at: datetime | None
    granted_at: datetime | None
    revoked_at: datetime | None
    person_revoked_at: datetime | None


def _good() -> Select[Any]:
    return (
        select(*fields_from(Passkey, PasskeyRow))
        .join(PartnerKeyRow, PartnerKeyRow.kid == PasskeyRow.kid)
        .join(SubjectRow, SubjectRow.id == PartnerKeyRow.subject)
        .where(
            PasskeyRow.removed_at.is_(None),
            PartnerKeyRow.revoked_at.is_(None),
            SubjectRow.revoked_at.is_(None),
        )
    )


def good(connection: Connection, person: str) -> list[Passkey]:
    """Return the passkeys of a person that give a right now, oldest first."""
    query = _good().where(PasskeyRow.person == person).order_by(PasskeyRow.made_at)
    return read_as(connection, Passkey, query)


class Which(NamedTuple):
    """Which passkeys of a partner: of one person or of all, in which state; or one by its key."""

    person: str | None = None
    status: Literal["pending", "good", "all"] = "all"
    kid: str | None = None


def of_partner(
    connection: Connection, handle: str, which: Which, *, after: str, limit: int
) -> list[PasskeyOfPartner]:
    """Return passkeys of a partner that their owners did not remove, by kid."""
    query = (
        select(
            PasskeyRow.kid,
            PasskeyRow.person,
            PasskeyRow.jwk,
            PasskeyRow.possession,
            PasskeyRow.is_backed_up,
            PasskeyRow.made_at,
            PasskeyRow.used_at,
            PartnerKeyRow.granted_at,
            PartnerKeyRow.revoked_at,
            SubjectRow.revoked_at.label("person_revoked_at"),
        )
        .outerjoin(PartnerKeyRow, PartnerKeyRow.kid == PasskeyRow.kid)
        .outerjoin(SubjectRow, SubjectRow.id == PasskeyRow.person)
        .where(
            PasskeyRow.partner == handle, PasskeyRow.removed_at.is_(None), PasskeyRow.kid > after
        )
        .order_by(PasskeyRow.kid)
        .limit(limit)
    )
    if which.person is not None:
        query = query.where(PasskeyRow.person == which.person)
    if which.kid is not None:
        query = query.where(PasskeyRow.kid == which.kid)
    if which.status == "pending":
        query = query.where(PartnerKeyRow.kid.is_(None))
    if which.status == "good":
        query = query.where(
            PartnerKeyRow.kid.is_not(None),
            PartnerKeyRow.revoked_at.is_(None),
            SubjectRow.revoked_at.is_(None),
        )
    return read_as(connection, PasskeyOfPartner, query)


def good_by_credential(connection: Connection, credential_id: str) -> Passkey | None:
    """Return the passkey of a credential, if it gives a right now."""
    found = read_as(connection, Passkey, _good().where(PasskeyRow.credential_id == credential_id))
    return found[0] if found else None


def by_credential(connection: Connection, credential_id: str) -> Passkey | None:
    """Return the passkey of a credential that was not removed, whether it gives a right or not."""
    query = select(*fields_from(Passkey, PasskeyRow)).where(
        PasskeyRow.credential_id == credential_id, PasskeyRow.removed_at.is_(None)
    )
    found = read_as(connection, Passkey, query)
    return found[0] if found else None


def of_person(connection: Connection, person: str) -> list[Passkey]:
    """Return all passkeys of a person that were not removed, pending ones too, oldest first."""
    query = (
        select(*fields_from(Passkey, PasskeyRow))
        .where(PasskeyRow.person == person, PasskeyRow.removed_at.is_(None))
        .order_by(PasskeyRow.made_at)
    )
    return read_as(connection, Passkey, query)


def find(connection: Connection, kid: str) -> Passkey | None:
    """Return a passkey that was not removed."""
    query = select(*fields_from(Passkey, PasskeyRow)).where(
        PasskeyRow.kid == kid, PasskeyRow.removed_at.is_(None)
    )
    found = read_as(connection, Passkey, query)
    return found[0] if found else None


def is_known(connection: Connection, kid: str, credential_id: str) -> bool:
    """Tell whether a key or its credential was ever a passkey here, one that was removed too."""
    query = select(PasskeyRow.kid).where(
        or_(PasskeyRow.kid == kid, PasskeyRow.credential_id == credential_id)
    )
    return connection.execute(query).first() is not None


def store(connection: Connection, passkey: Passkey) -> bool:
    """Store a new passkey; False if its key or its credential was one here already."""
    fields = passkey._fields
    return insert_rows(connection, PasskeyRow, fields, [passkey], ignore_conflicts=True) == 1


def used(connection: Connection, kid: str, sign_count: int, at: datetime) -> None:
    """Note that a passkey signed, and its counter."""
    connection.execute(
        update(PasskeyRow).where(PasskeyRow.kid == kid).values(sign_count=sign_count, used_at=at)
    )


def remove(connection: Connection, kid: str, at: datetime) -> None:
    """Note that its owner removed a passkey."""
    connection.execute(update(PasskeyRow).where(PasskeyRow.kid == kid).values(removed_at=at))

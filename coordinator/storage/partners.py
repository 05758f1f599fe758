"""Members, subjects, keys and grants."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, or_, select, text, update

from coordinator.domain.actor import Actor, ActorKind
from coordinator.storage.prebuilt import Asked, Prebuilt
from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.documents import DocumentKeyRow
from coordinator.storage.tables.partners import GrantRow, PartnerKeyRow, PartnerRow, SubjectRow
from coordinator.storage.tables.transparency_log import LogHeadRow
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.vocabulary import PartnerKind, PartnerStatus, Role


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose a key is: fixed for ever, so it may be remembered."""

    kid: str
    partner: str
    subject: str
    jwk: dict[str, str]
    is_root: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An actor's rights as they are now, and how many revocations they rest on.

    Attributes:
        wrapped_key: The partner's data key, wrapped; None once it is erased.
    """

    actor: Actor
    partner_status: PartnerStatus
    document_key_id: str
    wrapped_key: bytes | None
    revocations: int


def key_owner(connection: Connection, kid: str) -> KeyOwner | None:
    """Return whose key `kid` is, or None."""
    query = select(
        PartnerKeyRow.partner, PartnerKeyRow.subject, PartnerKeyRow.jwk, PartnerKeyRow.is_root
    ).where(PartnerKeyRow.kid == kid)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return KeyOwner(kid, row.partner, row.subject, row.jwk, row.is_root)


_STANDING = Prebuilt(
    select(
        PartnerKeyRow.kid,
        PartnerKeyRow.partner,
        PartnerKeyRow.subject,
        PartnerKeyRow.is_root,
        PartnerKeyRow.proposer,
        SubjectRow.kind.label("subject_kind"),
        SubjectRow.owner,
        SubjectRow.roles,
        PartnerRow.kind.label("partner_kind"),
        PartnerRow.status,
        PartnerRow.document_key_id,
        PartnerRow.systems_as_compliance,
        PartnerRow.may_flash,
        PartnerRow.approval_quorum,
        DocumentKeyRow.wrapped,
        LogHeadRow.revocations,
    )
    .join(PartnerRow, PartnerRow.handle == PartnerKeyRow.partner)
    .join(LogHeadRow, LogHeadRow.id == 1)
    .outerjoin(DocumentKeyRow, DocumentKeyRow.id == PartnerRow.document_key_id)
    .outerjoin(SubjectRow, SubjectRow.id == PartnerKeyRow.subject)
    .where(
        PartnerKeyRow.kid == bindparam("kid"),
        PartnerKeyRow.revoked_at.is_(None),
        SubjectRow.revoked_at.is_(None),
    )
)
_PARTNER = select(PartnerRow.__table__).where(PartnerRow.handle == bindparam("handle"))
# Rows that only refer to the partner are inserted beside it.
_LOCK = Prebuilt(
    select(PartnerRow.handle)
    .where(PartnerRow.handle == bindparam("handle"))
    .with_for_update(key_share=True)
)
_STATUSES = Prebuilt(
    select(PartnerRow.handle, PartnerRow.kind, PartnerRow.status, PartnerRow.provisional),
    among=PartnerRow.handle,
)
_STATUSES_AT_MOST = 512
#: People of a partner who hold a good key, with their roles.
_PEOPLE = Prebuilt(
    select(SubjectRow.id, SubjectRow.roles).where(
        SubjectRow.partner == bindparam("handle"),
        SubjectRow.kind == "person",
        SubjectRow.revoked_at.is_(None),
        exists().where(PartnerKeyRow.subject == SubjectRow.id, PartnerKeyRow.revoked_at.is_(None)),
    )
)
_PROPOSER = Prebuilt(select(PartnerKeyRow.proposer).where(PartnerKeyRow.kid == bindparam("kid")))
_JWKS = Prebuilt(select(PartnerKeyRow.kid, PartnerKeyRow.jwk), among=PartnerKeyRow.kid)


def standing(connection: Connection, kid: str) -> Standing | None:
    """Return the rights of whoever holds `kid` as they are now; None if they were taken away."""
    return standing_of(ask_standing(connection, kid))


def ask_standing(connection: Connection, kid: str) -> Asked:
    """Ask for the rights of whoever holds `kid`; `standing_of` waits for the answer."""
    return _STANDING.send(connection, kid=kid)


def standing_of(asked: Asked) -> Standing | None:
    """Return what `standing` returns."""
    row = asked.row()
    if row is None or (row.subject_kind is None and not row.is_root):
        return None
    actor = Actor(
        partner=row.partner,
        subject=row.subject,
        kid=row.kid,
        kind=ActorKind.ROOT if row.is_root else ActorKind(row.subject_kind),
        roles=frozenset(Role(r) for r in row.roles or ()),
        owner=row.owner,
        key_proposer=row.proposer,
        partner_kind=PartnerKind(row.partner_kind),
        systems_as_compliance=row.subject in row.systems_as_compliance,
        may_flash=row.subject in row.may_flash,
        is_suspended=row.status == PartnerStatus.SUSPENDED,
        approval_quorum=row.approval_quorum,
    )
    return Standing(
        actor, PartnerStatus(row.status), row.document_key_id, row.wrapped, row.revocations
    )


_STILL = text(
    "SELECT partner_key.revoked_at, partner.status FROM partner_key "
    "JOIN partner ON partner.handle = partner_key.partner WHERE partner_key.kid = :kid"
)


def still_stands(
    connection: Connection, found: Standing, *, ended_here: Collection[str] = ()
) -> bool:
    """Tell whether the rights that were found rest on what is still so.

    Args:
        connection: Inside the transaction, under the lock of the log's head.
        found: As read at its start.
        ended_here: Keys that this transaction itself ended.
    """
    kid = found.actor.kid
    row = connection.execute(_STILL, {"kid": kid}).one_or_none()
    if row is None or row.status != found.partner_status:
        return False
    return row.revoked_at is None or kid in ended_here


def key_proposer(connection: Connection, kid: str) -> str | None:
    """Return the lead who proposed the grant of `kid`; None where the root key granted it."""
    return proposer_of(ask_key_proposer(connection, kid))


def ask_key_proposer(connection: Connection, kid: str) -> Asked:
    """Ask for what `key_proposer` returns; `proposer_of` waits for it."""
    return _PROPOSER.send(connection, kid=kid)


def proposer_of(asked: Asked) -> str | None:
    """Return what `ask_key_proposer` asked for."""
    row = asked.row()
    return None if row is None else row.proposer


def partner(connection: Connection, handle: str, *, lock: bool = False) -> Row[Any] | None:
    """Return one partner's row; locked against other changes of its membership, if asked."""
    query = _PARTNER
    if lock:
        # Rows that only refer to the partner are inserted beside it.
        query = query.with_for_update(key_share=True)
    return connection.execute(query, {"handle": handle}).one_or_none()


def send_lock(connection: Connection, handle: str) -> None:
    """Have what is counted of a partner from here on counted by one transaction at a time.

    Whoever comes second waits, and its next statement sees what the first has added. It is taken
    before any lock of a request or of the log, as by those who change a membership (`partner`).
    """
    if connection.dialect.name != "sqlite":  # writers queue there already
        _LOCK.send(connection, handle=handle)


def partners(
    connection: Connection, *, after: str = "", limit: int = 100, active_only: bool = False
) -> Sequence[Row[Any]]:
    """Return members by handle, those that never joined left out."""
    wanted = (
        [PartnerStatus.ACTIVE] if active_only else [PartnerStatus.ACTIVE, PartnerStatus.SUSPENDED]
    )
    query = (
        select(PartnerRow.__table__)
        .where(PartnerRow.handle > after, PartnerRow.status.in_(wanted))
        .order_by(PartnerRow.handle)
        .limit(limit)
    )
    return connection.execute(query).all()


def statuses(connection: Connection, handles: Sequence[str]) -> dict[str, Any]:
    """Return (handle, kind, status, provisional) rows of the partners among `handles`."""
    return statuses_of(ask_statuses(connection, handles))


def ask_statuses(connection: Connection, handles: Sequence[str]) -> list[Asked]:
    """Ask for the rows of `statuses`; `statuses_of` waits for them."""
    return [
        _STATUSES.send(connection, among=handles[start : start + _STATUSES_AT_MOST])
        for start in range(0, len(handles), _STATUSES_AT_MOST)
    ]


def statuses_of(asked: Sequence[Asked]) -> dict[str, Any]:
    """Return what `statuses` returns."""
    return {row.handle: row for part in asked for row in part.rows()}


def suspended_among(connection: Connection, handles: Collection[str]) -> set[str]:
    """Return which of these partners are suspended."""
    query = select(PartnerRow.handle).where(
        PartnerRow.handle.in_(handles), PartnerRow.status == PartnerStatus.SUSPENDED
    )
    return set(connection.execute(query).scalars()) if handles else set()


def jurisdictions(connection: Connection) -> frozenset[str]:
    """Return the jurisdictions of all members, as far as the operator knows them."""
    query = select(PartnerRow.jurisdiction).distinct()
    return frozenset(found for found in connection.execute(query).scalars() if found)


def by_invitation(connection: Connection, invitation_sha256: str) -> Row[Any] | None:
    """Return the partner that an invitation was made for, locked: it is taken once."""
    query = (
        select(PartnerRow.__table__)
        .where(PartnerRow.invitation_sha256 == invitation_sha256)
        .with_for_update(key_share=True)
    )
    return connection.execute(query).one_or_none()


def subject(connection: Connection, subject_id: str) -> Row[Any] | None:
    """Return one subject's row."""
    query = select(SubjectRow.__table__).where(SubjectRow.id == subject_id)
    return connection.execute(query).one_or_none()


def subjects(
    connection: Connection, handle: str, *, after: str = "", limit: int = 100
) -> Sequence[Row[Any]]:
    """Return a partner's people and systems that were not taken away, by id."""
    query = (
        select(SubjectRow.__table__)
        .where(SubjectRow.partner == handle, SubjectRow.revoked_at.is_(None), SubjectRow.id > after)
        .order_by(SubjectRow.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def insert_subject(  # noqa: PLR0913 - the columns
    connection: Connection,
    subject_id: str,
    *,
    partner: str,
    kind: str,
    owner: str | None,
    roles: Sequence[str],
    now: datetime,
) -> bool:
    """Store a new person or system; False if the id was taken meanwhile."""
    columns = ("id", "partner", "kind", "owner", "roles", "created_at")
    row = (subject_id, partner, kind, owner, list(roles), now)
    return insert_rows(connection, SubjectRow, columns, [row], ignore_conflicts=True) == 1


def insert_key(  # noqa: PLR0913 - the columns
    connection: Connection,
    key: PublicKey,
    *,
    partner: str,
    subject: str,
    grant_id: str | None,
    proposer: str | None,
    now: datetime,
    is_root: bool = False,
) -> bool:
    """Store a new key; False if somebody registered it meanwhile."""
    columns = (
        "kid",
        "partner",
        "subject",
        "is_root",
        "jwk",
        "grant_id",
        "proposer",
        "granted_at",
    )
    row = (key.kid, partner, subject, is_root, key.jwk(), grant_id, proposer, now)
    return insert_rows(connection, PartnerKeyRow, columns, [row], ignore_conflicts=True) == 1


def ask_people(connection: Connection, handle: str) -> Asked:
    """Ask for the people of `handle` who hold a good key, for `leads_among`."""
    return _PEOPLE.send(connection, handle=handle)


def eligible_leads(connection: Connection, handle: str, excluded: set[str]) -> int:
    """Count the people of `handle` who may approve: leads with a good key, not in `excluded`."""
    return leads_among(ask_people(connection, handle), excluded)


def leads_among(people: Asked, excluded: set[str]) -> int:
    """Return what `eligible_leads` returns, of the people of `ask_people`."""
    return sum(p.id not in excluded and Role.SECURITY_LEAD in p.roles for p in people.rows())


def jwks(connection: Connection, kids: Collection[str]) -> dict[str, Any]:
    """Return the public keys of `kids`, few of them."""
    if not kids:
        return {}
    return {row.kid: row.jwk for row in _JWKS.rows(connection, among=sorted(kids))}


def keys(
    connection: Connection,
    *,
    handle: str | None = None,
    kids: Sequence[str] = (),
    after: str = "",
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Return keys with their subject's roles, by kid."""
    query = (
        select(PartnerKeyRow.__table__, SubjectRow.roles)
        .outerjoin(SubjectRow, SubjectRow.id == PartnerKeyRow.subject)
        .where(PartnerKeyRow.kid > after)
        .order_by(PartnerKeyRow.kid)
        .limit(limit)
    )
    if handle is not None:
        query = query.where(PartnerKeyRow.partner == handle)
    if kids:
        query = query.where(PartnerKeyRow.kid.in_(kids))
    return connection.execute(query).all()


def kids_of(
    connection: Connection, handle: str, subject_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Return the good keys of a partner's subjects."""
    found: dict[str, list[str]] = {s: [] for s in subject_ids}
    query = select(PartnerKeyRow.subject, PartnerKeyRow.kid).where(
        PartnerKeyRow.partner == handle,
        PartnerKeyRow.subject.in_(subject_ids),
        PartnerKeyRow.revoked_at.is_(None),
    )
    for subject_id, kid in connection.execute(query):
        found[subject_id].append(kid)
    return found


def grants(
    connection: Connection, *, handle: str | None = None, after: str = "", limit: int = 100
) -> Sequence[Row[Any]]:
    """Return grants in the order they were made."""
    query = select(GrantRow.__table__).where(GrantRow.id > after).order_by(GrantRow.id).limit(limit)
    if handle is not None:
        query = query.where(GrantRow.partner == handle)
    return connection.execute(query).all()


def revoke_keys(  # noqa: PLR0913 - what a revocation says
    connection: Connection,
    handle: str,
    *,
    kid: str | None,
    subject_id: str | None,
    at: datetime,
    compromised_since: datetime | None,
) -> list[str]:
    """Take away one key, or all keys of a subject, and return the kids that were good until now."""
    wanted = or_(PartnerKeyRow.kid == kid, PartnerKeyRow.subject == subject_id)
    statement = (
        update(PartnerKeyRow)
        .where(PartnerKeyRow.partner == handle, PartnerKeyRow.revoked_at.is_(None), wanted)
        .values(revoked_at=at, compromised_since=compromised_since)
        .returning(PartnerKeyRow.kid)
    )
    return sorted(connection.execute(statement).scalars())


def count_by_status(connection: Connection) -> dict[str, int]:
    """Return how many partners are in each status."""
    query = select(PartnerRow.status, func.count()).group_by(PartnerRow.status)
    return dict(connection.execute(query).tuples().all())

"""Members, subjects, keys and grants."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from coordinator.domain.actor import Actor, ActorKind
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.reads import fields_from, read, read_as, read_one
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.console import SignInProviderRow
from coordinator.storage.tables.documents import DocumentKeyRow
from coordinator.storage.tables.partners import GrantRow, PartnerKeyRow, PartnerRow, SubjectRow
from coordinator.storage.tables.transparency_log import LogHeadRow
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import FreezesOn, PartnerKind, PartnerStatus, Role


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose a key is: fixed for ever, so it may be remembered."""

    kid: str
    partner: str
    subject: str
    jwk: JsonObject
    is_root: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An actor's rights as they are now, and how many revocations they rest on.

    Attributes:
        wrapped_key: The partner's data key, wrapped; None once it is erased.
        is_read_only: The database was restored and takes no change yet, whoever asks.
    """

    actor: Actor
    partner_status: PartnerStatus
    document_key_id: str
    wrapped_key: bytes | None
    revocations: int
    is_read_only: bool = False


def key_owner(connection: Connection, kid: str) -> KeyOwner | None:
    """Return whose key `kid` is, or None."""
    query = select(
        PartnerKeyRow.partner, PartnerKeyRow.subject, PartnerKeyRow.jwk, PartnerKeyRow.is_root
    ).where(PartnerKeyRow.kid == kid)
    found = connection.execute(query).one_or_none()
    return None if found is None else KeyOwner(kid, *found)


class _Standing(NamedTuple):
    kid: str
    partner: str
    subject: str
    is_root: bool
    proposer: str | None
    subject_kind: str | None
    owner: str | None
    roles: list[str] | None
    partner_kind: str
    status: str
    document_key_id: str
    systems_as_compliance: list[str]
    may_flash: list[str]
    approval_quorum: int
    withdrawal_quorum: int
    wrapped: bytes | None
    revocations: int
    restored_at: datetime | None


class PartnerStatusNow(NamedTuple):
    """What decides whether a partner may be asked, and by what clocks."""

    handle: str
    kind: str
    status: str
    provisional: str
    clocks: str | None
    jurisdiction: str | None
    freezes_on: str = FreezesOn.REQUEST


class Person(NamedTuple):
    """A person of a partner who holds a good key."""

    id: str
    roles: list[str]


class _Jwk(NamedTuple):
    kid: str
    jwk: JsonObject


class KeyOfSubject(NamedTuple):
    """A key with the roles that its subject has by now; None for a root key."""

    kid: str
    partner: str
    subject: str
    is_root: bool
    jwk: JsonObject
    grant_id: str | None
    granted_at: datetime
    revoked_at: datetime | None
    proposer: str | None
    roles: list[str] | None


_OF_SUBJECT_AND_PARTNER = (
    SubjectRow.kind.label("subject_kind"),
    SubjectRow.owner,
    SubjectRow.roles,
    PartnerRow.kind.label("partner_kind"),
    PartnerRow.status,
    PartnerRow.document_key_id,
    PartnerRow.systems_as_compliance,
    PartnerRow.may_flash,
    PartnerRow.approval_quorum,
    PartnerRow.withdrawal_quorum,
    DocumentKeyRow.wrapped,
    LogHeadRow.revocations,
    LogHeadRow.restored_at,
)
_STANDING = Prebuilt(
    select(
        PartnerKeyRow.kid,
        PartnerKeyRow.partner,
        PartnerKeyRow.subject,
        PartnerKeyRow.is_root,
        PartnerKeyRow.proposer,
        *_OF_SUBJECT_AND_PARTNER,
    )
    .join(PartnerRow, PartnerRow.handle == PartnerKeyRow.partner)
    .join(LogHeadRow, LogHeadRow.id == 1)
    .outerjoin(DocumentKeyRow, DocumentKeyRow.id == PartnerRow.document_key_id)
    .outerjoin(SubjectRow, SubjectRow.id == PartnerKeyRow.subject)
    .where(
        PartnerKeyRow.kid == bindparam("kid"),
        PartnerKeyRow.revoked_at.is_(None),
        SubjectRow.revoked_at.is_(None),
    ),
    _Standing,
)
#: Of a person whom their partner's own provider named: they hold no key here, and sign nothing.
_BY_PROVIDER = Prebuilt(
    select(
        literal_column("''", String).label("kid"),
        SubjectRow.partner,
        SubjectRow.id.label("subject"),
        false().label("is_root"),
        null().label("proposer"),
        *_OF_SUBJECT_AND_PARTNER,
    )
    .join(PartnerRow, PartnerRow.handle == SubjectRow.partner)
    .join(SignInProviderRow, SignInProviderRow.partner == SubjectRow.partner)
    .join(LogHeadRow, LogHeadRow.id == 1)
    .outerjoin(DocumentKeyRow, DocumentKeyRow.id == PartnerRow.document_key_id)
    .where(
        SubjectRow.id == bindparam("person"),
        SubjectRow.kind == "person",
        SubjectRow.revoked_at.is_(None),
        SignInProviderRow.id == bindparam("provider"),
    ),
    _Standing,
)
_BY_HANDLE = select(PartnerRow).where(PartnerRow.handle == bindparam("handle"))
_PARTNER = Prebuilt(_BY_HANDLE)
# Rows that only refer to the partner are inserted beside it.
_LOCKED_PARTNER = Prebuilt(_BY_HANDLE.with_for_update(key_share=True))
_LOCK = Prebuilt(
    select(PartnerRow.handle)
    .where(PartnerRow.handle == bindparam("handle"))
    .with_for_update(key_share=True)
)
_STATUSES = Prebuilt(
    select(
        PartnerRow.handle,
        PartnerRow.kind,
        PartnerRow.status,
        PartnerRow.provisional,
        PartnerRow.clocks,
        PartnerRow.jurisdiction,
        PartnerRow.freezes_on,
    ),
    PartnerStatusNow,
    among=PartnerRow.handle,
)
_STATUSES_AT_MOST = 512
_SUSPENDED = Prebuilt(
    select(PartnerRow.handle).where(PartnerRow.status == PartnerStatus.SUSPENDED.value),
    among=PartnerRow.handle,
)
#: People of a partner who hold a good key, with their roles.
_PEOPLE = Prebuilt(
    select(SubjectRow.id, SubjectRow.roles).where(
        SubjectRow.partner == bindparam("handle"),
        SubjectRow.kind == "person",
        SubjectRow.revoked_at.is_(None),
        exists().where(PartnerKeyRow.subject == SubjectRow.id, PartnerKeyRow.revoked_at.is_(None)),
    ),
    Person,
)
_PROPOSER = Prebuilt(select(PartnerKeyRow.proposer).where(PartnerKeyRow.kid == bindparam("kid")))
_JWKS = Prebuilt(select(PartnerKeyRow.kid, PartnerKeyRow.jwk), _Jwk, among=PartnerKeyRow.kid)


def standing(connection: Connection, kid: str) -> Standing | None:
    """Return the rights of whoever holds `kid` as they are now; None if they were taken away."""
    return read_standing(send_standing(connection, kid))


def standing_by_provider(connection: Connection, provider: str, person: str) -> Standing | None:
    """Return a person's rights as they are now, who came by their partner's present provider.

    None if they were taken away, the provider was, or another was set in its place.
    """
    return read_standing(_BY_PROVIDER.send(connection, provider=provider, person=person))


def send_standing(connection: Connection, kid: str) -> Pending[_Standing]:
    """Send the query for the rights of whoever holds `kid`."""
    return _STANDING.send(connection, kid=kid)


def read_standing(pending: Pending[_Standing]) -> Standing | None:
    """Read the answer of `send_standing`."""
    row = pending.row()
    if row is None:
        return None
    if row.is_root:
        kind = ActorKind.ROOT
    elif row.subject_kind is not None:
        kind = ActorKind(row.subject_kind)
    else:
        return None
    actor = Actor(
        partner=row.partner,
        subject=row.subject,
        kid=row.kid,
        kind=kind,
        roles=frozenset(Role(r) for r in row.roles or ()),
        owner=row.owner,
        key_proposer=row.proposer,
        partner_kind=PartnerKind(row.partner_kind),
        systems_as_compliance=row.subject in row.systems_as_compliance,
        may_flash=row.subject in row.may_flash,
        is_suspended=row.status == PartnerStatus.SUSPENDED,
        approval_quorum=row.approval_quorum,
        withdrawal_quorum=row.withdrawal_quorum,
    )
    return Standing(
        actor,
        PartnerStatus(row.status),
        row.document_key_id,
        row.wrapped,
        row.revocations,
        is_read_only=row.restored_at is not None,
    )


class _Still(NamedTuple):
    revoked_at: datetime | None
    status: str


_STILL = Prebuilt(
    select(PartnerKeyRow.revoked_at, PartnerRow.status)
    .join(PartnerRow, PartnerRow.handle == PartnerKeyRow.partner)
    .where(PartnerKeyRow.kid == bindparam("kid")),
    _Still,
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
    row = _STILL.row(connection, kid=kid)
    if row is None or row.status != found.partner_status:
        return False
    return row.revoked_at is None or kid in ended_here


def key_proposer(connection: Connection, kid: str) -> str | None:
    """Return the lead who proposed the grant of `kid`; None where the root key granted it."""
    return read_key_proposer(send_key_proposer(connection, kid))


def key_proposers(connection: Connection, kids: Collection[str]) -> dict[str, str | None]:
    """Return by key who proposed its grant; None where the root key granted it."""
    if not kids:
        return {}
    query = select(PartnerKeyRow.kid, PartnerKeyRow.proposer).where(
        PartnerKeyRow.kid.in_(sorted(kids))
    )
    return dict(connection.execute(query).all())


def send_key_proposer(connection: Connection, kid: str) -> Pending[str | None]:
    """Send the query for the proposer of a key's grant."""
    return _PROPOSER.send(connection, kid=kid)


def read_key_proposer(pending: Pending[str | None]) -> str | None:
    """Read the answer of `send_key_proposer`."""
    return pending.row()


def partner(connection: Connection, handle: str, *, lock: bool = False) -> PartnerRow | None:
    """Return one partner's row; locked against other changes of its membership, if asked."""
    return (_LOCKED_PARTNER if lock else _PARTNER).row(connection, handle=handle)


def send_lock(connection: Connection, handle: str) -> None:
    """Lock a partner before something of it is counted: one transaction counts at a time.

    The second one waits, and its next statement sees what the first one added. This lock is taken
    before any lock of a request or of the log, as changes of a membership take it (`partner`).
    """
    if connection.dialect.name != "sqlite":  # writers queue there already
        _LOCK.send(connection, handle=handle)


def partners(
    connection: Connection, *, after: str = "", limit: int = 100, active_only: bool = False
) -> list[PartnerRow]:
    """Return members by handle, those that never joined left out."""
    wanted = (
        [PartnerStatus.ACTIVE] if active_only else [PartnerStatus.ACTIVE, PartnerStatus.SUSPENDED]
    )
    query = (
        select(PartnerRow)
        .where(PartnerRow.handle > after, PartnerRow.status.in_(wanted))
        .order_by(PartnerRow.handle)
        .limit(limit)
    )
    return read(connection, query)


def statuses(connection: Connection, handles: Sequence[str]) -> dict[str, PartnerStatusNow]:
    """Return kind, status and policy of the partners among `handles`."""
    return read_statuses(send_statuses(connection, handles))


def send_statuses(
    connection: Connection, handles: Sequence[str]
) -> list[Pending[PartnerStatusNow]]:
    """Send the queries for `statuses`."""
    return [
        _STATUSES.send(connection, among=handles[start : start + _STATUSES_AT_MOST])
        for start in range(0, len(handles), _STATUSES_AT_MOST)
    ]


def read_statuses(pending: Sequence[Pending[PartnerStatusNow]]) -> dict[str, PartnerStatusNow]:
    """Read the answers of `send_statuses`."""
    return {row.handle: row for part in pending for row in part.rows()}


def suspended_among(connection: Connection, handles: Collection[str]) -> set[str]:
    """Return which of these partners are suspended."""
    found: set[str] = set()
    for some in batches(sorted(handles)):
        found.update(_SUSPENDED.rows(connection, among=some))
    return found


def change(connection: Connection, handle: str, values: Mapping[str, object]) -> None:
    """Change what a partner says of itself; it is locked."""
    statement = update(PartnerRow).where(PartnerRow.handle == handle).values(**values)
    connection.execute(statement)


def named_in_statistics(connection: Connection) -> frozenset[str]:
    """Return the members that let others read figures of them under their names."""
    query = select(PartnerRow.handle).where(PartnerRow.named_in_statistics)
    return frozenset(connection.execute(query).scalars())


def jurisdictions(connection: Connection) -> frozenset[str]:
    """Return the jurisdictions of all members, as far as the operator knows them."""
    query = select(PartnerRow.jurisdiction).distinct()
    return frozenset(found for found in connection.execute(query).scalars() if found)


def by_invitation(connection: Connection, invitation_sha256: str) -> PartnerRow | None:
    """Return the partner that an invitation was made for, locked: it is taken once."""
    query = (
        select(PartnerRow)
        .where(PartnerRow.invitation_sha256 == invitation_sha256)
        .with_for_update(key_share=True)
    )
    return read_one(connection, query)


def subject(connection: Connection, subject_id: str) -> SubjectRow | None:
    """Return one subject's row."""
    query = select(SubjectRow).where(SubjectRow.id == subject_id)
    return read_one(connection, query)


def subjects(
    connection: Connection,
    handle: str,
    *,
    with_former: bool = False,
    after: str = "",
    limit: int = 100,
) -> list[SubjectRow]:
    """Return a partner's people and systems by id; those taken away, too, if asked for."""
    query = (
        select(SubjectRow)
        .where(SubjectRow.partner == handle, SubjectRow.id > after)
        .order_by(SubjectRow.id)
        .limit(limit)
    )
    if not with_former:
        query = query.where(SubjectRow.revoked_at.is_(None))
    return read(connection, query)


class NewSubject(NamedTuple):
    """A person or system to be stored; a system has an `owner`."""

    id: str
    partner: str
    kind: str
    owner: str | None
    roles: list[str]
    created_at: datetime


class NewKey(NamedTuple):
    """A public key to be stored.

    Attributes:
        subject: Whose it is; of a root key the partner's handle.
        granted_at: When it becomes good.
        grant_id: The grant that names it; None for a root key.
        proposer: The lead who proposed that grant; None where the root key made it.
        is_root: It is the partner's root key.
    """

    key: PublicKey
    partner: str
    subject: str
    granted_at: datetime
    grant_id: str | None = None
    proposer: str | None = None
    is_root: bool = False


def insert_subject(connection: Connection, new: NewSubject) -> bool:
    """Store a new person or system; False if the id was taken meanwhile."""
    return insert_rows(connection, SubjectRow, new._fields, [new], ignore_conflicts=True) == 1


def insert_key(connection: Connection, new: NewKey) -> bool:
    """Store a new key; False if somebody registered it meanwhile."""
    key, *rest = new
    columns = ("kid", "jwk", *new._fields[1:])
    row = (key.kid, key.jwk(), *rest)
    return insert_rows(connection, PartnerKeyRow, columns, [row], ignore_conflicts=True) == 1


def send_people(connection: Connection, handle: str) -> Pending[Person]:
    """Send the query for the people of `handle` who hold a valid key."""
    return _PEOPLE.send(connection, handle=handle)


def eligible_leads(connection: Connection, handle: str, excluded: set[str]) -> int:
    """Count the people of `handle` who may approve: leads with a good key, not in `excluded`."""
    return read_eligible_leads(send_people(connection, handle), excluded)


def read_eligible_leads(people: Pending[Person], excluded: set[str]) -> int:
    """Count the leads among the answer of `send_people`."""
    return sum(p.id not in excluded and Role.SECURITY_LEAD in p.roles for p in people.rows())


def jwks(connection: Connection, kids: Collection[str]) -> dict[str, JsonObject]:
    """Return the public keys of `kids`, few of them."""
    if not kids:
        return {}
    return dict(_JWKS.rows(connection, among=sorted(kids)))


class WhichKeys(NamedTuple):
    """Which keys: of one partner, of one subject, few by their kids; all where nothing is said."""

    handle: str | None = None
    subject_id: str | None = None
    kids: Sequence[str] = ()


def keys(
    connection: Connection, which: WhichKeys, *, after: str = "", limit: int = 100
) -> list[KeyOfSubject]:
    """Return keys with their subject's roles, by kid."""
    query = (
        select(*fields_from(KeyOfSubject, PartnerKeyRow), SubjectRow.roles)
        .outerjoin(SubjectRow, SubjectRow.id == PartnerKeyRow.subject)
        .where(PartnerKeyRow.kid > after)
        .order_by(PartnerKeyRow.kid)
        .limit(limit)
    )
    if which.handle is not None:
        query = query.where(PartnerKeyRow.partner == which.handle)
    if which.subject_id is not None:
        query = query.where(PartnerKeyRow.subject == which.subject_id)
    if which.kids:
        query = query.where(PartnerKeyRow.kid.in_(which.kids))
    return read_as(connection, KeyOfSubject, query)


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


def good_keys(connection: Connection, handle: str, subject_id: str) -> dict[str, JsonObject]:
    """Return the good keys of one of a partner's subjects, by kid."""
    query = select(PartnerKeyRow.kid, PartnerKeyRow.jwk).where(
        PartnerKeyRow.partner == handle,
        PartnerKeyRow.subject == subject_id,
        PartnerKeyRow.revoked_at.is_(None),
    )
    return dict(connection.execute(query).all())


def grants(
    connection: Connection,
    *,
    handle: str | None = None,
    subject_id: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[GrantRow]:
    """Return grants in the order they were made."""
    query = select(GrantRow).where(GrantRow.id > after).order_by(GrantRow.id).limit(limit)
    if handle is not None:
        query = query.where(GrantRow.partner == handle)
    if subject_id is not None:
        query = query.where(GrantRow.subject == subject_id)
    return read(connection, query)


def grant_leaves(connection: Connection, handle: str) -> list[int]:
    """Return where a partner's grants stand in the log."""
    query = select(GrantRow.leaf_index).where(
        GrantRow.partner == handle, GrantRow.leaf_index.is_not(None)
    )
    return [index for index in connection.execute(query).scalars() if index is not None]


class RevokedKeys(NamedTuple):
    """Which keys are taken away: one, or all of a subject; and since when they were compromised."""

    kid: str | None = None
    subject_id: str | None = None
    compromised_since: datetime | None = None


def revoke_keys(
    connection: Connection, handle: str, revoked: RevokedKeys, *, at: datetime
) -> list[str]:
    """Take keys of `handle` away, and return the kids that were good until now."""
    wanted = or_(PartnerKeyRow.kid == revoked.kid, PartnerKeyRow.subject == revoked.subject_id)
    statement = (
        update(PartnerKeyRow)
        .where(PartnerKeyRow.partner == handle, PartnerKeyRow.revoked_at.is_(None), wanted)
        .values(revoked_at=at, compromised_since=revoked.compromised_since)
        .returning(PartnerKeyRow.kid)
    )
    return sorted(connection.execute(statement).scalars())


def count_by_status(connection: Connection) -> dict[str, int]:
    """Return how many partners are in each status."""
    query = select(PartnerRow.status, func.count()).group_by(PartnerRow.status)
    return dict(connection.execute(query).all())

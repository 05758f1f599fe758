"""Grants and revocations: who acts for a partner, with which key and role.

A grant is signed by the partner's root key; the coordinator checks, stores, logs and shows it, and can
make none itself.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, update

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.domain.permission import Permission
from coordinator.services.bus import handles
from coordinator.services.unit_of_work import EVERYBODY, Answer, UnitOfWork
from coordinator.storage import partners as store
from coordinator.storage.documents import DocumentKey
from coordinator.storage.tables.partners import GrantRow, PartnerKeyRow, PartnerRow, SubjectRow
from partners.protocol import membership_payloads
from partners.protocol.errors import ProtocolError
from partners.protocol.jwk import PublicKey
from partners.protocol.payloads import format_time
from partners.protocol.proof_of_possession import verify_possession
from partners.protocol.type_ids import new_id
from partners.protocol.vocabulary import EventType, PartnerStatus, Role

_PERSON_ROLES = frozenset(Role) - {Role.SYSTEM}


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeGrant:
    """Give a person, system, key, role or policy; signed by the root key."""

    body: membership_payloads.Grant
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Take a key or a subject away, at once; the root key or one lead of the partner."""

    body: membership_payloads.Revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantContext:
    """What all grants of one signed body share."""

    partner: str
    key: DocumentKey
    audience: str
    evidence_id: str
    visible: bool = False


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldFault(pointer, detail, code)])


def apply_grant(
    uow: UnitOfWork,
    actor: Actor,
    grant: membership_payloads.Grant,
    context: GrantContext,
    *,
    pointer: str = "",
) -> dict[str, Any]:
    """Check one grant, store it and record it; returns its view.

    Raises:
        InvalidInputError: With a pointer to what is wrong.
        ConflictError: If the key is known already.
    """
    del actor
    if grant.subject is not None:
        _store_subject(uow, grant, context, pointer)
    kid = None if grant.jwk is None else _store_key(uow, grant, context, pointer)
    if grant.replaces is not None:
        _retire(uow, grant, context, pointer)
    if grant.policy is not None:
        _store_policy(uow, grant.policy, context, pointer)
    grant_id = new_id("grt")
    if kid is not None:
        uow.connection.execute(
            update(PartnerKeyRow).where(PartnerKeyRow.kid == kid).values(grant_id=grant_id)
        )
    uow.connection.execute(
        insert(GrantRow).values(
            id=grant_id,
            partner=context.partner,
            subject=grant.subject,
            owner=grant.owner,
            roles=[str(r) for r in grant.roles],
            kid=kid,
            made_at=uow.now,
            evidence_id=context.evidence_id,
        )
    )
    view: dict[str, Any] = {
        "id": grant_id,
        "partner": context.partner,
        "subject": grant.subject,
        "owner": grant.owner,
        "roles": [str(r) for r in grant.roles],
        "kid": kid,
        "made_at": format_time(uow.now),
    }
    data = {**view, "grant_id": grant_id, "replaces": grant.replaces}
    del data["id"]
    if grant.policy is not None:
        data["policy"] = grant.policy.model_dump(mode="json")
    uow.record(
        EventType.GRANT_MADE,
        data,
        key=context.key,
        audience=[EVERYBODY] if context.visible else [],
        leaf_of=(GrantRow, grant_id),
    )
    return view


def _store_subject(
    uow: UnitOfWork, grant: membership_payloads.Grant, context: GrantContext, pointer: str
) -> None:
    subject_id = str(grant.subject)
    is_person = subject_id.startswith("per_")
    if is_person and grant.owner is not None:
        raise _fault(f"{pointer}/owner", "a person has no owner; only a system has", "owner")
    if is_person and Role.SYSTEM in grant.roles:
        raise _fault(f"{pointer}/roles", "system is a role of systems, not of people", "role")
    if not is_person and not set(grant.roles) <= {Role.SYSTEM}:
        raise _fault(f"{pointer}/roles", "a system has the role system and no other", "role")
    present = store.subject(uow.connection, subject_id)
    if present is not None:
        if present.partner != context.partner or present.revoked_at is not None:
            raise _fault(f"{pointer}/subject", "this subject id is taken; make a new one", "taken")
        if grant.owner not in {None, present.owner}:
            raise _fault(f"{pointer}/owner", "a system's owner does not change", "owner")
        if grant.roles:
            roles = [str(r) for r in grant.roles]
            uow.connection.execute(
                update(SubjectRow).where(SubjectRow.id == subject_id).values(roles=roles)
            )
        return
    if not grant.roles and is_person:
        raise _fault(f"{pointer}/roles", "a new person needs at least one role", "role")
    if grant.jwk is None:
        raise _fault(f"{pointer}/jwk", "a new subject needs its key", "key_missing")
    if not is_person:
        owner = None if grant.owner is None else store.subject(uow.connection, grant.owner)
        if owner is None or owner.partner != context.partner or owner.kind != "person":
            raise _fault(
                f"{pointer}/owner", "a system needs an owner: a person granted before it", "owner"
            )
    uow.connection.execute(
        insert(SubjectRow).values(
            id=subject_id,
            partner=context.partner,
            kind="person" if is_person else "system",
            owner=grant.owner,
            roles=[str(r) for r in grant.roles] or [str(Role.SYSTEM)],
            created_at=uow.now,
        )
    )


def _store_key(
    uow: UnitOfWork, grant: membership_payloads.Grant, context: GrantContext, pointer: str
) -> str:
    if grant.jwk is None or grant.possession is None or grant.subject is None:
        raise AssertionError("the model asks for all three together")
    try:
        public = PublicKey.from_jwk(grant.jwk.model_dump(exclude_none=True))
    except ProtocolError as error:
        raise _fault(f"{pointer}/jwk", str(error), "key") from None
    try:
        verify_possession(
            grant.possession,
            jwk=public,
            audience=context.audience,
            handle=context.partner,
            subject=grant.subject,
        )
    except ProtocolError:
        raise _fault(
            f"{pointer}/possession",
            "the proof of possession does not verify for this key, audience, handle and subject",
            "possession",
        ) from None
    if store.key_owner(uow.connection, public.kid) is not None:
        raise ConflictError("this key is known already; a key belongs to one subject for ever")
    uow.connection.execute(
        insert(PartnerKeyRow).values(
            kid=public.kid,
            partner=context.partner,
            subject=grant.subject,
            is_root=False,
            jwk=public.jwk(),
            granted_at=uow.now,
        )
    )
    return public.kid


def _retire(
    uow: UnitOfWork, grant: membership_payloads.Grant, context: GrantContext, pointer: str
) -> None:
    owner = store.key_owner(uow.connection, str(grant.replaces))
    if owner is None or owner.partner != context.partner or owner.subject != grant.subject:
        raise _fault(f"{pointer}/replaces", "names no key of this subject", "unknown_key")
    uow.will_revoke()
    store.revoke_keys(
        uow.connection,
        context.partner,
        kid=grant.replaces,
        subject_id=None,
        at=uow.now,
        compromised_since=None,
    )


def _store_policy(
    uow: UnitOfWork, policy: membership_payloads.Policy, context: GrantContext, pointer: str
) -> None:
    for name in ("may_flash", "systems_as_compliance"):
        for number, subject_id in enumerate(getattr(policy, name)):
            row = store.subject(uow.connection, subject_id)
            if row is None or row.partner != context.partner:
                raise _fault(
                    f"{pointer}/policy/{name}/{number}", "names no subject of yours", "unknown"
                )
            if name == "systems_as_compliance" and row.kind != "system":
                raise _fault(f"{pointer}/policy/{name}/{number}", "names no system", "no_system")
    uow.connection.execute(
        update(PartnerRow)
        .where(PartnerRow.handle == context.partner)
        .values(
            approval_quorum=policy.approval_quorum,
            provisional=policy.provisional,
            may_flash=list(policy.may_flash),
            systems_as_compliance=list(policy.systems_as_compliance),
        )
    )


@handles(MakeGrant, needs=Permission.GRANT_MAKE)
def make_grant(command: MakeGrant, actor: Actor, uow: UnitOfWork) -> Answer:
    """Apply one root-signed grant."""
    if actor.kind is not ActorKind.ROOT:
        raise PermissionDeniedError(
            "a grant is signed by the partner's root key (holdfast --as root grant …)"
        )
    row = store.partner(uow.connection, actor.partner)
    if row is None:
        raise NotFoundError("there is no such partner")
    key = uow.key(row.document_key_id)
    evidence_id = new_id("evd")
    if uow.evidence is not None:
        uow.seal(key, evidence_id, "evidence", uow.evidence.packed())
    context = GrantContext(
        partner=actor.partner,
        key=key,
        audience=command.audience,
        evidence_id=evidence_id,
        visible=row.status == PartnerStatus.ACTIVE,
    )
    view = apply_grant(uow, actor, command.body, context)
    return Answer(201, view, entry=uow.recorded[-1])


@handles(Revoke, needs=Permission.REVOCATION_MAKE)
def revoke(command: Revoke, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take a key or a subject of one's own away; it is over at once."""
    body = command.body
    row = store.partner(uow.connection, actor.partner)
    if row is None:
        raise NotFoundError("there is no such partner")
    if body.kid == row.root_kid:
        raise ConflictError("the root key is not revoked but reset; ask the operator")
    uow.will_revoke()
    kids = store.revoke_keys(
        uow.connection,
        actor.partner,
        kid=body.kid,
        subject_id=body.subject,
        at=uow.now,
        compromised_since=body.compromised_since,
    )
    if body.subject is not None:
        uow.connection.execute(
            update(SubjectRow)
            .where(SubjectRow.id == body.subject, SubjectRow.partner == actor.partner)
            .values(revoked_at=uow.now)
        )
    if not kids:
        raise NotFoundError("you have no such key or subject that is still good")
    revocation_id = new_id("rev")
    key = uow.key(row.document_key_id)
    if uow.evidence is not None:
        uow.seal(key, revocation_id, "evidence", uow.evidence.packed())
    compromised = body.compromised_since
    recorded = uow.record(
        EventType.GRANT_REVOKED,
        {
            "revocation_id": revocation_id,
            "partner": actor.partner,
            "kids": kids,
            "subject": body.subject,
            "compromised_since": None if compromised is None else format_time(compromised),
        },
        key=key,
        audience=[EVERYBODY],
    )
    answer = {"id": revocation_id, "kids": kids, "revoked_at": format_time(uow.now)}
    return Answer(201, answer, entry=recorded)

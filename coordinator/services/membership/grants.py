"""Grants: who acts for a partner, with which key and role.

A grant is signed by the partner's root key, or proposed by one lead and approved by another; the
coordinator checks, stores, logs and shows it, and can make none itself.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, update

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import ConflictError, NotFoundError, PermissionDeniedError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grant_rules import CheckedGrant, GrantContext, check_grant
from coordinator.services.membership.lost_limits import lift_lost_limits
from coordinator.services.membership.partner_views import GrantView
from coordinator.storage.membership import partners as store
from coordinator.storage.tables.partners import GrantRow, PartnerKeyRow, PartnerRow, SubjectRow
from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, PartnerStatus, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeGrant:
    """Give a person, system, key, role or policy; signed by the root key."""

    body: membership_payloads.Grant
    audience: str


def own_partner(uow: UnitOfWork, actor: Actor) -> PartnerRow:
    """Return the actor's partner, locked, so that its membership changes one step at a time."""
    row = store.partner(uow.connection, actor.partner, lock=True)
    if row is None:
        raise NotFoundError("there is no such partner")
    return row


def signed_context(uow: UnitOfWork, actor: Actor, audience: str) -> GrantContext:
    """Seal what proves a grant that one key alone signs, and return the grant's context."""
    row = own_partner(uow, actor)
    key = uow.key(row.document_key_id)
    evidence_id = new_id("evd")
    uow.seal_evidence(key, evidence_id)
    return GrantContext(
        partner=actor.partner,
        key=key,
        audience=audience,
        evidence_id=evidence_id,
        visible=row.status == PartnerStatus.ACTIVE,
        by_root=actor.kind is ActorKind.ROOT,
    )


@handles(MakeGrant, needs=Permission.GRANT_MAKE)
def make_grant(command: MakeGrant, actor: Actor, uow: UnitOfWork) -> Answer:
    """Apply one root-signed grant."""
    if actor.kind is not ActorKind.ROOT:
        raise PermissionDeniedError(
            "a grant that applies at once is signed by the partner's root key"
        )
    view = apply_grant(uow, command.body, signed_context(uow, actor, command.audience))
    return Answer(201, view, entry=uow.recorded[-1])


def apply_grant(
    uow: UnitOfWork,
    grant: membership_payloads.Grant,
    context: GrantContext,
    *,
    pointer: str = "",
) -> GrantView:
    """Check one grant, store it and record it; returns its view.

    Raises:
        InvalidInputError: With a pointer to what is wrong.
        ConflictError: If the key is known already.
    """
    return store_grant(uow, check_grant(uow, grant, context, pointer=pointer), context)


def store_grant(
    uow: UnitOfWork,
    checked: CheckedGrant,
    context: GrantContext,
    *,
    key_proposer: str | None = None,
) -> GrantView:
    """Store and record a grant that was checked in this transaction; returns its view.

    Args:
        uow: The transaction.
        checked: What `check_grant` returned.
        context: The same as there.
        key_proposer: Who proposed the key, if not this grant's proposer. A key that replaces
            another inherits its proposer, or a rotation would get round the four-eyes rule.
    """
    grant = checked.grant
    grant_id = new_id("grt")
    if grant.subject is not None:
        _store_subject(uow, checked, context)
    if checked.key is not None:
        _store_key(uow, checked, context, grant_id, key_proposer or context.proposer)
    if grant.replaces is not None:
        end_key(uow, context.partner, grant.replaces)
    if grant.policy is not None:
        _store_policy(uow, grant.policy, context)
    kid = None if checked.key is None else checked.key.kid
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
    view = grant_view(grant, context, grant_id, kid, uow.now)
    data: dict[str, object] = {**view, "grant_id": grant_id, "replaces": grant.replaces}
    del data["id"], data["status"]
    if grant.policy is not None:
        data["policy"] = grant.policy.model_dump(mode="json")
    recorded = uow.record(
        EventType.GRANT_MADE,
        data,
        key=context.key,
        audience=[EVERYBODY] if context.visible else [],
    )
    uow.set_leaf(GrantRow, grant_id, recorded)
    return view


def grant_view(
    grant: membership_payloads.Grant,
    context: GrantContext,
    grant_id: str,
    kid: str | None,
    at: datetime,
) -> GrantView:
    """Return what every grant shows, made or proposed."""
    view: GrantView = {
        "id": grant_id,
        "status": "made",
        "partner": context.partner,
        "subject": grant.subject,
        "owner": grant.owner,
        "roles": list(grant.roles),
        "kid": kid,
        "made_at": format_time(at),
    }
    if context.proposer is not None:
        view |= {"proposer": context.proposer, "approver": context.approver}
    return view


def end_key(uow: UnitOfWork, partner: str, kid: str) -> None:
    """Revoke a key in the transaction that replaces it.

    Raises:
        ConflictError: If somebody else did so meanwhile.
    """
    kids = store.revoke_keys(uow.connection, partner, store.RevokedKeys(kid=kid), at=uow.now)
    if kids != [kid]:
        raise ConflictError("the key to be replaced was taken away meanwhile", code="unknown_key")
    uow.will_revoke(kids)


def _store_subject(uow: UnitOfWork, checked: CheckedGrant, context: GrantContext) -> None:
    grant = checked.grant
    subject_id = str(grant.subject)
    roles = [str(r) for r in grant.roles]
    if checked.subject is not None:
        if roles:
            uow.connection.execute(
                update(SubjectRow).where(SubjectRow.id == subject_id).values(roles=roles)
            )
            lift_lost_limits(uow, context.partner, context.key)
        return
    new = store.NewSubject(
        id=subject_id,
        partner=context.partner,
        kind="person" if subject_id.startswith("per_") else "system",
        owner=grant.owner,
        roles=roles or [str(Role.SYSTEM)],
        created_at=uow.now,
    )
    if not store.insert_subject(uow.connection, new):
        raise ConflictError("this subject id was taken meanwhile; make a new one", code="taken")


def _store_key(
    uow: UnitOfWork,
    checked: CheckedGrant,
    context: GrantContext,
    grant_id: str,
    proposer: str | None,
) -> None:
    if checked.key is None:
        raise AssertionError("called with a key")
    kid = checked.key.kid
    if checked.is_known_key:
        # Whoever proposed it first still had a hand in it.
        uow.connection.execute(
            update(PartnerKeyRow).where(PartnerKeyRow.kid == kid).values(grant_id=grant_id)
        )
        return
    new = store.NewKey(
        checked.key,
        partner=context.partner,
        subject=str(checked.grant.subject),
        granted_at=uow.now,
        grant_id=grant_id,
        proposer=proposer,
    )
    if not store.insert_key(uow.connection, new):
        raise ConflictError("this key was registered meanwhile", code="known_key")


def _store_policy(
    uow: UnitOfWork, policy: membership_payloads.Policy, context: GrantContext
) -> None:
    uow.connection.execute(
        update(PartnerRow)
        .where(PartnerRow.handle == context.partner)
        .values(
            approval_quorum=policy.approval_quorum,
            withdrawal_quorum=policy.withdrawal_quorum,
            provisional=policy.provisional,
            may_ask_all=policy.may_ask_all,
            cannot_say=policy.cannot_say,
            clocks=policy.clocks,
            may_flash=list(policy.may_flash),
            systems_as_compliance=list(policy.systems_as_compliance),
        )
    )

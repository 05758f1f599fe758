"""Grants without the root key: one lead proposes, another approves exactly what was proposed.

Neither may be the subject or its owner, or one person could raise their own rights. The proposer
is stored with the new key, because the four-eyes rule excludes them from that key's requests.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.approval import require_may_approve_grant
from coordinator.domain.errors import (
    ConflictError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
    SelfApprovalError,
    StaleDocumentError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.membership.grant_rules import CheckedGrant, GrantContext, check_grant
from coordinator.services.membership.grants import grant_view, own_partner, store_grant
from coordinator.storage.engine.documents import load_one
from coordinator.storage.membership import grant_proposals as proposals
from coordinator.storage.membership import partners as store
from coordinator.storage.tables.life_cycle import GrantProposalRow
from holdfast.protocol import membership_payloads, strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeGrant:
    """A lead proposes a grant; another lead approves it within `approve_within`."""

    body: membership_payloads.Grant
    audience: str
    approve_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveGrant:
    """Another lead approves a proposed grant, which applies it."""

    proposal_id: str
    body: membership_payloads.GrantApproval
    audience: str


@handles(ProposeGrant, needs=Permission.GRANT_MAKE)
def propose(command: ProposeGrant, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a proposal that could be granted now; it grants nothing yet."""
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("a grant is proposed by a security lead, a person")
    row = own_partner(uow, actor)
    key = uow.key(row.document_key_id)
    proposal_id = new_id("grp")
    context = GrantContext(
        partner=actor.partner,
        key=key,
        audience=command.audience,
        evidence_id=proposal_id,
        proposer=actor.person,
    )
    grant = command.body
    checked = check_grant(uow, grant, context)
    if actor.person in {grant.subject, checked.owner}:
        raise SelfApprovalError(
            "a lead proposes for others: somebody else proposes what you gain, or the root key "
            "grants it; your own key you replace yourself, signing with the old one"
        )
    _require_somebody_else(uow, actor, checked)
    expires_at = uow.now + command.approve_within
    proposals.insert_proposal(
        uow.connection,
        {
            "id": proposal_id,
            "partner": actor.partner,
            "subject": grant.subject,
            "subject_owner": checked.owner,
            "proposer": actor.person,
            "proposer_kid": actor.kid,
            "grant_sha256": uow.evidence.content_sha256,
            "proposed_at": uow.now,
            "expires_at": expires_at,
        },
    )
    uow.seal_evidence(key, proposal_id)
    kid = None if checked.key is None else checked.key.kid
    view = grant_view(grant, context, proposal_id, kid, uow.now) | {
        "status": proposals.PENDING,
        "grant_sha256": uow.evidence.content_sha256,
        "expires_at": format_time(expires_at),
    }
    # No member is told of what is not given yet; the other leads find it among the proposals.
    data: dict[str, object] = {"proposal_id": proposal_id, **view}
    del data["id"]
    recorded = uow.record("grant.proposed", data, key=key)
    return Answer(201, view, entry=recorded)


def _require_somebody_else(uow: UnitOfWork, actor: Actor, checked: CheckedGrant) -> None:
    involved = {
        actor.person,
        checked.grant.subject,
        checked.owner,
        store.key_proposer(uow.connection, actor.kid),
    }
    excluded = {person for person in involved if person is not None}
    if not store.eligible_leads(uow.connection, actor.partner, excluded):
        raise ConflictError(
            "no other security lead could approve this grant; let the root key sign it",
            code="too_few_leads",
        )


@handles(ApproveGrant, needs=Permission.GRANT_APPROVE)
def approve(command: ApproveGrant, actor: Actor, uow: UnitOfWork) -> Answer:
    """Apply a proposal of one's own partner that another lead made."""
    row = own_partner(uow, actor)
    proposal = proposals.get(uow.connection, command.proposal_id)
    if proposal is None or proposal.partner != actor.partner:
        raise NotFoundError("there is no such proposed grant, or none that you may see")
    _require_may_approve(uow, actor, proposal)
    _require_pending(proposal, uow.now)
    if command.body.grant_sha256 != proposal.grant_sha256:
        raise StaleDocumentError(
            "grant_sha256 names another grant than the proposed one; read the proposal, check it, "
            "and sign again",
            current_status=proposal.status,
        )
    _require_proposer_stands(uow, proposal)
    grant = proposed_grant(uow, proposal)
    key = uow.key(row.document_key_id)
    context = GrantContext(
        partner=actor.partner,
        key=key,
        audience=command.audience,
        evidence_id=proposal.id,
        visible=True,
        proposer=proposal.proposer,
        approver=actor.person,
    )
    if not proposals.approve(uow.connection, proposal.id, actor.person, uow.now):
        raise ConflictError("somebody else approved it meanwhile")
    uow.seal_evidence(key, proposal.id, "approval")
    view = store_grant(uow, check_grant(uow, grant, context), context)
    return Answer(201, {**view, "proposal": proposal.id}, entry=uow.recorded[-1])


def _require_may_approve(uow: UnitOfWork, actor: Actor, proposal: GrantProposalRow) -> None:
    require_may_approve_grant(
        actor,
        proposer_person=proposal.proposer,
        subject=proposal.subject or "",
        subject_owner=proposal.subject_owner,
    )
    if store.key_proposer(uow.connection, proposal.proposer_kid) == actor.person:
        raise SelfApprovalError(
            "you proposed the key that this proposal is signed with; another lead must approve"
        )


def _require_pending(proposal: GrantProposalRow, now: datetime) -> None:
    status = proposal.status
    if status == proposals.PENDING and proposal.expires_at <= now:
        status = "expired"
    if status != proposals.PENDING:
        raise InvalidTransitionError(
            f"the proposal is {status}; propose again if it is still wanted", current_status=status
        )


def _require_proposer_stands(uow: UnitOfWork, proposal: GrantProposalRow) -> None:
    """Refuse a proposal whose key was revoked since: somebody else may have used it."""
    found = store.standing(uow.connection, proposal.proposer_kid)
    if found is None or Role.SECURITY_LEAD not in found.actor.roles:
        raise ConflictError(
            "whoever proposed this is no security lead any more, or the key was taken away; "
            "propose again if it is still wanted",
            code="proposer_gone",
        )


def proposed_grant(uow: UnitOfWork, proposal: GrantProposalRow) -> membership_payloads.Grant:
    """Return what was proposed, from the very bytes that were signed.

    Raises:
        ConflictError: If they were erased.
    """
    packed = load_one(uow.connection, uow.vault, proposal.id, "evidence")
    if packed is None:
        raise ConflictError("what was proposed was erased")
    _, body = unpack_evidence(packed)
    return membership_payloads.Grant.model_validate(strict_json.loads(body))

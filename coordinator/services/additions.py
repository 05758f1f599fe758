"""More partners for a live request: proposed by one lead, approved by another, then noticed.

An addition has a decision context of its own; an approval's `context_sha256` names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row

from coordinator.domain.actor import Actor
from coordinator.domain.approval import (
    excluded_from_approving,
    quorum_met,
    require_enough_leads,
    require_first_decision,
    require_may_approve,
)
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    InvalidTransitionError,
    UnavailableError,
)
from coordinator.domain.freeze_request import Action, next_status, require_in_time
from coordinator.domain.permission import Permission
from coordinator.services.access import sent_request
from coordinator.services.acts import store_act
from coordinator.services.addition_rules import require_addable, require_still_addable
from coordinator.services.bus import handles
from coordinator.services.notices import send_notices
from coordinator.services.obligations import settle_final
from coordinator.services.unit_of_work import Answer, Recorded, UnitOfWork, unpack_evidence
from coordinator.storage import additions as store
from coordinator.storage import freeze_requests as request_store
from coordinator.storage import partners as partner_store
from coordinator.storage.documents import Vault, load, load_one
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import canonical_json, payloads, strict_json
from holdfast.protocol.life_cycle_payloads import PartnersAddition
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, EventType, RequestStatus, Urgency

#: Version of the decision context's form, the same as a request's.
CONTEXT_VERSION = 1
EXPIRED = "expired"
#: Proof of an addition in a notice, in bytes; beyond that it is linked, as webhooks stay small.
PROOF_LIMIT_BYTES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePartners:
    """A lead proposes more partners for a live request."""

    request_id: str
    body: PartnersAddition
    policies: Policies


@handles(ProposePartners, needs=Permission.FREEZE_REQUEST_ADD_PARTNERS)
def propose(command: ProposePartners, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an addition as pending; nobody is asked before another lead approves it."""
    body = command.body
    row = sent_request(uow, actor, command.request_id, body.content_sha256)
    _require_live(uow, row)
    require_addable(uow, actor, row, body.to, command.policies)
    _require_enough_leads(uow, actor, row.quorum)
    context = _context_text(uow, row, body.to)
    context_sha256 = sha256(context).hexdigest()
    if store.is_context_taken(uow.connection, context_sha256):
        raise ConflictError(
            "this very addition was proposed before; add a fresh nonce to propose it again",
            code="same_addition",
            current_status=row.status,
        )
    key = uow.key(row.document_key_id)
    act_id = store_act(uow, actor, "add_partners", row.id, key, context_sha256=context_sha256)
    addition = {
        "id": new_id("add"),
        "request_id": row.id,
        "act_id": act_id,
        "proposed_by_person": actor.person,
        "proposed_by_kid": actor.kid,
        "context_sha256": context_sha256,
        "partner_count": len(body.to),
        "proposed_at": uow.now,
    }
    store.insert_addition(uow.connection, **addition)
    uow.seal(key, str(addition["id"]), "context", context)
    recorded = _record(
        uow,
        actor,
        row,
        EventType.REQUEST_PARTNERS_PROPOSED,
        {"addition": addition["id"], "act_id": act_id, "context_sha256": context_sha256},
        body.to,
    )
    uow.set_leaf(ActRow, act_id, recorded)
    answer = {
        "id": addition["id"],
        "request_id": row.id,
        "act_id": act_id,
        "addition_status": store.PENDING,
        "status": row.status,
        "to": list(body.to),
        "proposed_by": actor.person,
        "proposed_at": format_time(uow.now),
        "approve_by": format_time(uow.now + command.policies.approve_within),
        "decision_context": context.decode(),
        "context_sha256": context_sha256,
        "quorum": row.quorum,
    }
    return Answer(201, answer, entry=recorded)


def decide_addition(  # noqa: PLR0913, PLR0917 - what a decision is made with
    uow: UnitOfWork,
    actor: Actor,
    row: Row[Any],
    addition: Row[Any],
    body: payloads.Approval,
    policies: Policies,
) -> Answer:
    """Count one decision on an addition; at quorum its partners get legs and notices.

    Raises:
        InvalidTransitionError: If it is decided, expired, or the request no longer takes partners.
        SelfApprovalError: If the actor proposed it.
        ConflictError: If the actor has decided, or a partner cannot be asked any more.
    """
    _require_pending(uow, addition, policies, row)
    require_may_approve(
        actor,
        submitter_person=addition.proposed_by_person,
        key_grant_proposer=partner_store.key_proposer(uow.connection, addition.proposed_by_kid),
    )
    if body.warnings_accepted:
        pointer = "/warnings_accepted/0/code"
        fault = FieldFault(pointer, "an addition carries no warnings", "no_such_warning")
        raise InvalidInputError("there is no warning to accept", errors=[fault])
    earlier = store.decisions(uow.connection, [addition.id])
    require_first_decision(actor, {decision.person for decision in earlier})
    if body.decision is Decision.REJECT:
        return _reject(uow, actor, row, addition, body)
    _require_live(uow, row)
    to = _partners_of(uow, addition.id)
    require_still_addable(uow, row, to)
    act_id = _store_decision(uow, actor, row, addition, body)
    approvers = [decision.person for decision in earlier] + [actor.person]
    data = {"addition": addition.id, "act_id": act_id, "context_sha256": body.context_sha256}
    counted = {"approvals": len(approvers), "quorum": row.quorum}
    if quorum_met(approvers, row.quorum):
        store.decide(uow.connection, addition.id, store.APPROVED, uow.now)
        asked = row.partners_asked + len(to)
        request_store.change(uow.connection, row, partners_asked=asked)
        event = EventType.REQUEST_PARTNERS_ADDED
        recorded = _record(uow, actor, row, event, {**data, **counted}, to)
        proof = _proof(uow, row, [addition.act_id, *(d.act_id for d in earlier), act_id])
        acknowledge_by = policies.acknowledge_by(Urgency(row.urgency), queued_at=uow.now)
        send_notices(uow, row, to, acknowledge_by=acknowledge_by, addition=proof)
        settle_final(uow, row)
        addition_status = store.APPROVED
    else:
        event = EventType.REQUEST_APPROVED
        recorded = _record(uow, actor, row, event, {**data, **counted}, to)
        addition_status = store.PENDING
    uow.set_leaf(ActRow, act_id, recorded)
    answer = _decision_answer(row, addition, act_id, addition_status, uow.now) | counted
    return Answer(201, answer, entry=recorded)


def _reject(
    uow: UnitOfWork, actor: Actor, row: Row[Any], addition: Row[Any], body: payloads.Approval
) -> Answer:
    act_id = _store_decision(uow, actor, row, addition, body)
    store.decide(uow.connection, addition.id, store.REJECTED, uow.now)
    data = {"addition": addition.id, "act_id": act_id, "context_sha256": body.context_sha256}
    to = _partners_of(uow, addition.id)
    recorded = _record(uow, actor, row, EventType.REQUEST_PARTNERS_REFUSED, data, to)
    uow.set_leaf(ActRow, act_id, recorded)
    answer = _decision_answer(row, addition, act_id, store.REJECTED, uow.now)
    return Answer(201, answer, entry=recorded)


def _decision_answer(
    row: Row[Any], addition: Row[Any], act_id: str, addition_status: str, now: datetime
) -> dict[str, Any]:
    return {
        "id": act_id,
        "request_id": row.id,
        "status": row.status,
        "addition": addition.id,
        "addition_status": addition_status,
        "at": format_time(now),
    }


def _require_live(uow: UnitOfWork, row: Row[Any]) -> None:
    """Refuse to widen a request that is over, or that nobody ratified in time."""
    status = RequestStatus(row.status)
    next_status(status, Action.ADD_PARTNERS, provisional=row.provisional)
    require_in_time(
        status,
        provisional=row.provisional,
        approve_by=row.approve_by,
        ratify_by=row.ratify_by,
        now=uow.now,
    )


def _require_pending(
    uow: UnitOfWork, addition: Row[Any], policies: Policies, row: Row[Any]
) -> None:
    status = _status_of(addition, policies, uow.now)
    if status == EXPIRED:
        ended_at = format_time(addition.proposed_at + policies.approve_within)
        raise InvalidTransitionError(
            f"the time to decide on this addition ended at {ended_at}: it expired, and nobody was "
            "asked; propose the partners again if they are still wanted",
            code="too_late",
            current_status=row.status,
        )
    if status != store.PENDING:
        raise InvalidTransitionError(
            f"this addition is {status}; propose the partners again",
            code="addition_decided",
            current_status=row.status,
        )


def _status_of(addition: Row[Any], policies: Policies, now: datetime) -> str:
    if addition.status == store.PENDING and addition.proposed_at + policies.approve_within <= now:
        return EXPIRED
    return str(addition.status)


def _require_enough_leads(uow: UnitOfWork, actor: Actor, quorum: int) -> None:
    excluded = excluded_from_approving(
        submitter_person=actor.subject,
        submitter_system_owner=actor.owner,
        key_grant_proposer=partner_store.key_proposer(uow.connection, actor.kid),
    )
    eligible = partner_store.eligible_leads(uow.connection, actor.partner, set(excluded))
    require_enough_leads(eligible, quorum=quorum, act="propose")


def _context_text(uow: UnitOfWork, row: Row[Any], to: Sequence[str]) -> bytes:
    if uow.evidence is None:
        raise AssertionError("an addition is always signed")
    return canonical_json.dumps(
        {
            "v": CONTEXT_VERSION,
            "request_id": row.id,
            "content_sha256": row.content_sha256,
            "act_sha256": uow.evidence.content_sha256,
            "to": list(to),
            "warnings": [],
        }
    )


def _partners_of(uow: UnitOfWork, addition_id: str) -> list[str]:
    content = load_one(uow.connection, uow.vault, addition_id, "context")
    if content is None:
        raise UnavailableError("the decision context of this addition was erased")
    to: list[str] = strict_json.loads(content)["to"]
    return to


def _store_decision(
    uow: UnitOfWork, actor: Actor, row: Row[Any], addition: Row[Any], body: payloads.Approval
) -> str:
    key = uow.key(row.document_key_id)
    # Not among the decisions on the request itself: each person has one of those, and one of these.
    kind = f"{body.decision.value}_addition"
    act_id = store_act(uow, actor, kind, row.id, key, context_sha256=body.context_sha256)
    decision = body.decision.value
    store.insert_decision(uow.connection, addition.id, actor.person, decision, act_id)
    return act_id


def _record(  # noqa: PLR0913, PLR0917 - what an event is told with
    uow: UnitOfWork,
    actor: Actor,
    row: Row[Any],
    event: EventType,
    data: dict[str, Any],
    to: Sequence[str],
) -> Recorded:
    return uow.record(
        event,
        {
            "requester": row.requester,
            "sequence": uow.next_request_sequence(row),
            "status": row.status,
            "by": actor.subject,
            "content_sha256": row.content_sha256,
            "partner_count": len(to),
            "to": list(to) if len(to) <= 100 else [],  # noqa: PLR2004 - webhook bodies stay small
            **data,
        },
        key=uow.key(row.document_key_id),
        audience=[row.requester],
        request_id=row.id,
        urgency=row.urgency,
    )


def _proof(uow: UnitOfWork, row: Row[Any], act_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what proves to the partners added that they are asked: proposal, then approvals."""
    if uow.evidence is None:
        raise AssertionError("a decision is always signed")
    packed = load(uow.connection, uow.vault, act_ids, "evidence")
    acts = request_store.acts_by_id(uow.connection, act_ids)
    keys = partner_store.jwks(uow.connection, {act.kid for act in acts if act.kid is not None})
    shown = []
    size = 0
    for act in acts:
        # The evidence of this very act is stored in the tail only.
        token, body = unpack_evidence(packed.get(act.id) or uow.evidence.packed())
        entry = {"act": act.kind, "kid": act.kid, "jwk": keys.get(act.kid), "token": token}
        size += len(token) + len(body) + body.count(b'"') + 300
        if size <= PROOF_LIMIT_BYTES:
            entry["body"] = body.decode()
        else:
            entry["href"] = f"/v1/freeze-requests/{row.id}/evidence"
        shown.append(entry)
    return shown


def addition_views(  # noqa: PLR0913 - what an addition is shown with
    connection: Connection,
    vault: Vault,
    rows: Sequence[Row[Any]],
    *,
    request: Row[Any],
    policies: Policies,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return additions as the requester reads them (`life_cycle_views.AdditionView`)."""
    ids = [row.id for row in rows]
    contexts = load(connection, vault, ids, "context")
    approvals: dict[str, list[dict[str, Any]]] = {id_: [] for id_ in ids}
    for decision in store.decisions(connection, ids):
        approvals[decision.addition_id].append(
            {
                "person": decision.person,
                "decision": decision.decision,
                "act_id": decision.act_id,
                "at": format_time(decision.at),
            }
        )
    return [
        {
            "id": row.id,
            "request_id": row.request_id,
            "act_id": row.act_id,
            "addition_status": _status_of(row, policies, now),
            "status": request.status,
            "to": strict_json.loads(contexts[row.id])["to"] if row.id in contexts else [],
            "proposed_by": row.proposed_by_person,
            "proposed_at": format_time(row.proposed_at),
            "approve_by": format_time(row.proposed_at + policies.approve_within),
            "decided_at": None if row.decided_at is None else format_time(row.decided_at),
            "decision_context": contexts[row.id].decode() if row.id in contexts else None,
            "context_sha256": row.context_sha256,
            "approvals": approvals[row.id],
            "quorum": request.quorum,
        }
        for row in rows
    ]

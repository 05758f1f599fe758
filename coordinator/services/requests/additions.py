"""More partners for a live request: one lead proposes them, another approves, notices go out.

An addition has a decision context of its own; an approval's `context_sha256` names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

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
from coordinator.domain.freeze_request import require_widenable
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.addition_rules import require_addable, require_still_addable
from coordinator.services.requests.freeze_request_views import DecisionAnswer
from coordinator.services.requests.legs import settle_final
from coordinator.services.requests.notices import named_partners, send_notices
from coordinator.storage.engine.documents import load, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import additions as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.life_cycle import AdditionRow
from holdfast.protocol import payloads
from holdfast.protocol.decision_context import DecisionContext, context_sha256
from holdfast.protocol.life_cycle_payloads import PartnersAddition
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, EventType, RequestStatus

EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePartners:
    """A lead proposes more partners for a live request."""

    request_id: str
    body: PartnersAddition


class AdditionDecisionView(TypedDict):
    """One lead's decision on an addition (`life_cycle_views.AdditionDecisionView`)."""

    person: str
    decision: str
    act_id: str
    at: str


class AdditionView(TypedDict):
    """More partners for a live request (`life_cycle_views.AdditionView`)."""

    id: str
    request_id: str
    act_id: str
    addition_status: str
    status: RequestStatus
    to: Sequence[str]
    proposed_by: str
    proposed_by_kid: str
    proposed_at: str
    approve_by: str
    decided_at: str | None
    decision_context: str | None
    context_sha256: str
    approvals: Sequence[AdditionDecisionView]
    quorum: int


@handles(ProposePartners, needs=Permission.FREEZE_REQUEST_ADD_PARTNERS)
def propose(command: ProposePartners, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an addition as pending; nobody is asked before another lead approves it."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    row = on.request
    _require_live(on)
    require_addable(on, body.to)
    _require_enough_leads(uow, actor, row.quorum)
    text = _context(uow, row, body.to).text()
    digest = context_sha256(text)
    if store.is_context_taken(uow.connection, digest):
        raise ConflictError(
            "this very addition was proposed before; add a fresh nonce to propose it again",
            code="same_addition",
            current_status=row.status,
        )
    act_id = on.store_act(NewAct("add_partners", context_sha256=digest))
    addition = store.insert_addition(
        uow.connection,
        id=new_id("add"),
        request_id=row.id,
        requester=row.requester,
        act_id=act_id,
        proposed_by_person=actor.person,
        proposed_by_kid=actor.kid,
        context_sha256=digest,
        partner_count=len(body.to),
        proposed_at=uow.now,
    )
    uow.seal(on.key, addition.id, "context", text.encode())
    proposed = _about(on, addition, body.to)
    recorded = on.record(EventType.REQUEST_PARTNERS_PROPOSED, proposed, act_id=act_id)
    until = uow.now + uow.policies.approve_within
    answer = _view(addition, row, (store.PENDING, until), text, [])
    return Answer(201, answer, entry=recorded)


def decide_addition(on: RequestContext, addition: AdditionRow, body: payloads.Approval) -> Answer:
    """Count one decision on an addition; at quorum its partners get legs and notices.

    Raises:
        InvalidTransitionError: If it is decided, expired, or the request no longer takes partners.
        SelfApprovalError: If the actor proposed it.
        ConflictError: If the actor has decided, or a partner cannot be asked any more.
    """
    uow, actor, row = on.uow, on.actor, on.request
    _require_pending(on, addition)
    require_may_approve(
        actor,
        submitted_by=addition.proposed_by_person,
        key_grant_proposer=partner_store.key_proposer(uow.connection, addition.proposed_by_kid),
    )
    if body.left_out:
        fault = FieldFault("/except", "an addition asks partners, not about addresses", "addition")
        raise InvalidInputError("there is no address to leave out", errors=[fault])
    if body.warnings_accepted:
        pointer = "/warnings_accepted/0/code"
        fault = FieldFault(pointer, "an addition carries no warnings", "no_such_warning")
        raise InvalidInputError("there is no warning to accept", errors=[fault])
    earlier = store.decisions(uow.connection, [addition.id])
    require_first_decision(actor, {decision.person for decision in earlier})
    if body.decision is Decision.REJECT:
        return _reject(on, addition, body)
    _require_live(on)
    to = _partners_of(uow, addition.id)
    require_still_addable(uow, row, to)
    act_id = _store_decision(on, addition, body)
    approvers = [decision.person for decision in earlier] + [actor.person]
    count = len(approvers)
    data = {**_about(on, addition, to), "approvals": count, "quorum": row.quorum}
    if not quorum_met(approvers, row.quorum):
        recorded = on.record(EventType.REQUEST_APPROVED, data, act_id=act_id)
        answer = _decision_answer(on, addition, act_id, store.PENDING)
        return Answer(201, answer | {"approvals": count, "quorum": row.quorum}, entry=recorded)
    store.decide(uow.connection, addition.id, store.APPROVED, uow.now)
    on.change(partners_asked=row.partners_asked + len(to))
    recorded = on.record(EventType.REQUEST_PARTNERS_ADDED, data, act_id=act_id)
    proof = proofs_of(on, [addition.act_id, *(d.act_id for d in earlier), act_id])
    send_notices(on, to, addition=proof)
    settle_final(uow, row)
    answer = _decision_answer(on, addition, act_id, store.APPROVED)
    return Answer(201, answer | {"approvals": count, "quorum": row.quorum}, entry=recorded)


def _reject(on: RequestContext, addition: AdditionRow, body: payloads.Approval) -> Answer:
    act_id = _store_decision(on, addition, body)
    store.decide(on.uow.connection, addition.id, store.REJECTED, on.uow.now)
    data = _about(on, addition, _partners_of(on.uow, addition.id))
    recorded = on.record(EventType.REQUEST_PARTNERS_REFUSED, data, act_id=act_id)
    answer = _decision_answer(on, addition, act_id, store.REJECTED)
    return Answer(201, answer, entry=recorded)


def _decision_answer(
    on: RequestContext, addition: AdditionRow, act_id: str, addition_status: str
) -> DecisionAnswer:
    return {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
        "addition": addition.id,
        "addition_status": addition_status,
        "at": format_time(on.uow.now),
    }


def _about(on: RequestContext, addition: AdditionRow, to: Sequence[str]) -> dict[str, object]:
    """Return what the events of an addition say of it."""
    return {
        "addition": addition.id,
        "context_sha256": addition.context_sha256,
        **named_partners(to, on.uow.link(f"/v1/freeze-requests/{on.request.id}/partners")),
    }


def _require_live(on: RequestContext) -> None:
    """Refuse to add to a request that has ended, or that nobody ratified in time."""
    row = on.request
    require_widenable(
        RequestStatus(row.status),
        ratification=on.ratification,
        ratify_by=row.ratify_by,
        now=on.uow.now,
    )


def _require_pending(on: RequestContext, addition: AdditionRow) -> None:
    policies = on.uow.policies
    status = _status_of(addition, policies, on.uow.now)
    if status == EXPIRED:
        ended_at = format_time(addition.proposed_at + policies.approve_within)
        raise InvalidTransitionError(
            f"the time to decide on this addition ended at {ended_at}: it expired, and nobody was "
            "asked; propose the partners again if they are still wanted",
            code="too_late",
            current_status=on.request.status,
        )
    if status != store.PENDING:
        raise InvalidTransitionError(
            f"this addition is {status}; propose the partners again",
            code="addition_decided",
            current_status=on.request.status,
        )


def _status_of(addition: AdditionRow, policies: Policies, now: datetime) -> str:
    if addition.status == store.PENDING and addition.proposed_at + policies.approve_within <= now:
        return EXPIRED
    return str(addition.status)


def _require_enough_leads(uow: UnitOfWork, actor: Actor, quorum: int) -> None:
    excluded = excluded_from_approving(
        submitted_by=actor.subject,
        owner_of_system=actor.owner,
        key_grant_proposer=partner_store.key_proposer(uow.connection, actor.kid),
    )
    eligible = partner_store.eligible_leads(uow.connection, actor.partner, set(excluded))
    require_enough_leads(eligible, quorum=quorum, act="propose")


def _context(uow: UnitOfWork, row: FreezeRequestRow, to: Sequence[str]) -> DecisionContext:
    return DecisionContext(
        request_id=row.id,
        content_sha256=row.content_sha256,
        act_sha256=uow.evidence.content_sha256,
        to=to,
    )


def _partners_of(uow: UnitOfWork, addition_id: str) -> list[str]:
    content = load_one(uow.connection, uow.vault, addition_id, "context")
    if content is None:
        raise UnavailableError("the decision context of this addition was erased")
    return list(DecisionContext.read(content).to)


def _store_decision(on: RequestContext, addition: AdditionRow, body: payloads.Approval) -> str:
    decision = body.decision.value
    # Not among the decisions on the request itself: each person has one of those, and one of these.
    act_id = on.store_act(NewAct(f"{decision}_addition", context_sha256=body.context_sha256))
    store.insert_decision(on.uow.connection, addition.id, on.actor.person, decision, act_id)
    return act_id


def addition_views(
    read: ReadContext, rows: Sequence[AdditionRow], request: FreezeRequestRow
) -> list[AdditionView]:
    """Return additions as the requester reads them."""
    ids = [row.id for row in rows]
    contexts = load(read.connection, read.vault, ids, "context")
    approvals: dict[str, list[AdditionDecisionView]] = {id_: [] for id_ in ids}
    for decision in store.decisions(read.connection, ids):
        approvals[decision.addition_id].append(
            {
                "person": decision.person,
                "decision": decision.decision,
                "act_id": decision.act_id,
                "at": format_time(decision.at),
            }
        )
    within = read.policies.approve_within
    return [
        _view(
            row,
            request,
            (_status_of(row, read.policies, read.now), row.proposed_at + within),
            contexts[row.id].decode() if row.id in contexts else None,
            approvals[row.id],
        )
        for row in rows
    ]


def _view(
    row: AdditionRow,
    request: FreezeRequestRow,
    state: tuple[str, datetime],
    context: str | None,
    approvals: Sequence[AdditionDecisionView],
) -> AdditionView:
    """Return one addition.

    Args:
        row: As it is stored.
        request: The one that it adds to.
        state: Its status, and until when it may be decided.
        context: The decision context; None where it was erased.
        approvals: The decisions on it.
    """
    addition_status, approve_by = state
    return {
        "id": row.id,
        "request_id": row.request_id,
        "act_id": row.act_id,
        "addition_status": addition_status,
        "status": RequestStatus(request.status),
        "to": [] if context is None else list(DecisionContext.read(context).to),
        "proposed_by": row.proposed_by_person,
        "proposed_by_kid": row.proposed_by_kid,
        "proposed_at": format_time(row.proposed_at),
        "approve_by": format_time(approve_by),
        "decided_at": optional_time(row.decided_at),
        "decision_context": context,
        "context_sha256": row.context_sha256,
        "approvals": list(approvals),
        "quorum": request.quorum,
    }

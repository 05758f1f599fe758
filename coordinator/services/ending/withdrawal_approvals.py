"""The second lead decides on what another proposed: a withdrawal, or a dispute to be upheld."""

from dataclasses import dataclass
from hashlib import sha256

from coordinator.domain.actor import Actor
from coordinator.domain.approval import require_may_approve
from coordinator.domain.errors import (
    InvalidTransitionError,
    NotFoundError,
    StaleDocumentError,
    UnavailableError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.disputes import uphold
from coordinator.services.ending.withdrawal_proposals import (
    WithdrawalActView,
    end_proposal,
    proposed_bodies,
    withdrawal_views,
)
from coordinator.services.ending.withdrawals import withdraw_now
from coordinator.storage.ending import withdrawal_proposals as store
from coordinator.storage.ending.withdrawal_proposals import Proposal
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.life_cycle_payloads import DisputeResolution, WithdrawalDecision
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Decision

_APPROVE = NewAct("approve_withdrawal")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideWithdrawal:
    """Another lead approves or rejects exactly what was proposed."""

    request_id: str
    withdrawal_id: str
    body: WithdrawalDecision


@handles(DecideWithdrawal, needs=Permission.FREEZE_REQUEST_WITHDRAW)
def decide(command: DecideWithdrawal, actor: Actor, uow: UnitOfWork) -> Answer:
    """Carry a proposed withdrawal out, or end it."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256, and_sharing=True)
    proposal = store.get(uow.connection, command.withdrawal_id, request_id=on.request.id)
    if proposal is None:
        raise NotFoundError("this request has no such withdrawal", code="no_such_withdrawal")
    _require_pending(on, proposal)
    require_may_approve(
        actor,
        submitted_by=proposal.proposed_by_person,
        key_grant_proposer=partner_store.key_proposer(uow.connection, proposal.proposed_by_kid),
    )
    raw = proposed_bodies(uow.connection, uow.vault, [proposal]).get(proposal.act_id)
    if raw is None:
        raise UnavailableError("what was proposed was erased")
    if sha256(raw).hexdigest() != body.act_sha256:
        raise StaleDocumentError(
            "act_sha256 is not the hash of what was proposed; read the proposal's evidence, show"
            " it to whoever decides, and hash its very body",
            code="other_withdrawal",
            current_status=on.request.status,
        )
    if body.decision is Decision.REJECT:
        act_id, recorded = end_proposal(on, proposal, store.REJECTED, NewAct("reject_withdrawal"))
        return _answer(on, proposal, act_id, recorded)
    act_id, entry = _carry_out(on, proposal, raw)
    store.decide(uow.connection, proposal.id, status=store.APPROVED, act_id=act_id, now=uow.now)
    return _answer(on, proposal, act_id, entry)


def _carry_out(on: RequestContext, proposal: Proposal, raw: bytes) -> tuple[str, Recorded | None]:
    """Do what was proposed; returns the act that does it, and its event."""
    document = strict_json.loads(raw)
    if proposal.dispute_id is not None:
        said = DisputeResolution.model_validate(document)
        return uphold(on, proposal.dispute_id, said, _APPROVE, proposed=proposal.act_id)
    withdrawal = payloads.Withdrawal.model_validate(document)
    answer = withdraw_now(on, withdrawal, _APPROVE, proposed=proposal.act_id)
    return str(answer.body["id"]), answer.entry


def _require_pending(on: RequestContext, proposal: Proposal) -> None:
    if proposal.status != store.PENDING:
        raise InvalidTransitionError(
            f"this withdrawal is {proposal.status}; propose it again if it is still wanted",
            code="withdrawal_decided",
            current_status=on.request.status,
        )
    if proposal.void_at <= on.uow.now:
        raise InvalidTransitionError(
            f"the time to decide on this withdrawal ended at {format_time(proposal.void_at)}: it"
            " is void, and nothing was let go; propose it again if it is still wanted",
            code="too_late",
            current_status=on.request.status,
        )


def _answer(
    on: RequestContext, proposal: Proposal, act_id: str, recorded: Recorded | None
) -> Answer:
    """Return the answer to a decision: request and proposal as a read right after shows them."""
    uow = on.uow
    request = request_store.get(uow.connection, on.request.id)
    decided = store.get(uow.connection, proposal.id)
    if request is None or decided is None:
        raise AssertionError("changed in this very transaction")
    [view] = withdrawal_views(uow.connection, uow.vault, [decided])
    answer: WithdrawalActView = {
        "id": act_id,
        "request_id": request.id,
        "status": request.status,
        "at": format_time(uow.now),
        "withdrawal": view,
    }
    return Answer(201, answer, entry=recorded)

"""Four eyes: a security lead who had no hand in a request decides on it; at quorum it goes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.domain.actor import Actor
from coordinator.domain.approval import quorum_met, require_first_decision, require_may_approve
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    StaleDocumentError,
    UnavailableError,
)
from coordinator.domain.freeze_request import Action, Ratification, require_in_time
from coordinator.domain.left_out import named
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.clearances import issue_clearances
from coordinator.services.ending.ended_legs import Why, named_addresses
from coordinator.services.ending.withdrawals import take_back, withdraw_all
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.additions import decide_addition
from coordinator.services.requests.freeze_request_views import DecisionAnswer
from coordinator.services.requests.left_out import (
    LeftOut,
    check_left_out,
    require_leads_to_let_go,
    store_left_out,
)
from coordinator.services.requests.notices import held_back, send_notices
from coordinator.services.requests.ratification import stand_behind
from coordinator.storage.ending import withdrawal_proposals as proposal_store
from coordinator.storage.engine import documents
from coordinator.storage.engine.documents import Sealed
from coordinator.storage.engine.prebuilt import Pending
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import additions as additions_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol import payloads
from holdfast.protocol.decision_context import ContextWarning, DecisionContext
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    ACCEPTED_SINGLY,
    Decision,
    EventType,
    RequestStatus,
    WithdrawalReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFreezeRequest:
    """One lead's decision on exactly the context that was shown."""

    request_id: str
    body: payloads.Approval


@handles(DecideFreezeRequest, needs=Permission.FREEZE_REQUEST_APPROVE)
def decide(command: DecideFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Count one decision; a rejection ends the request, the quorum of approvals sends it out."""
    body = command.body
    # Refusing to ratify withdraws what is out, and so does leaving addresses out of it.
    may_end = body.decision is Decision.REJECT or bool(body.left_out)
    on = sent_request(uow, actor, command.request_id, body.content_sha256, and_sharing=may_end)
    row = on.request
    if body.context_sha256 != row.context_sha256:
        addition = additions_store.by_context(uow.connection, row.id, body.context_sha256)
        if addition is not None:
            return decide_addition(on, addition, body)
        raise StaleDocumentError(
            "context_sha256 is not the hash of this request's decision context; show the "
            "context to whoever decides and hash that very string",
            code="other_context",
            current_status=row.status,
        )
    action = Action.REJECT if body.decision is Decision.REJECT else Action.APPROVE
    on.after(action)
    require_in_time(
        RequestStatus(row.status),
        approve_by=row.approve_by,
        unratified_until=row.unratified_until,
        now=uow.now,
    )
    proposer = partner_store.send_key_proposer(uow.connection, row.submitted_by_kid)
    decisions = store.send_decisions(uow.connection, row.id)
    shown = documents.send(uow.connection, [row.id], "context")
    require_may_approve(
        actor,
        submitted_by=row.submitted_by,
        owner_of_system=row.submitted_by_person,
        key_grant_proposer=partner_store.read_key_proposer(proposer),
    )
    earlier = decisions.rows()
    require_first_decision(actor, {act.person for act in earlier if act.person is not None})
    _require_nothing_of_other_requests(body.warnings_accepted)
    if action is Action.REJECT:
        return _reject(on, _act(body))
    context = _context(uow, row.id, shown)
    left_out = check_left_out(on, body, earlier)
    _require_warnings_accepted(context.warnings, body.warnings_accepted, left_out.numbers)
    approved = (a.person for a in earlier if a.decision == Decision.APPROVE)
    approvers = [*(person for person in approved if person is not None), actor.person]
    if quorum_met(approvers, row.quorum):
        action = Action.MEET_QUORUM
        require_leads_to_let_go(on, left_out, len(approvers))
    acts = tuple(act.id for act in earlier if act.decision == Decision.APPROVE)
    return _approve(on, _Approval(body, left_out, acts), action, context.to)


@dataclass(frozen=True, slots=True)
class _Approval:
    """An approval that nothing speaks against.

    Attributes:
        earlier: The acts of those who approved before.
    """

    body: payloads.Approval
    left_out: LeftOut
    earlier: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are with it."""
        return len(self.earlier) + 1


def _act(body: payloads.Approval) -> NewAct:
    decision = body.decision.value
    return NewAct(decision, decision, body.context_sha256, body.remainder_sha256)


def _approve(on: RequestContext, approval: _Approval, action: Action, to: Sequence[str]) -> Answer:
    uow, row = on.uow, on.request
    after = on.after(action)
    act_id = on.store_act(_act(approval.body))
    is_met = action is Action.MEET_QUORUM
    is_ratified = is_met and on.ratification is not Ratification.SETTLED
    numbers = approval.left_out.numbers
    decided = {"decided_at": uow.now, "unratified_at": None, "left_out_count": len(numbers)}
    changed = on.move(after, **(decided if is_met else {}))
    event = EventType.REQUEST_RATIFIED if is_ratified else EventType.REQUEST_APPROVED
    data: dict[str, object] = {
        "approvals": approval.count,
        "quorum": row.quorum,
        "context_sha256": row.context_sha256,
    }
    if numbers:
        data["left_out"] = named_addresses(on, numbers)
    recorded = changed.record(event, data, act_id=act_id)
    if is_ratified and not row.drill:
        # The partners asked are not told of it; what they screen for is provisional no more.
        recorded.flags_of = tuple(leg_store.partners_of(uow.connection, row.id))
    if on.ratification is Ratification.UNRATIFIED and is_met:
        stand_behind(changed)
    if is_met:
        _go_out(changed, approval, act_id, held_back(on, to) if is_ratified else to)
    answer = _answer(changed, act_id) | {"approvals": approval.count, "quorum": row.quorum}
    return Answer(201, answer, entry=recorded)


def _go_out(on: RequestContext, approval: _Approval, act_id: str, to: Sequence[str]) -> None:
    """Send an approved request to partners that have no notice yet.

    A ratified one went out already, but for the partners whose policy holds such back. What it
    leaves out is withdrawn from the others, by the same act.
    """
    store_left_out(on, approval.left_out)
    if on.request.ratify_by is not None and approval.left_out.numbers:
        code = WithdrawalReason.WRONG_TARGET
        words = approval.body.comment or "left out when the request was ratified"
        gone = store.WithdrawnNow(act_id, on.uow.now, code)
        # All that stand behind it: where the policy asks for two leads, one act proves nothing.
        why = Why(words, code, proofs_of(on, [*approval.earlier, act_id]))
        take_back(on, approval.left_out.numbers, act_id, gone, why)
        # Whoever will not ratify an address says that it should never have been asked about.
        issue_clearances(on, approval.left_out.numbers, act_id)
    send_notices(on, to, remainder=approval.left_out.remainder or None)


def _reject(on: RequestContext, act: NewAct) -> Answer:
    now = on.uow.now
    if on.ratification is not Ratification.SETTLED:
        # It went out already, so refusing to ratify it is a withdrawal with all that hangs on it.
        _require_one_lead_suffices(on)
        text = "a security lead of the requester rejected it"
        return withdraw_all(on, Action.REJECT, act, Why(text, WithdrawalReason.NOT_RATIFIED))
    rejected = on.move(on.after(Action.REJECT), decided_at=now, ended_at=now)
    act_id, recorded = rejected.act(act, EventType.REQUEST_REJECTED, {})
    return Answer(201, _answer(rejected, act_id), entry=recorded)


def _require_one_lead_suffices(on: RequestContext) -> None:
    """Refuse to let held funds go by a rejection where the policy asks for two leads."""
    is_by_two = on.actor.withdrawal_quorum > 1
    if is_by_two and proposal_store.holds_anything(on.uow.connection, on.request.id):
        raise ConflictError(
            "funds are held on this request, and your policy lets them go by two leads only:"
            " withdraw it (withdrawal) instead, which another lead approves",
            code="takes_two_leads",
            current_status=on.request.status,
        )


def _answer(on: RequestContext, act_id: str) -> DecisionAnswer:
    return {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
        "at": format_time(on.uow.now),
    }


def _context(uow: UnitOfWork, request_id: str, shown: Sequence[Pending[Sealed]]) -> DecisionContext:
    content = uow.opened(documents.read(shown), "context").get(request_id)
    if content is None:
        raise UnavailableError("the decision context of this request was erased")
    return DecisionContext.read(content)


def _require_nothing_of_other_requests(accepted: Sequence[payloads.WarningAcceptance]) -> None:
    """Refuse a decision whose body would reveal other requests to the partners asked.

    They are given exactly these bytes, because nothing else proves the decision to them.
    """
    faults = [
        FieldFault(
            f"/warnings_accepted/{number}/code",
            f"{acceptance.code} is about other requests, of which the partners asked would learn by"
            " this body: leave it out; you accept it by signing the context_sha256 of the context"
            " that names it",
            "about_other_requests",
        )
        for number, acceptance in enumerate(accepted)
        if acceptance.code in ABOUT_OTHER_REQUESTS
    ]
    if faults:
        raise InvalidInputError(
            "what a warning says of other requests stays with you: leave it out of"
            " warnings_accepted",
            code="about_other_requests",
            errors=faults,
        )


def _require_warnings_accepted(
    warnings: Sequence[ContextWarning],
    accepted: Sequence[payloads.WarningAcceptance],
    left_out: Sequence[int],
) -> None:
    """Refuse an approval that leaves out a warning, or accepts one that does not exist.

    Warnings about other requests are accepted by naming the context that lists them. What does not
    go out needs no acceptance.
    """
    warned = {
        w["code"]: frozenset(w["address_nos"]).difference(left_out)
        for w in warnings
        if w["code"] not in ABOUT_OTHER_REQUESTS
    }
    open_numbers = {code: set(numbers) for code, numbers in warned.items() if numbers}
    faults = []
    for number, acceptance in enumerate(accepted):
        mine = warned.get(acceptance.code, frozenset())
        fault = _acceptance_fault(acceptance, mine)
        if fault is not None:
            faults.append(replace(fault, pointer=f"/warnings_accepted/{number}{fault.pointer}"))
        said = mine if acceptance.address_nos == "all" else acceptance.address_nos
        open_numbers.get(acceptance.code, set()).difference_update(said)
    for code, numbers in open_numbers.items():
        if numbers:
            detail = (
                f"{code} on {named(numbers)} is not accepted; check the addresses and "
                "accept it with a reason, leave them out (except), or reject"
            )
            faults.append(FieldFault("/warnings_accepted", detail, "warning_open"))
    if faults:
        raise InvalidInputError(
            "every warning must be accepted with a reason before a request goes out, and none that"
            " is not there",
            code="warnings_open",
            errors=faults,
        )


def _acceptance_fault(
    acceptance: payloads.WarningAcceptance, warned: frozenset[int]
) -> FieldFault | None:
    """Return what is wrong with accepting a warning that addresses `warned` carry."""
    code = acceptance.code
    if not warned:
        detail = f"no address that goes out carries a warning {code}"
        return FieldFault("/code", detail, "no_such_warning")
    named_here = [] if acceptance.address_nos == "all" else acceptance.address_nos
    if code in ACCEPTED_SINGLY and len(named_here) != 1:
        detail = (
            f"{code} is accepted for one address at a time, each with a reason of its own:"
            f" {named(warned)}"
        )
        return FieldFault("/address_nos", detail, "one_at_a_time")
    unwarned = set(named_here) - warned
    if unwarned:
        verb = "carry" if len(unwarned) > 1 else "carries"
        detail = f"{named(unwarned)} {verb} no warning {code}"
        return FieldFault("/address_nos", detail, "no_such_warning")
    return None

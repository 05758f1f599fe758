"""Four eyes: a security lead who had no hand in a request decides on it; at quorum it goes out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.approval import quorum_met, require_first_decision, require_may_approve
from coordinator.domain.errors import (
    FieldFault,
    InvalidInputError,
    StaleDocumentError,
    UnavailableError,
)
from coordinator.domain.freeze_request import Action, next_status, require_in_time
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.withdrawals import withdraw_all
from coordinator.services.requests.additions import decide_addition
from coordinator.services.requests.freeze_request_views import DecisionAnswer
from coordinator.services.requests.notices import held_back, send_notices
from coordinator.storage.engine import documents
from coordinator.storage.engine.documents import Sealed
from coordinator.storage.engine.prebuilt import Pending
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import additions as additions_store
from coordinator.storage.requests import freeze_requests as store
from holdfast.protocol import payloads
from holdfast.protocol.decision_context import ContextWarning, DecisionContext
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    Decision,
    EventType,
    RequestStatus,
)

#: Addresses that one fault names.
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFreezeRequest:
    """One lead's decision on exactly the context that was shown."""

    request_id: str
    body: payloads.Approval


@handles(DecideFreezeRequest, needs=Permission.FREEZE_REQUEST_APPROVE)
def decide(command: DecideFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Count one decision; a rejection ends the request, the quorum of approvals sends it out."""
    body = command.body
    # Refusing to ratify withdraws what is out.
    may_end = body.decision is Decision.REJECT
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
    status = RequestStatus(row.status)
    action = Action.REJECT if body.decision is Decision.REJECT else Action.APPROVE
    next_status(status, action, provisional=row.provisional)
    require_in_time(
        status,
        provisional=row.provisional,
        approve_by=row.approve_by,
        ratify_by=row.ratify_by,
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
    _require_warnings_accepted(context.warnings, body.warnings_accepted)
    approved = (a.person for a in earlier if a.decision == Decision.APPROVE)
    approvers = [*(person for person in approved if person is not None), actor.person]
    if quorum_met(approvers, row.quorum):
        action = Action.MEET_QUORUM
    return _approve(on, _act(body), action, context.to, len(approvers))


def _act(body: payloads.Approval) -> NewAct:
    return NewAct(body.decision.value, body.decision.value, body.context_sha256)


def _approve(
    on: RequestContext, act: NewAct, action: Action, to: Sequence[str], approvals: int
) -> Answer:
    uow, row = on.uow, on.request
    status, provisional = next_status(
        RequestStatus(row.status), action, provisional=row.provisional
    )
    act_id = on.store_act(act)
    is_ratified = row.provisional and action is Action.MEET_QUORUM
    decided = {"decided_at": uow.now} if action is Action.MEET_QUORUM else {}
    changed = on.change(status=status, provisional=provisional, **decided)
    event = EventType.REQUEST_RATIFIED if is_ratified else EventType.REQUEST_APPROVED
    data = {
        "approvals": approvals,
        "quorum": row.quorum,
        "context_sha256": row.context_sha256,
    }
    recorded = changed.record(event, data, act_id=act_id)
    if action is Action.MEET_QUORUM:
        # A ratified request went out already, but for the partners whose policy holds such back.
        send_notices(changed, held_back(on, to) if is_ratified else to)
    answer = _answer(changed, act_id) | {"approvals": approvals, "quorum": row.quorum}
    return Answer(201, answer, entry=recorded)


def _reject(on: RequestContext, act: NewAct) -> Answer:
    uow, row = on.uow, on.request
    if row.provisional:
        # It went out already, so refusing to ratify it is a withdrawal with all that hangs on it.
        why = "a security lead of the requester rejected it"
        return withdraw_all(on, Action.REJECT, act, reason=why)
    status, provisional = next_status(RequestStatus(row.status), Action.REJECT)
    rejected = on.change(
        status=status, provisional=provisional, decided_at=uow.now, ended_at=uow.now
    )
    act_id, recorded = rejected.act(act, EventType.REQUEST_REJECTED, {})
    return Answer(201, _answer(rejected, act_id), entry=recorded)


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
    warnings: Sequence[ContextWarning], accepted: Sequence[payloads.WarningAcceptance]
) -> None:
    """Refuse an approval that leaves out a warning, or accepts one that does not exist.

    Warnings about other requests are accepted by naming the context that lists them.
    """
    warned = {
        w["code"]: frozenset(w["address_nos"])
        for w in warnings
        if w["code"] not in ABOUT_OTHER_REQUESTS
    }
    open_numbers = {code: set(numbers) for code, numbers in warned.items()}
    faults = []
    for number, acceptance in enumerate(accepted):
        pointer = f"/warnings_accepted/{number}"
        mine = open_numbers.get(acceptance.code)
        if mine is None:
            detail = f"this request carries no warning {acceptance.code}"
            faults.append(FieldFault(f"{pointer}/code", detail, "no_such_warning"))
        elif acceptance.address_nos == "all":
            mine.clear()
        else:
            mine -= set(acceptance.address_nos)
            unwarned = set(acceptance.address_nos) - warned[acceptance.code]
            if unwarned:
                detail = f"address {_few(unwarned)} carries no warning {acceptance.code}"
                faults.append(FieldFault(f"{pointer}/address_nos", detail, "no_such_warning"))
    for code, numbers in open_numbers.items():
        if numbers:
            detail = (
                f"{code} on address {_few(numbers)} is not accepted; check the addresses and "
                "accept it with a reason, or reject"
            )
            faults.append(FieldFault("/warnings_accepted", detail, "warning_open"))
    if faults:
        raise InvalidInputError(
            "every warning must be accepted with a reason before a request goes out, and none that"
            " is not there",
            code="warnings_open",
            errors=faults,
        )


def _few(numbers: Collection[int]) -> str:
    shown = ", ".join(str(number) for number in sorted(numbers)[:_SHOWN])
    return f"{shown} and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else shown

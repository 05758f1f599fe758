"""Four eyes: a security lead who had no hand in a request decides on it; at quorum it goes out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor
from coordinator.domain.approval import quorum_met, require_first_decision, require_may_approve
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import (
    FieldFault,
    InvalidInputError,
    StaleDocumentError,
    UnavailableError,
)
from coordinator.domain.freeze_request import Action, next_status, require_in_time
from coordinator.domain.permission import Permission
from coordinator.services.access import sent_request
from coordinator.services.acts import store_act
from coordinator.services.additions import decide_addition
from coordinator.services.bus import handles
from coordinator.services.notices import held_back, send_notices
from coordinator.services.unit_of_work import Answer, UnitOfWork
from coordinator.services.withdrawals import withdraw_all
from coordinator.storage import additions as additions_store
from coordinator.storage import documents
from coordinator.storage import freeze_requests as store
from coordinator.storage import partners as partner_store
from coordinator.storage.prebuilt import Pending
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    Decision,
    EventType,
    RequestStatus,
    Urgency,
)

#: Addresses that one fault names.
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFreezeRequest:
    """One lead's decision on exactly the context that was shown."""

    request_id: str
    body: payloads.Approval
    policies: Policies


@handles(DecideFreezeRequest, needs=Permission.FREEZE_REQUEST_APPROVE)
def decide(command: DecideFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Count one decision; a rejection ends the request, the quorum of approvals sends it out."""
    body = command.body
    # Refusing to ratify takes back what is out.
    may_end = body.decision is Decision.REJECT
    row = sent_request(uow, actor, command.request_id, body.content_sha256, and_sharing=may_end)
    if body.context_sha256 != row.context_sha256:
        addition = additions_store.by_context(uow.connection, row.id, body.context_sha256)
        if addition is not None:
            return decide_addition(uow, actor, row, addition, body, command.policies)
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
    proposer = partner_store.ask_key_proposer(uow.connection, row.submitted_by_kid)
    decisions = store.ask_decisions(uow.connection, row.id)
    shown = documents.ask(uow.connection, [row.id], "context")
    require_may_approve(
        actor,
        submitter_person=row.submitted_by,
        submitter_system_owner=row.submitted_by_person,
        key_grant_proposer=partner_store.proposer_of(proposer),
    )
    earlier = decisions.rows()
    require_first_decision(actor, {act.person for act in earlier})
    _require_nothing_of_other_requests(body.warnings_accepted)
    if action is Action.REJECT:
        return _reject(command, actor, uow, row)
    context = _context(uow, row.id, shown)
    _require_warnings_accepted(context["warnings"], body.warnings_accepted)
    approvers = [a.person for a in earlier if a.decision == Decision.APPROVE] + [actor.person]
    if quorum_met(approvers, row.quorum):
        action = Action.MEET_QUORUM
    return _approve(command, actor, uow, row, action, context["to"], len(approvers))


def _approve(  # noqa: PLR0913, PLR0917 - what the outcome hangs on
    command: DecideFreezeRequest,
    actor: Actor,
    uow: UnitOfWork,
    row: Row[Any],
    action: Action,
    to: Sequence[str],
    approvals: int,
) -> Answer:
    status, provisional = next_status(
        RequestStatus(row.status), action, provisional=row.provisional
    )
    key = uow.key(row.document_key_id)
    act_id = _store_decision(command, actor, uow, row)
    is_ratified = row.provisional and action is Action.MEET_QUORUM
    decided = {"decided_at": uow.now} if action is Action.MEET_QUORUM else {}
    live = store.change(uow.connection, row, status=status, provisional=provisional, **decided)
    event = EventType.REQUEST_RATIFIED if is_ratified else EventType.REQUEST_APPROVED
    recorded = uow.record(
        event,
        {
            "requester": row.requester,
            "sequence": uow.next_request_sequence(row),
            "status": status,
            "by": actor.subject,
            "act_id": act_id,
            "approvals": approvals,
            "quorum": row.quorum,
            "content_sha256": row.content_sha256,
            "context_sha256": row.context_sha256,
        },
        key=key,
        audience=[row.requester],
        request_id=row.id,
        urgency=row.urgency,
    )
    uow.set_leaf(ActRow, act_id, recorded)
    if action is Action.MEET_QUORUM:
        # A ratified request went out already, but for the partners whose policy holds such back.
        acknowledge_by = command.policies.acknowledge_by(Urgency(row.urgency), queued_at=uow.now)
        missing = held_back(uow, row, to) if is_ratified else to
        send_notices(uow, live, missing, acknowledge_by=acknowledge_by)
    answer = {
        "id": act_id,
        "request_id": row.id,
        "status": status,
        "approvals": approvals,
        "quorum": row.quorum,
        "at": format_time(uow.now),
    }
    return Answer(201, answer, entry=recorded)


def _reject(command: DecideFreezeRequest, actor: Actor, uow: UnitOfWork, row: Row[Any]) -> Answer:
    if row.provisional:
        # It went out already, so refusing to ratify it is a withdrawal with all that hangs on it.
        return withdraw_all(
            uow,
            actor,
            row,
            Action.REJECT,
            str(command.body.decision),
            command.policies,
            reason="a security lead of the requester rejected it",
            decision=command.body.decision,
            context_sha256=command.body.context_sha256,
        )
    status, provisional = next_status(RequestStatus(row.status), Action.REJECT)
    act_id = _store_decision(command, actor, uow, row)
    store.change(
        uow.connection,
        row,
        status=status,
        provisional=provisional,
        decided_at=uow.now,
        ended_at=uow.now,
    )
    recorded = uow.record(
        EventType.REQUEST_REJECTED,
        {
            "requester": row.requester,
            "sequence": uow.next_request_sequence(row),
            "status": status,
            "by": actor.subject,
            "act_id": act_id,
            "content_sha256": row.content_sha256,
        },
        key=uow.key(row.document_key_id),
        audience=[row.requester],
        request_id=row.id,
        urgency=row.urgency,
    )
    uow.set_leaf(ActRow, act_id, recorded)
    answer = {
        "id": act_id,
        "request_id": row.id,
        "status": status,
        "at": format_time(uow.now),
    }
    return Answer(201, answer, entry=recorded)


def _store_decision(
    command: DecideFreezeRequest, actor: Actor, uow: UnitOfWork, row: Row[Any]
) -> str:
    return store_act(
        uow,
        actor,
        str(command.body.decision),
        row.id,
        uow.key(row.document_key_id),
        decision=command.body.decision,
        context_sha256=command.body.context_sha256,
    )


def _context(uow: UnitOfWork, request_id: str, shown: Sequence[Pending]) -> dict[str, Any]:
    content = uow.opened(documents.answered(shown), "context").get(request_id)
    if content is None:
        raise UnavailableError("the decision context of this request was erased")
    context: dict[str, Any] = strict_json.loads(content)
    return context


def _require_nothing_of_other_requests(accepted: Sequence[payloads.WarningAcceptance]) -> None:
    """Refuse a decision whose body would tell the partners asked of other requests.

    They are handed these very bytes, for nothing else proves the decision to them.
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
    warnings: Sequence[dict[str, Any]], accepted: Sequence[payloads.WarningAcceptance]
) -> None:
    """Refuse an approval that passes over a warning, or accepts one that is not there.

    Those about other requests are accepted with the context that names them.
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

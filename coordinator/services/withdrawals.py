"""Taking back: a request before it went out, a live one whole, or some of its addresses."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import Action, next_status
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.access import sent_request
from coordinator.services.acts import store_act
from coordinator.services.bus import handles
from coordinator.services.endings import end_legs, named_addresses, take_addresses_back
from coordinator.services.unit_of_work import Answer, UnitOfWork
from coordinator.storage import freeze_requests as store
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import payloads
from holdfast.protocol.vocabulary import EventType, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawFreezeRequest:
    """The requester takes all or some addresses back."""

    request_id: str
    body: payloads.Withdrawal
    policies: Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class LapseProvisional:
    """Nobody ratified a flash request in time: it withdraws itself."""

    request_id: str
    policies: Policies


@handles(WithdrawFreezeRequest, needs=Permission.FREEZE_REQUEST_WITHDRAW_SUBMITTED)
def withdraw(command: WithdrawFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take addresses back; what is held on them owes a release, a return or `kept`."""
    body = command.body
    row = sent_request(uow, actor, command.request_id, body.content_sha256, and_sharing=True)
    went_out = row.status != RequestStatus.SUBMITTED
    if not is_allowed(Permission.FREEZE_REQUEST_WITHDRAW, actor):
        if went_out:
            raise PermissionDeniedError(
                "a request that went out is withdrawn by a security lead; yours is no longer "
                "submitted"
            )
        if row.submitted_by_person != actor.person:
            raise PermissionDeniedError("an analyst or system withdraws its own requests only")
    if body.addresses == "all":
        return withdraw_all(
            uow, actor, row, Action.WITHDRAW, "withdraw", command.policies, reason=body.reason
        )
    return _withdraw_some(command, actor, uow, row)


def withdraw_all(  # noqa: PLR0913, PLR0917 - what an end is told with
    uow: UnitOfWork,
    actor: Actor,
    row: Row[Any],
    action: Action,
    act_kind: str,
    policies: Policies,
    *,
    reason: str,
    **act: Any,
) -> Answer:
    """End a request as withdrawn.

    Legs, where there are any, are told and what they hold is owed; both sides learn the reason. The
    requests that share a hold with it are locked by the caller.
    """
    went_out = row.status != RequestStatus.SUBMITTED
    status, provisional = next_status(
        RequestStatus(row.status), action, provisional=row.provisional
    )
    ended: dict[str, Any] = {"status": status, "provisional": provisional, "ended_at": uow.now}
    store.change(uow.connection, row, **ended)
    event = EventType.REQUEST_WITHDRAWN
    answer = tell_end(uow, actor, row, act_kind, status, event, reason=reason, **act)
    if went_out:
        end_legs(uow, actor, row, event, policies, reason=reason)
    return answer


def _withdraw_some(
    command: WithdrawFreezeRequest, actor: Actor, uow: UnitOfWork, row: Row[Any]
) -> Answer:
    body = command.body
    numbers: list[int] = sorted(no for no in body.addresses if isinstance(no, int))
    next_status(RequestStatus(row.status), Action.WITHDRAW_SOME, provisional=row.provisional)
    faults = [
        FieldFault(
            f"/addresses/{place}",
            f"this request has addresses 0 to {row.address_count - 1}",
            "range",
        )
        for place, number in enumerate(body.addresses)
        if isinstance(number, int) and number >= row.address_count
    ]
    if faults:
        raise InvalidInputError("some of these addresses do not exist", errors=faults)
    gone = store.withdrawn_addresses(uow.connection, row.id)
    doubled = [number for number in numbers if number in gone]
    if doubled:
        raise ConflictError(
            f"address {doubled[0]} was withdrawn already; name the others only",
            code="withdrawn_already",
            current_status=row.status,
        )
    if len(gone) + len(numbers) >= row.address_count:
        raise ConflictError(
            'these are all that is left; withdraw the whole request with "addresses": "all"',
            code="nothing_left",
            current_status=row.status,
        )
    key = uow.key(row.document_key_id)
    act_id = store_act(uow, actor, "withdraw", row.id, key)
    store.withdraw_addresses(uow.connection, row.id, numbers, act_id, uow.now)
    recorded = uow.record(
        EventType.REQUEST_WITHDRAWN,
        {
            "requester": row.requester,
            "sequence": uow.next_request_sequence(row),
            "status": row.status,
            "by": actor.subject,
            "act_id": act_id,
            **named_addresses(row, numbers),
            "reason": body.reason,
            "content_sha256": row.content_sha256,
        },
        key=key,
        audience=[row.requester],
        request_id=row.id,
        urgency=row.urgency,
    )
    uow.set_leaf(ActRow, act_id, recorded)
    take_addresses_back(uow, actor, row, numbers, body.reason, command.policies)
    answer = {"id": act_id, "request_id": row.id, "status": row.status}
    return Answer(201, answer, entry=recorded)


def tell_end(  # noqa: PLR0913, PLR0917 - what an end is told with
    uow: UnitOfWork,
    actor: Actor,
    row: Row[Any],
    kind: str,
    status: RequestStatus,
    event: EventType,
    *,
    reason: str | None,
    **act: Any,
) -> Answer:
    """Store the act that ended a request, and tell the requester."""
    key = uow.key(row.document_key_id)
    act_id = store_act(uow, actor, kind, row.id, key, **act)
    recorded = uow.record(
        event,
        {
            "requester": row.requester,
            "sequence": uow.next_request_sequence(row),
            "status": status,
            "by": actor.subject,
            "act_id": act_id,
            "reason": reason,
            "content_sha256": row.content_sha256,
        },
        key=key,
        audience=[row.requester],
        request_id=row.id,
        urgency=row.urgency,
    )
    uow.set_leaf(ActRow, act_id, recorded)
    return Answer(201, {"id": act_id, "request_id": row.id, "status": status}, entry=recorded)


@handles(LapseProvisional, needs=Permission.TIMER_FIRE)
def lapse(command: LapseProvisional, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw a flash request that nobody ratified; does nothing where somebody was quicker."""
    store.lock_sharing(uow.connection, command.request_id)
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or not row.provisional or row.ratify_by is None or row.ratify_by > uow.now:
        return Answer(200, {"status": "unchanged"})
    why = "nobody ratified it in time"
    return withdraw_all(uow, actor, row, Action.EXPIRE, "lapse", command.policies, reason=why)

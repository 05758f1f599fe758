"""Withdrawals: of a request before it went out, of a live one, or of some addresses."""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import Action, next_status
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import end_legs, named_addresses, withdraw_from_legs
from coordinator.services.requests.freeze_request_views import ActView
from coordinator.storage.requests import freeze_requests as store
from holdfast.protocol import payloads
from holdfast.protocol.vocabulary import EventType, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawFreezeRequest:
    """The requester withdraws all or some addresses."""

    request_id: str
    body: payloads.Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class LapseProvisional:
    """Nobody ratified a flash request in time, so it is withdrawn."""

    request_id: str


@handles(WithdrawFreezeRequest, needs=Permission.FREEZE_REQUEST_WITHDRAW_SUBMITTED)
def withdraw(command: WithdrawFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw addresses; what is held on them owes a release, a return or `kept`."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256, and_sharing=True)
    row = on.request
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
        return withdraw_all(on, Action.WITHDRAW, NewAct("withdraw"), reason=body.reason)
    return _withdraw_some(on, body)


def withdraw_all(on: RequestContext, action: Action, act: NewAct, *, reason: str) -> Answer:
    """End a request as withdrawn.

    Its legs are told, and owe answers about what they hold; both sides learn the reason. The caller
    locks the requests that share a hold with it.
    """
    row = on.request
    went_out = row.status != RequestStatus.SUBMITTED
    status, provisional = next_status(
        RequestStatus(row.status), action, provisional=row.provisional
    )
    ended = on.change(status=status, provisional=provisional, ended_at=on.uow.now)
    answer = tell_end(ended, act, EventType.REQUEST_WITHDRAWN, reason=reason)
    if went_out:
        end_legs(ended, EventType.REQUEST_WITHDRAWN, reason=reason)
    return answer


def _withdraw_some(on: RequestContext, body: payloads.Withdrawal) -> Answer:
    uow, row = on.uow, on.request
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
    act_id = on.store_act(NewAct("withdraw"))
    store.withdraw_addresses(uow.connection, row.id, numbers, act_id, uow.now)
    data = {**named_addresses(row, numbers), "reason": body.reason}
    recorded = on.record(EventType.REQUEST_WITHDRAWN, data, act_id=act_id)
    withdraw_from_legs(on, numbers, body.reason)
    answer: ActView = {"id": act_id, "request_id": row.id, "status": row.status}
    return Answer(201, answer, entry=recorded)


def tell_end(on: RequestContext, act: NewAct, event: EventType, *, reason: str | None) -> Answer:
    """Store the act that ended a request, and tell the requester; `on` has the ended request."""
    act_id, recorded = on.act(act, event, {"reason": reason})
    answer: ActView = {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
    }
    return Answer(201, answer, entry=recorded)


@handles(LapseProvisional, needs=Permission.TIMER_FIRE)
def lapse(command: LapseProvisional, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw a flash request that nobody ratified; do nothing if it was decided meanwhile."""
    store.lock_sharing(uow.connection, command.request_id)
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or not row.provisional or row.ratify_by is None or row.ratify_by > uow.now:
        return Answer(200, {"status": "unchanged"})
    on = RequestContext(uow, actor, row)
    return withdraw_all(on, Action.EXPIRE, NewAct("lapse"), reason="nobody ratified it in time")

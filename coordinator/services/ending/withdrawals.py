"""Withdrawals: of a request before it went out, of a live one, or of some addresses."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.clearances import issue_clearances
from coordinator.services.ending.contested import refresh_contested
from coordinator.services.ending.ended_legs import (
    Why,
    end_legs,
    named_addresses,
    withdraw_from_legs,
)
from coordinator.services.ending.withdrawal_proposals import (
    WithdrawalActView,
    end_as_moot,
    propose_withdrawal,
    proposed_bodies,
)
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import ActView
from coordinator.storage.ending import withdrawal_proposals as proposal_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.vocabulary import EventType, RequestStatus, WithdrawalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawFreezeRequest:
    """The requester withdraws all or some addresses."""

    request_id: str
    body: payloads.Withdrawal


@handles(WithdrawFreezeRequest, needs=Permission.FREEZE_REQUEST_WITHDRAW_SUBMITTED)
def withdraw(command: WithdrawFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw addresses; what is held on them owes a release, a return or `kept`.

    Where the requester's policy asks for two leads and something is held, it is proposed.
    """
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
    if went_out and actor.withdrawal_quorum > 1:
        numbers = None if body.addresses == "all" else require_withdrawable(on, body)
        on.after(Action.WITHDRAW if numbers is None else Action.WITHDRAW_SOME)
        if proposal_store.holds_anything(uow.connection, row.id, numbers):
            return propose_withdrawal(on, body, numbers)
    return withdraw_now(on, body, NewAct("withdraw"))


def withdraw_now(
    on: RequestContext, body: payloads.Withdrawal, act: NewAct, *, proposed: str | None = None
) -> Answer:
    """Carry a withdrawal out.

    Args:
        on: The request, locked with those that share a hold with it.
        body: What was signed.
        act: The act that carries it out.
        proposed: The act that proposed it, where another lead approves it.
    """
    why = Why(body.reason, body.reason_code)
    is_wrong = body.reason_code is WithdrawalReason.WRONG_TARGET
    went_out = on.request.status != RequestStatus.SUBMITTED
    cleared = _asked_about(on) if is_wrong and went_out else frozenset()
    if body.addresses == "all":
        answer = withdraw_all(on, Action.WITHDRAW, act, why, proposed=proposed)
    else:
        cleared = cleared.intersection(body.addresses)
        answer = _withdraw_some(on, body, act, proposed=proposed)
    issue_clearances(on, cleared, proposed or str(answer.body["id"]))
    return answer


def _withdraw_some(
    on: RequestContext, body: payloads.Withdrawal, act: NewAct, *, proposed: str | None
) -> Answer:
    uow, row = on.uow, on.request
    numbers = require_withdrawable(on, body)
    act_id = on.store_act(act)
    gone = store.WithdrawnNow(proposed or act_id, uow.now, body.reason_code)
    why = Why(body.reason, body.reason_code)
    recorded = take_back(on, numbers, act_id, gone, _proven(on, why, act_id, proposed))
    uow.set_leaf(ActRow, act_id, recorded)
    answer: WithdrawalActView = {"id": act_id, "request_id": row.id, "status": row.status}
    return Answer(201, answer, entry=recorded)


def _asked_about(on: RequestContext) -> frozenset[int]:
    """Return the addresses that partners are asked about at present."""
    connection, row = on.uow.connection, on.request
    gone = {
        *store.withdrawn_addresses(connection, row.id),
        *store.left_out_addresses(connection, row.id),
    }
    return frozenset(number for number in range(row.address_count) if number not in gone)


def withdraw_all(
    on: RequestContext, action: Action, act: NewAct, why: Why, *, proposed: str | None = None
) -> Answer:
    """End a request as withdrawn.

    Its legs are told, and owe answers about what they hold; both sides learn the reason. The caller
    locks the requests that share a hold with it.
    """
    went_out = on.request.status != RequestStatus.SUBMITTED
    ended = on.move(on.after(action), ended_at=on.uow.now, withdrawal_reason=why.code)
    answer = tell_end(ended, act, EventType.REQUEST_WITHDRAWN, why, proposed=proposed)
    if went_out:
        why = _proven(ended, why, str(answer.body["id"]), proposed)
        end_legs(ended, EventType.REQUEST_WITHDRAWN, why)
        if ended.request.contested:
            refresh_contested(ended)
    return answer


def _proven(on: RequestContext, why: Why, act_id: str, proposed: str | None) -> Why:
    """Return a reason with what proves the withdrawal: who must release is handed all its acts."""
    acts = [act_id] if proposed is None else [proposed, act_id]
    return why._replace(evidence=proofs_of(on, acts))


def require_withdrawable(on: RequestContext, body: payloads.Withdrawal) -> list[int]:
    """Return the addresses that a withdrawal names.

    Raises:
        InvalidTransitionError: If the request takes no withdrawal of some addresses.
        InvalidInputError: If it has no such addresses.
        ConflictError: If one was withdrawn already, or none would be left.
    """
    row = on.request
    numbers: list[int] = sorted(no for no in body.addresses if isinstance(no, int))
    on.after(Action.WITHDRAW_SOME)
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
    _require_left(on, numbers)
    return numbers


def _require_left(on: RequestContext, numbers: Sequence[int]) -> None:
    uow, row = on.uow, on.request
    earlier = {
        **dict.fromkeys(store.left_out_addresses(uow.connection, row.id), "left out at approval"),
        **dict.fromkeys(store.withdrawn_addresses(uow.connection, row.id), "withdrawn already"),
    }
    doubled = [number for number in numbers if number in earlier]
    if doubled:
        raise ConflictError(
            f"address {doubled[0]} was {earlier[doubled[0]]}; name the others only",
            code="withdrawn_already",
            current_status=row.status,
        )
    if len(earlier) + len(numbers) >= row.address_count:
        raise ConflictError(
            'these are all that is left; withdraw the whole request with "addresses": "all"',
            code="nothing_left",
            current_status=row.status,
        )


def take_back(
    on: RequestContext, numbers: Sequence[int], act_id: str, gone: store.WithdrawnNow, why: Why
) -> Recorded:
    """Withdraw some addresses by a stored act: each leg that has them is told, and may owe."""
    store.withdraw_addresses(on.uow.connection, on.request.id, numbers, gone)
    _end_overtaken(on, act_id, but=gone.act_id)
    said = why._replace(evidence=()).told()
    data = {**named_addresses(on, numbers), "act_id": act_id, **said}
    recorded = on.record(EventType.REQUEST_WITHDRAWN, data)
    withdraw_from_legs(on, numbers, why)
    if on.request.contested:
        refresh_contested(on)
    return recorded


def _end_overtaken(on: RequestContext, act_id: str, *, but: str) -> None:
    """End proposals that no other lead can approve any more; `but` is carried out just now."""
    uow = on.uow
    pending = proposal_store.pending_withdrawals(uow.connection, on.request.id)
    waiting = {each.act_id: each for each in pending}
    overtaken = []
    for act, raw in proposed_bodies(uow.connection, uow.vault, pending).items():
        body = payloads.Withdrawal.model_validate(strict_json.loads(raw))
        if body.addresses == "all":
            continue
        try:
            _require_left(on, [no for no in body.addresses if isinstance(no, int)])
        except ConflictError:
            overtaken.append(waiting[act])
    end_as_moot(on, overtaken, act_id, but=but)


def tell_end(
    on: RequestContext, act: NewAct, event: EventType, why: Why, *, proposed: str | None = None
) -> Answer:
    """Store the act that ended a request, and tell the requester; `on` has the ended request.

    Other withdrawals that wait for a second lead end with it. Where the request is withdrawn, all
    that they name is: who read "release nothing yet" reads that. Where it closes, nothing is.
    """
    act_id = on.store_act(act)
    waiting = proposal_store.pending_withdrawals(on.uow.connection, on.request.id)
    is_told = event is not EventType.REQUEST_WITHDRAWN
    end_as_moot(on, waiting, act_id, but=proposed, is_told=is_told)
    recorded = on.record(event, why.told(), act_id=act_id)
    answer: ActView = {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
    }
    return Answer(201, answer, entry=recorded)

"""What an order or an encumbrance is about: by whom, on which leg, and what of it stands."""

from datetime import datetime

from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.hold import CLOCK_SKEW
from coordinator.services.core.access import asked_leg, sent_request
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.restoring.encumbrances import Restraint
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.payloads import ActBody
from holdfast.protocol.vocabulary import PartnerKind, RequestStatus

_WENT_OUT = ENDED | {RequestStatus.ACTIVE}


def attaching_context(
    uow: UnitOfWork, actor: Actor, request_id: str, body: ActBody, hold_id: str | None
) -> RequestContext | LegContext:
    """Lock what an order is about: the leg of who holds, or the request if it is about all legs.

    Raises:
        NotFoundError: If there is no such request or hold, or none that the actor may see.
        PermissionDeniedError: If it is a requester that is no authority.
        InvalidTransitionError: If the request never went out.
        ConflictError: If nothing is held that it could be about.
    """
    if hold_id is None and _is_own(uow, actor, request_id):
        return _of_authority(uow, actor, request_id, body)
    return leg_of_hold(uow, actor, request_id, body, hold_id)


def leg_of_hold(
    uow: UnitOfWork, actor: Actor, request_id: str, body: ActBody, hold_id: str | None
) -> LegContext:
    """Lock the leg of a hold; None: that of who holds anything. Raises as `attaching_context`."""
    if _is_own(uow, actor, request_id):
        on = _of_authority(uow, actor, request_id, body)
        return on.on_leg(_leg_of_hold(on, hold_id or ""))
    on_leg = asked_leg(uow, actor, request_id, body.content_sha256)
    _require_holding(on_leg, hold_id)
    return on_leg


def _is_own(uow: UnitOfWork, actor: Actor, request_id: str) -> bool:
    found = request_store.get(uow.connection, request_id)
    return found is not None and found.requester == actor.partner


def _of_authority(uow: UnitOfWork, actor: Actor, request_id: str, body: ActBody) -> RequestContext:
    on = sent_request(uow, actor, request_id, body.content_sha256)
    if actor.partner_kind is not PartnerKind.LAW_ENFORCEMENT:
        raise PermissionDeniedError(
            "an order is attached by the authority that requested, or by the partner that holds; "
            "name it in `legal.order` of your request instead"
        )
    if RequestStatus(on.request.status) not in _WENT_OUT:
        raise InvalidTransitionError(
            f"the request is {on.request.status}; an order is attached once it went out",
            current_status=on.request.status,
        )
    return on


def _require_holding(on: LegContext, hold_id: str | None) -> None:
    ledger = ledger_store.load_leg(on.uow.connection, on.leg)
    holds = {hold.id: hold for _, hold in ledger.linked()}
    if hold_id is not None and hold_id not in holds:
        raise NotFoundError("you have no such hold on this request", code="no_such_hold")
    meant = holds.values() if hold_id is None else (holds[hold_id],)
    if not any(hold.is_open for hold in meant):
        raise ConflictError(
            "you hold nothing that this order could be about; freeze first, or name another hold",
            code="nothing_held",
            current_status=on.leg.status,
        )


def _leg_of_hold(on: RequestContext, hold_id: str) -> LegRow:
    legs = hold_clocks.linked_legs(on.uow.connection, hold_id)
    leg = next((leg for leg in legs if leg.request_id == on.request.id), None)
    if leg is None:
        raise NotFoundError("there is no such hold on this request", code="no_such_hold")
    return leg


def own_context(
    uow: UnitOfWork, actor: Actor, request_id: str, body: ActBody
) -> RequestContext | LegContext:
    """Lock a request and return the actor's side of it.

    Raises:
        NotFoundError: If it has none.
    """
    if _is_own(uow, actor, request_id):
        return sent_request(uow, actor, request_id, body.content_sha256)
    return asked_leg(uow, actor, request_id, body.content_sha256)


def concerns(on: RequestContext | LegContext, row: Restraint) -> bool:
    """Tell whether one side of a request sees an order or a claim: it is on it, or on all legs."""
    if row.request_id != on.request.id:
        return False
    return isinstance(on, RequestContext) or row.leg_id in {None, on.leg.id}


def require_ahead(moment: datetime | None, now: datetime, pointer: str) -> None:
    """Refuse a date for another look that is past.

    Raises:
        InvalidInputError: Naming the member.
    """
    if moment is not None and moment <= now:
        raise _fault(pointer, "is past: state when somebody is to look again", "date_past")


def require_past(moment: datetime, now: datetime, pointer: str) -> None:
    """Refuse to have happened what lies ahead.

    Raises:
        InvalidInputError: Naming the member.
    """
    if moment > now + CLOCK_SKEW:
        raise _fault(pointer, "lies in the future: state when it was", "date_ahead")


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    fault = FieldFault(pointer, detail, code)
    return InvalidInputError(f"{pointer.removeprefix('/')} {detail}", errors=[fault])

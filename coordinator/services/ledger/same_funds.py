"""The requester says that two partners hold the same tokens, so that sums count them once.

The partners are not told: neither knows that the other holds anything. So the event goes to the
requester alone, and partners asked do not read the act.
"""

from dataclasses import dataclass
from typing import TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.domain.same_funds import PlacedHold, require_same_funds
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.storage.ledger import same_funds as store
from holdfast.protocol.life_cycle_payloads import SameFunds
from holdfast.protocol.vocabulary import EventType, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSameFunds:
    """The requester marks a hold as of the same tokens as another partner's, or takes it back."""

    request_id: str
    body: SameFunds


class SameFundsView(TypedDict):
    """The answer to a mark (`life_cycle_views.SameFundsView`)."""

    id: str
    request_id: str
    status: RequestStatus
    hold: str
    same_as: str | None


@handles(MarkSameFunds, needs=Permission.SAME_FUNDS_MARK)
def mark(command: MarkSameFunds, actor: Actor, uow: UnitOfWork) -> Answer:
    """Leave one of two holds out of sums over partners as long as the other holds anything."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    hold = _placed(on, body.hold)
    if hold.same_funds_as == body.same_as:
        raise ConflictError(
            f"{hold.id} is marked so already",
            code="already_marked",
            current_status=on.request.status,
        )
    if body.same_as is not None:
        require_same_funds(hold, _placed(on, body.same_as))
    act_id = on.store_act(NewAct("mark_same_funds"))
    store.mark(uow.connection, hold.id, body.same_as)
    told = {"hold": hold.id, "same_as": body.same_as}
    recorded = on.record(EventType.REQUEST_SAME_FUNDS, told, act_id=act_id)
    answer: SameFundsView = {
        "id": act_id,
        "request_id": on.request.id,
        "status": RequestStatus(on.request.status),
        "hold": hold.id,
        "same_as": body.same_as,
    }
    return Answer(201, answer, entry=recorded)


def _placed(on: RequestContext, hold_id: str) -> PlacedHold:
    found = store.placed(on.uow.connection, on.request.id, hold_id)
    if found is None:
        raise NotFoundError("there is no such hold on this request", code="no_such_hold")
    return found

"""Requests that end without having been withdrawn: expired, closed by a lead, closed by itself."""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.freeze_request import Action, Ratification, State, require_closable
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.contested import refresh_contested
from coordinator.services.ending.ended_legs import Why, end_legs
from coordinator.services.ending.withdrawals import tell_end
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.requests import freeze_requests as store
from holdfast.protocol import payloads
from holdfast.protocol.vocabulary import EventType, RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFreezeRequest:
    """A lead closes a request on which no hold is open."""

    request_id: str
    body: payloads.Closure


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseByItself:
    """Nothing was expected of any leg for so long that the request closes."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireFreezeRequest:
    """Nobody approved it in time."""

    request_id: str


@handles(ExpireFreezeRequest, needs=Permission.TIMER_FIRE)
def expire(command: ExpireFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """End a request that nobody approved in time; do nothing if it was decided meanwhile."""
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or row.status != RequestStatus.SUBMITTED or row.approve_by > uow.now:
        return Answer(200, {"status": "unchanged"})
    on = RequestContext(uow, actor, row)
    expired = on.move(on.after(Action.EXPIRE), ended_at=uow.now)
    why = Why("nobody approved it in time")
    return tell_end(expired, NewAct("expire"), EventType.REQUEST_EXPIRED, why)


@handles(CloseFreezeRequest, needs=Permission.FREEZE_REQUEST_CLOSE)
def close(command: CloseFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close an active request once no hold is open; legs without a freeze show as withdrawn."""
    on = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    after = require_closable(
        RequestStatus(on.request.status),
        open_holds=ledger_store.open_holds(uow.connection, on.request.id),
        ratification=on.ratification,
    )
    return _close(on, after, Why(command.body.reason))


@handles(CloseByItself, needs=Permission.TIMER_FIRE)
def close_by_itself(command: CloseByItself, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close a request whose legs have all been final for long enough; otherwise do nothing."""
    row = store.get(uow.connection, command.request_id, lock=True)
    if (
        row is None
        or row.status != RequestStatus.ACTIVE
        or store.ratification(row) is not Ratification.SETTLED
        or row.final_since is None
        or row.final_since + uow.policies.close_after > uow.now
    ):
        return Answer(200, {"status": "unchanged"})
    on = RequestContext(uow, actor, row)
    return _close(on, on.after(Action.CLOSE), Why("nothing more was awaited"))


def _close(on: RequestContext, after: State, why: Why) -> Answer:
    closed = on.move(after, ended_at=on.uow.now)
    answer = tell_end(closed, NewAct("close"), EventType.REQUEST_CLOSED, why)
    end_legs(closed, EventType.REQUEST_CLOSED, why)
    if closed.request.contested:
        refresh_contested(closed)
    return answer

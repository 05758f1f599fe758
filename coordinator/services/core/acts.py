"""An act on a request or on one of its legs: stored with what proves it, then told.

Every act goes the same way. `store_act` keeps it with its evidence, the handler writes what it
does, and `record` tells of it and has the act's row point to its leaf in the log. `act` does both
at once, for acts that write nothing else.

Whoever may read the request can read an act's evidence, body and all. What only one side may know
is therefore no act on the request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from coordinator.domain.actor import COORDINATOR, Actor, ActorKind
from coordinator.domain.freeze_request import Action, Ratification, State, next_status
from coordinator.services.core.unit_of_work import About, Recorded, UnitOfWork
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, EvidenceKind, LegStatus, RequestStatus


class NewAct(NamedTuple):
    """What an act is stored as.

    Attributes:
        decision: `approve` or `reject` where it decides on the request itself.
        context_sha256: The hash of the decision context, where somebody decides or will.
        remainder_sha256: The hash of what goes out, where an approval leaves addresses out.
    """

    kind: str
    decision: str | None = None
    context_sha256: str | None = None
    remainder_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who acts, the request as it was read, and the transaction under way."""

    uow: UnitOfWork
    actor: Actor
    request: FreezeRequestRow

    @property
    def key(self) -> DocumentKey:
        """The data key that seals what belongs to the request."""
        return self.uow.key(self.request.document_key_id)

    def on_request(self) -> "RequestContext":
        """Return this: what is about a request or one of its legs asks both alike."""
        return self

    def on_leg(self, leg: LegRow) -> "LegContext":
        """Return this context for one of the request's legs."""
        return LegContext(self.uow, self.actor, self.request, leg)

    @property
    def ratification(self) -> Ratification:
        """How the request stands with the leads of its requester."""
        return store.ratification(self.request)

    def after(self, action: Action) -> State:
        """Return the state after an action.

        Raises:
            InvalidTransitionError: If the request as it is does not take it.
        """
        status = RequestStatus(self.request.status)
        return next_status(status, action, ratification=self.ratification)

    def move(self, after: State, **values: Any) -> "RequestContext":
        """Write a new state to the request, and more; returns the context as `change` does.

        Raises:
            ConflictError: If somebody changed the request meanwhile.
        """
        status, ratification = after
        values = {
            "status": status,
            "provisional": ratification is Ratification.PROVISIONAL,
            **values,
        }
        if ratification is not Ratification.UNRATIFIED:
            values["unratified_until"] = None
        return self.change(**values)

    def change(self, **values: Any) -> "RequestContext":
        """Write new values to the request; returns the context with the request as it is now.

        Raises:
            ConflictError: If somebody changed the request meanwhile.
        """
        return replace(self, request=store.change(self.uow.connection, self.request, **values))

    def store_act(self, act: NewAct) -> str:
        """Store an act on the request and its evidence; returns its id (`act_…`)."""
        return _store(self, act, leg_id=None)

    def record(
        self, event: EventType, data: Mapping[str, object], *, act_id: str | None = None
    ) -> Recorded:
        """Record an event for the requester.

        Args:
            event: As on the wire.
            data: Members in addition to those that every such event has.
            act_id: The act that it tells of; its row points to the event's leaf.
        """
        request = self.request
        told = {
            "sequence": self.uow.next_request_sequence(request),
            "status": request.status,
            "by": self.actor.subject,
            **_proof(act_id),
            **data,
        }
        recorded = _record(self, event, told, [request.requester])
        if act_id is not None:
            self.uow.set_leaf(ActRow, act_id, recorded)
        return recorded

    def tell_partner(
        self, leg: LegRow | NewLeg, event: EventType, data: Mapping[str, object]
    ) -> Recorded:
        """Record an event for the partner of a leg alone; `data` has the leg's status."""
        return _record(self, event, data, [leg.partner], leg)

    def act(
        self, act: NewAct, event: EventType, data: Mapping[str, object]
    ) -> tuple[str, Recorded]:
        """Store an act and tell the requester of it; returns its id and the event."""
        act_id = self.store_act(act)
        return act_id, self.record(event, data, act_id=act_id)


@dataclass(frozen=True, slots=True)
class LegContext:
    """Who acts, the request and the leg as they were read, and the transaction under way."""

    uow: UnitOfWork
    actor: Actor
    request: FreezeRequestRow
    leg: LegRow

    @property
    def key(self) -> DocumentKey:
        """The data key that seals what belongs to the request."""
        return self.uow.key(self.request.document_key_id)

    def on_request(self) -> RequestContext:
        """Return the same for the request as a whole."""
        return RequestContext(self.uow, self.actor, self.request)

    def by(self, actor: Actor) -> "LegContext":
        """Return this context for another actor."""
        return replace(self, actor=actor)

    def store_act(self, act: NewAct) -> str:
        """Store an act on the leg and its evidence; returns its id (`act_…`)."""
        return _store(self, act, leg_id=self.leg.id)

    def record(
        self,
        event: EventType,
        data: Mapping[str, object],
        *,
        status: LegStatus | None = None,
        act_id: str | None = None,
    ) -> Recorded:
        """Record an event for the requester and the leg's partner.

        Args:
            event: As on the wire.
            data: Members in addition to those that every such event has.
            status: How the leg shows now; None: as it was read.
            act_id: The act that it tells of; its row points to the event's leaf.
        """
        shown = self.leg.status if status is None else status.value
        told = {"status": shown, "by": self.actor.subject, **_proof(act_id), **data}
        both = [self.request.requester, self.leg.partner]
        recorded = _record(self, event, told, both, self.leg)
        if act_id is not None:
            self.uow.set_leaf(ActRow, act_id, recorded)
        return recorded


def _record(
    on: RequestContext | LegContext,
    event: EventType,
    data: Mapping[str, object],
    audience: Sequence[str],
    leg: LegRow | NewLeg | None = None,
) -> Recorded:
    request = on.request
    common = {
        "requester": request.requester,
        **drill_mark(request),
        "content_sha256": request.content_sha256,
        "tlp": request.tlp,
    }
    recorded = on.uow.record(
        event,
        {**common, **data},
        key=on.key,
        audience=audience,
        about=About(request.id, request.urgency, leg),
    )
    if leg is not None and event in _CHANGING_FLAGS and not request.drill:
        recorded.flags_of = (leg.partner,)
    return recorded


#: What a partner is told of that changes what it screens for.
_CHANGING_FLAGS = frozenset(
    {
        EventType.REQUEST_RECEIVED,
        EventType.REQUEST_RATIFIED,
        EventType.REQUEST_WITHDRAWN,
        EventType.REQUEST_CLOSED,
        EventType.REQUEST_FLAGS_RENEWED,
        EventType.LEG_CONTESTED,
    }
)


def drill_mark(request: FreezeRequestRow) -> dict[str, bool]:
    """Return how an event says that its request is a drill; nothing where it is real."""
    return {"drill": True} if request.drill else {}


def _proof(act_id: str | None) -> dict[str, str]:
    return {} if act_id is None else {"act_id": act_id}


def _store(on: RequestContext | LegContext, act: NewAct, *, leg_id: str | None) -> str:
    """Store an act and its evidence.

    The coordinator's own acts (timers, transport) say so; all others carry a token and its body.
    """
    uow, actor = on.uow, on.actor
    row = _row(uow, actor, act, request_id=on.request.id, leg_id=leg_id)
    store.insert_acts(uow.connection, [row])
    act_id = str(row["id"])
    if actor.kind is not ActorKind.COORDINATOR:
        uow.seal_evidence(on.key, act_id)
    return act_id


def store_own_acts(uow: UnitOfWork, kind: str, legs: Sequence[LegRow]) -> list[str]:
    """Store the same act of the coordinator's own for many legs; returns their ids in order."""
    acts = [
        _row(uow, COORDINATOR, NewAct(kind), request_id=leg.request_id, leg_id=leg.id)
        for leg in legs
    ]
    store.insert_acts(uow.connection, acts)
    return [str(act["id"]) for act in acts]


def _row(
    uow: UnitOfWork, actor: Actor, act: NewAct, *, request_id: str, leg_id: str | None
) -> dict[str, object]:
    is_own = actor.kind is ActorKind.COORDINATOR
    return {
        "id": new_id("act"),
        "request_id": request_id,
        "leg_id": leg_id,
        "evidence_kind": EvidenceKind.COORDINATOR if is_own else uow.evidence.kind,
        "partner": None if is_own else actor.partner,
        "subject": None if is_own else actor.subject,
        "person": None if is_own else actor.person,
        "kid": None if is_own else actor.kid,
        **act._asdict(),
        "at": uow.now,
        "leaf_index": None,
    }

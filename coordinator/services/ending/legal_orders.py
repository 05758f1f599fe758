"""Legal orders: attached by an authority that requested, or by the partner that holds.

An order changes no hold: only the partner that holds makes a voluntary hold a legal one, by its own
signed extension with basis `legal_order`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.encumbrance import EncumbranceAct, next_status
from coordinator.domain.errors import (
    ConflictError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, sent_request
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.answer_clocks import give_time_for_order, new_answer_by
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.restoring.returns_in_the_way import review_contested
from coordinator.storage.ending import legal_orders as store
from coordinator.storage.engine.documents import Vault
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.life_cycle import LegalOrderRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, PartnerKind, RequestStatus

_WENT_OUT = ENDED | {RequestStatus.ACTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachLegalOrder:
    """An authority that requested, or the partner that holds, attaches an order."""

    request_id: str
    body: payloads.LegalOrder


class LegalOrderView(TypedDict):
    """An order as whoever attached it names it (`life_cycle_views.LegalOrderView`)."""

    id: str
    request_id: str
    leg_id: str | None
    partner: str
    act_id: str
    hold: str | None
    agency: str | None
    reference: str | None
    document_sha256: str | None
    attached_at: str


@handles(AttachLegalOrder, needs=Permission.LEGAL_ORDER_ATTACH)
def attach(command: AttachLegalOrder, actor: Actor, uow: UnitOfWork) -> Answer:
    """Tell the requester of an order, and the leg that it concerns.

    An order that names no hold concerns every leg. The same order again is the same entry, and
    nobody is told of it twice. The first one on a leg gives its desk the time that it takes for
    orders.
    """
    body = command.body
    on = _target(command, actor, uow)
    known = _attached_before(on, body)
    if known is not None:
        return Answer(200, known)
    act_id = on.store_act(NewAct("legal_order"))
    moved = _give_time(on)
    order = store.insert_order(
        uow.connection,
        id=new_id("ord"),
        request_id=on.request.id,
        leg_id=on.leg.id if isinstance(on, LegContext) else None,
        partner=actor.partner,
        act_id=act_id,
        document_sha256=body.document_sha256,
        attached_at=uow.now,
        status=next_status(None, EncumbranceAct.ATTACH).value,
    )
    words = {"agency": body.agency, "reference": body.reference, "hold": body.hold}
    told = {
        "legal_order": order.id,
        "attached_by": actor.partner,
        "document_sha256": body.document_sha256,
        **words,
        "evidence": proofs_of(on.on_request(), [act_id]),
    }
    if isinstance(on, RequestContext):
        on = on.change(on_order=True)
        recorded = on.record(EventType.LEG_LEGAL_ORDER, told, act_id=act_id)
        _tell_all(on, {"by": actor.subject, "act_id": act_id, **told}, moved)
        for leg in all_legs(uow, on.request.id):
            review_contested(on.on_leg(leg), None)
    else:
        times = new_answer_by(moved, on.leg)
        recorded = on.record(EventType.LEG_LEGAL_ORDER, {**told, **times}, act_id=act_id)
        review_contested(on, body.hold)
    return Answer(201, _view(order, words), entry=recorded)


def _attached_before(
    on: RequestContext | LegContext, body: payloads.LegalOrder
) -> LegalOrderView | None:
    """Return the same order as its partner attached it before, to the same leg or hold."""
    uow = on.uow
    rows = store.same_document(
        uow.connection,
        on.request.id,
        leg_id=on.leg.id if isinstance(on, LegContext) else None,
        partner=on.actor.partner,
        document_sha256=body.document_sha256,
    )
    said = (body.agency, body.reference, body.hold)
    for view in legal_order_views(uow.connection, uow.vault, rows):
        if (view["agency"], view["reference"], view["hold"]) == said:
            return view
    return None


def _target(
    command: AttachLegalOrder, actor: Actor, uow: UnitOfWork
) -> RequestContext | LegContext:
    """Return the leg that the order is about, or the request where it is about all of them."""
    body = command.body
    found = request_store.get(uow.connection, command.request_id)
    if found is None or found.requester != actor.partner:
        on_leg = asked_leg(uow, actor, command.request_id, body.content_sha256)
        _require_holding(on_leg, body.hold)
        return on_leg
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
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
    return on if body.hold is None else on.on_leg(_leg_of_hold(on, body.hold))


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


def _give_time(on: RequestContext | LegContext) -> dict[str, datetime]:
    """Let legs answer by their clocks for orders where this is the first order that they have."""
    if isinstance(on, RequestContext):
        return give_time_for_order(on, all_legs(on.uow, on.request.id))
    if store.of_leg(on.uow.connection, on.leg):
        return {}
    return give_time_for_order(on.on_request(), [on.leg])


def _tell_all(
    on: RequestContext, data: Mapping[str, object], moved: Mapping[str, datetime]
) -> None:
    """Tell every partner asked of an order that is about all legs, and until when it answers."""
    for leg in all_legs(on.uow, on.request.id):
        told = {**data, "status": leg.status, **new_answer_by(moved, leg)}
        on.tell_partner(leg, EventType.LEG_LEGAL_ORDER, told)


def legal_order_views(
    connection: Connection, vault: Vault, rows: Sequence[LegalOrderRow]
) -> list[LegalOrderView]:
    """Return orders with the words of their signed acts."""
    bodies = evidence_bodies(connection, vault, [row.act_id for row in rows])
    return [_view(row, bodies.get(row.act_id, {})) for row in rows]


def _view(row: LegalOrderRow, sent: JsonObject) -> LegalOrderView:
    """Return one order; `sent` is the body that was signed."""
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "document_sha256": row.document_sha256,
        "attached_at": format_time(row.attached_at),
        "agency": sent.get("agency"),
        "reference": sent.get("reference"),
        "hold": sent.get("hold"),
    }

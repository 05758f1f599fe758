"""Legal orders: attached by an authority that requested, or by the partner that holds.

An order changes no hold: only the partner that holds makes a voluntary hold a legal one, by its own
signed extension with basis `legal_order`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    ConflictError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.permission import Permission
from coordinator.services.access import asked_leg, sent_request
from coordinator.services.acts import store_act
from coordinator.services.bus import handles
from coordinator.services.endings import all_legs
from coordinator.services.freeze_request_views import evidence_bodies
from coordinator.services.legs import load_books, record_leg_event
from coordinator.services.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.storage import freeze_requests as request_store
from coordinator.storage import hold_clocks
from coordinator.storage import legal_orders as store
from coordinator.storage.documents import Vault
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus, PartnerKind, RequestStatus

_WENT_OUT = ENDED | {RequestStatus.ACTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachLegalOrder:
    """An authority that requested, or the partner that holds, attaches an order."""

    request_id: str
    body: payloads.LegalOrder


@handles(AttachLegalOrder, needs=Permission.LEGAL_ORDER_ATTACH)
def attach(command: AttachLegalOrder, actor: Actor, uow: UnitOfWork) -> Answer:
    """Show an order to the requester and to the leg that it concerns.

    About no hold: to every leg.
    """
    body = command.body
    request, leg = _target(command, actor, uow)
    key = uow.key(request.document_key_id)
    act_id = store_act(uow, actor, "legal_order", request.id, key, leg=leg)
    order = {
        "id": new_id("ord"),
        "request_id": request.id,
        "leg_id": None if leg is None else leg.id,
        "partner": actor.partner,
        "act_id": act_id,
        "document_sha256": body.document_sha256,
        "attached_at": uow.now,
    }
    store.insert_order(uow.connection, **order)
    words = {"agency": body.agency, "reference": body.reference, "hold": body.hold}
    told = {
        "act_id": act_id,
        "legal_order": order["id"],
        "attached_by": actor.partner,
        "document_sha256": body.document_sha256,
        **words,
    }
    recorded = _tell(uow, actor, request, leg, told)
    uow.set_leaf(ActRow, act_id, recorded)
    answer = {**order, **words, "attached_at": format_time(uow.now)}
    return Answer(201, answer, entry=recorded)


def _target(
    command: AttachLegalOrder, actor: Actor, uow: UnitOfWork
) -> tuple[Row[Any], Row[Any] | None]:
    """Return the request, and the leg that the order is about; None: about all of them."""
    body = command.body
    found = request_store.get(uow.connection, command.request_id)
    if found is None or found.requester != actor.partner:
        request, leg = asked_leg(uow, actor, command.request_id, body.content_sha256)
        _require_holding(uow, leg, body.hold)
        return request, leg
    request = sent_request(uow, actor, command.request_id, body.content_sha256)
    if actor.partner_kind is not PartnerKind.LAW_ENFORCEMENT:
        raise PermissionDeniedError(
            "an order is attached by the authority that requested, or by the partner that holds; "
            "name it in `legal.order` of your request instead"
        )
    if RequestStatus(request.status) not in _WENT_OUT:
        raise InvalidTransitionError(
            f"the request is {request.status}; an order is attached once it went out",
            current_status=request.status,
        )
    return request, None if body.hold is None else _leg_of_hold(uow, request, body.hold)


def _require_holding(uow: UnitOfWork, leg: Row[Any], hold_id: str | None) -> None:
    holds = {hold.id: hold for _, hold in load_books(uow, leg).linked()}
    if hold_id is not None and hold_id not in holds:
        raise NotFoundError("you have no such hold on this request", code="no_such_hold")
    meant = holds.values() if hold_id is None else (holds[hold_id],)
    if not any(hold.is_open for hold in meant):
        raise ConflictError(
            "you hold nothing that this order could be about; freeze first, or name another hold",
            code="nothing_held",
            current_status=leg.status,
        )


def _leg_of_hold(uow: UnitOfWork, request: Row[Any], hold_id: str) -> Row[Any]:
    legs = hold_clocks.linked_legs(uow.connection, hold_id)
    leg = next((leg for leg in legs if leg.request_id == request.id), None)
    if leg is None:
        raise NotFoundError("there is no such hold on this request", code="no_such_hold")
    return leg


def _tell(
    uow: UnitOfWork, actor: Actor, request: Row[Any], leg: Row[Any] | None, data: dict[str, Any]
) -> Recorded:
    if leg is not None:
        status = LegStatus(leg.status)
        event = EventType.LEG_LEGAL_ORDER
        return record_leg_event(uow, event, actor, request, leg, status, data)
    own = {
        "requester": request.requester,
        "by": actor.subject,
        "content_sha256": request.content_sha256,
        **data,
    }
    key = uow.key(request.document_key_id)
    recorded = uow.record(
        EventType.LEG_LEGAL_ORDER,
        {**own, "status": request.status, "sequence": uow.next_request_sequence(request)},
        key=key,
        audience=[request.requester],
        request_id=request.id,
        urgency=request.urgency,
    )
    for each in all_legs(uow, request.id):
        uow.record(
            EventType.LEG_LEGAL_ORDER,
            {**own, "status": each.status},
            key=key,
            audience=[each.partner],
            request_id=request.id,
            leg=each,
            urgency=request.urgency,
        )
    return recorded


def legal_order_views(
    connection: Connection, vault: Vault, rows: Sequence[Row[Any]]
) -> list[dict[str, Any]]:
    """Return orders with the words of their signed acts (`life_cycle_views.LegalOrderView`)."""
    bodies = evidence_bodies(connection, vault, [row.act_id for row in rows])
    return [
        {
            "id": row.id,
            "request_id": row.request_id,
            "leg_id": row.leg_id,
            "partner": row.partner,
            "act_id": row.act_id,
            "document_sha256": row.document_sha256,
            "attached_at": format_time(row.attached_at),
            **{n: bodies.get(row.act_id, {}).get(n) for n in ("agency", "reference", "hold")},
        }
        for row in rows
    ]

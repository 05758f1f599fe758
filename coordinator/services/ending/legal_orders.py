"""Legal orders: attached by an authority that requested, or by the partner that holds.

An order blocks, until it is lifted, what somebody would agree to (`restoring.encumbrances`), and
changes no hold: only the partner that holds makes a voluntary hold a legal one, by its own
signed extension with basis `legal_order`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.encumbrance import BLOCKING, EncumbranceAct, next_status
from coordinator.domain.errors import ConflictError, NotFoundError, PermissionDeniedError
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.answer_clocks import give_time_for_order, new_answer_by
from coordinator.services.requests.freeze_request_views import (
    evidence_bodies,
    exact_bodies,
)
from coordinator.services.restoring.returns_in_the_way import review_contested
from coordinator.services.restoring.targets import (
    attaching_context,
    concerns,
    own_context,
    require_ahead,
    require_past,
)
from coordinator.storage.ending import legal_orders as store
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.restoring.encumbrances import get as get_restraint
from coordinator.storage.tables.life_cycle import LegalOrderRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import (
    CallBackOutcome,
    EncumbranceStatus,
    EventType,
    NumberSource,
    Verification,
)

_WORDS = ("agency", "reference", "hold", "officer", "entity", "verification", "call_back")
_NOBODY: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachLegalOrder:
    """An authority that requested, or the partner that holds, attaches an order."""

    request_id: str
    body: payloads.LegalOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """A member that reads an order called the authority back itself."""

    request_id: str
    legal_order_id: str
    body: payloads.OrderCallBack


class CallBackRecord(TypedDict):
    """That whoever attached it called back (`life_cycle_payloads.CallBackRecord`)."""

    at: str
    number_from: NumberSource


class CallBackCounts(TypedDict):
    """How many members called back (`life_cycle_views.CallBackCounts`)."""

    confirmed: int
    not_confirmed: int


class LegalOrderView(TypedDict):
    """An order as whoever attached it names it (`life_cycle_views.LegalOrderView`)."""

    id: str
    request_id: str
    leg_id: str | None
    partner: str
    act_id: str
    act_sha256: str | None
    hold: str | None
    agency: str | None
    reference: str | None
    document_sha256: str | None
    officer: str | None
    entity: str | None
    verification: Verification | None
    call_back: CallBackRecord | None
    called_back: CallBackCounts
    attached_at: str
    order_status: EncumbranceStatus
    review_at: str | None
    lifted_at: str | None
    lift_act_id: str | None
    lift_document_sha256: str | None


@handles(AttachLegalOrder, needs=Permission.LEGAL_ORDER_ATTACH)
def attach(command: AttachLegalOrder, actor: Actor, uow: UnitOfWork) -> Answer:
    """Tell the requester of an order, and the leg that it concerns.

    An order that names no hold concerns every leg. The same order again is the same entry, and
    nobody is told of it twice. The first one on a leg gives its desk the time that it takes for
    orders.
    """
    body = command.body
    on = attaching_context(uow, actor, command.request_id, body, body.hold)
    require_ahead(body.freeze_until, uow.now, "/freeze_until")
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
        review_at=body.freeze_until,
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
        for leg in all_legs(uow, on.request.id):
            review_contested(on.on_leg(leg), None)
    else:
        times = new_answer_by(moved, on.leg)
        recorded = on.record(EventType.LEG_LEGAL_ORDER, {**told, **times}, act_id=act_id)
        review_contested(on, body.hold)
    return Answer(201, _view(order, uow.evidence.body, None, _NOBODY), entry=recorded)


@handles(CallBack, needs=Permission.LEGAL_ORDER_CALL_BACK)
def call_back(command: CallBack, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store what a member heard when it called the authority back; each says so once.

    Others are shown how many did, the requester by whom. It changes nothing by itself: what it
    means for a hold is for whoever holds to decide.
    """
    body = command.body
    own = own_context(uow, actor, command.request_id, body)
    row = get_restraint(uow.connection, LegalOrderRow, command.legal_order_id)
    if row is None or not concerns(own, row):
        raise NotFoundError("there is no such order on this request", code="no_such_order")
    if row.partner == actor.partner:
        raise PermissionDeniedError(
            "you attached this order: your own call-back stands in it; others call for themselves"
        )
    if EncumbranceStatus(row.status) not in BLOCKING:
        raise ConflictError(
            "this order is lifted: there is nothing to call about any more",
            code="already_lifted",
            current_status=row.status,
        )
    require_past(body.at, uow.now, "/at")
    if store.has_called_back(uow.connection, row.id, actor.partner):
        raise ConflictError("you called back about this order already", code="already_called_back")
    leg = None if row.leg_id is None else leg_store.get(uow.connection, row.leg_id)
    on = own if leg is None else own.on_request().on_leg(leg)
    act_id = on.store_act(NewAct("call_back"))
    store.insert_call_back(
        uow.connection,
        legal_order_id=row.id,
        partner=actor.partner,
        act_id=act_id,
        outcome=body.outcome.value,
        at=uow.now,
    )
    shown = legal_order_views(uow.connection, uow.vault, [row])[0]
    told = {
        "legal_order": row.id,
        "hold": shown["hold"],
        "outcome": body.outcome.value,
        "called_at": format_time(body.at),
    }
    recorded = on.record(EventType.LEG_LEGAL_ORDER_CALLED_BACK, told, act_id=act_id)
    return Answer(201, shown, entry=recorded)


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
    standing = [row for row in rows if EncumbranceStatus(row.status) in BLOCKING]
    bodies = evidence_bodies(uow.connection, uow.vault, [row.act_id for row in standing])
    said = _said(body)
    for row in standing:
        if {name: bodies.get(row.act_id, {}).get(name) for name in said} == said:
            return legal_order_views(uow.connection, uow.vault, [row])[0]
    return None


def _said(body: payloads.LegalOrder) -> JsonObject:
    """Return the words of an order, beside its request."""
    said: JsonObject = body.model_dump(mode="json")
    return {name: said[name] for name in _WORDS}


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
    acts = [act for row in rows for act in (row.act_id, row.lift_act_id) if act is not None]
    bodies = exact_bodies(connection, vault, acts)
    called = store.call_backs(connection, [row.id for row in rows])
    return [
        _view(
            row,
            bodies.get(row.act_id),
            bodies.get(row.lift_act_id or ""),
            called.get(row.id, _NOBODY),
        )
        for row in rows
    ]


def _view(
    row: LegalOrderRow, body: bytes | None, lift_body: bytes | None, called: Mapping[str, int]
) -> LegalOrderView:
    """Return one order, with the bodies that were signed; None: erased, or not lifted."""
    sent: JsonObject = {} if body is None else strict_json.loads(body)
    lifted: JsonObject = {} if lift_body is None else strict_json.loads(lift_body)
    verified = sent.get("verification")
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "act_sha256": None if body is None else sha256(body).hexdigest(),
        "document_sha256": row.document_sha256,
        "attached_at": format_time(row.attached_at),
        "agency": sent.get("agency"),
        "reference": sent.get("reference"),
        "hold": sent.get("hold"),
        "officer": sent.get("officer"),
        "entity": sent.get("entity"),
        "verification": None if verified is None else Verification(verified),
        "call_back": _record(sent.get("call_back")),
        "called_back": {
            "confirmed": called.get(CallBackOutcome.CONFIRMED.value, 0),
            "not_confirmed": called.get(CallBackOutcome.NOT_CONFIRMED.value, 0),
        },
        "order_status": EncumbranceStatus(row.status),
        "review_at": optional_time(row.review_at),
        "lifted_at": optional_time(row.lifted_at),
        "lift_act_id": row.lift_act_id,
        "lift_document_sha256": lifted.get("document_sha256"),
    }


def _record(said: JsonObject | None) -> CallBackRecord | None:
    if said is None:
        return None
    return {"at": said["at"], "number_from": NumberSource(said["number_from"])}

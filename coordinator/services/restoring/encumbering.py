"""A third party's claim is attached to a hold: by the partner that holds, or by an authority."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.encumbrance import TARGET_KINDS, EncumbranceAct, HoldTarget, next_status
from coordinator.domain.errors import ConflictError, FieldFault
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import LegContext, NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import exact_bodies
from coordinator.services.requests.gateways import untold_legs
from coordinator.services.restoring.returns_in_the_way import review_contested
from coordinator.services.restoring.targets import leg_of_hold, require_ahead
from coordinator.storage.engine.documents import Vault
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.restoring import encumbrances as store
from coordinator.storage.tables.encumbrances import EncumbranceRow
from holdfast.protocol import strict_json
from holdfast.protocol.life_cycle_payloads import Encumbrance
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Blocked, EncumbranceKind, EncumbranceStatus, EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Encumber:
    """The partner that holds, or an authority on its case, attaches a claim to a hold."""

    request_id: str
    body: Encumbrance


class EncumbranceView(TypedDict):
    """A claim on a hold (`life_cycle_views.EncumbranceView`)."""

    id: str
    request_id: str
    leg_id: str | None
    partner: str
    act_id: str
    act_sha256: str | None
    kind: EncumbranceKind
    hold: str | None
    asset: str | None
    amount: str | None
    blocks: list[Blocked]
    order_sha256: str
    court: str | None
    number: str | None
    attached_at: str
    encumbrance_status: EncumbranceStatus
    review_at: str | None
    lifted_at: str | None
    lift_act_id: str | None
    lift_document_sha256: str | None


@handles(Encumber, needs=Permission.ENCUMBRANCE_ATTACH)
def encumber(command: Encumber, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a claim on a hold, whichever requests share it, and tell both sides.

    The same order on the same hold, in the same words, is the same entry; in other words it is
    refused while the first one stands.
    """
    body = command.body
    on = leg_of_hold(uow, actor, command.request_id, body, body.hold)
    require_ahead(body.review_at, uow.now, "/review_at")
    if on.request.drill:
        raise ConflictError(
            "a drill holds nothing that anybody could claim: a court's order is attached to the"
            " request that it is about",
            code="drill",
            current_status=on.request.status,
        )
    _require_tellable(on, body)
    known = _attached_before(on, body)
    if known is not None:
        return Answer(200, known)
    act_id = on.store_act(NewAct("encumber"))
    row = store.insert_encumbrance(
        uow.connection,
        id=new_id("enc"),
        request_id=on.request.id,
        leg_id=on.leg.id,
        target_kind=TARGET_KINDS[HoldTarget],
        target_id=body.hold,
        partner=actor.partner,
        kind=body.kind.value,
        amount=None if body.amount is None else int(body.amount),
        blocks=" ".join(sorted(body.blocks)),
        order_sha256=body.order_sha256,
        act_id=act_id,
        attached_at=uow.now,
        status=next_status(None, EncumbranceAct.ATTACH).value,
        review_at=body.review_at,
    )
    told = {
        "encumbrance": row.id,
        "hold": body.hold,
        "attached_by": actor.partner,
        "kind": row.kind,
        "amount": body.amount,
        "blocks": row.blocks.split(),
        "order_sha256": row.order_sha256,
        "review_at": optional_time(row.review_at),
        "evidence": proofs_of(on.on_request(), [act_id]),
    }
    recorded = on.record(EventType.HOLD_ENCUMBERED, told, act_id=act_id)
    review_contested(on, body.hold)
    view = _view(row, uow.evidence.body, None, _assets(uow.connection, [row]))
    return Answer(201, view, entry=recorded)


def _require_tellable(on: LegContext, body: Encumbrance) -> None:
    """Refuse an amount of the partner that holds where its requester may not be told any.

    Raises:
        ConflictError: If no gateway is shared on the leg.
    """
    uow = on.uow
    if body.amount is None or on.actor.partner != on.leg.partner:
        return
    if untold_legs(uow.connection, uow.policies, uow.now, [on.leg.id]):
        detail = (
            f"must be left out: {on.request.requester} and your organisation have no verified"
            " gateway in common for this request, so amounts are not told. Without one the claim"
            " is on all that is there"
        )
        raise ConflictError(
            f"the amount {detail}",
            code="no_shared_gateway",
            errors=[FieldFault("/amount", detail, "no_shared_gateway")],
        )


def _attached_before(on: LegContext, body: Encumbrance) -> EncumbranceView | None:
    """Return the same claim as its partner attached it before, and it was not lifted.

    Raises:
        ConflictError: If the order was attached in other words.
    """
    uow = on.uow
    target = HoldTarget(body.hold)
    rows = [
        row
        for row in store.on_targets(uow.connection, [target])
        if (row.partner, row.order_sha256) == (on.actor.partner, body.order_sha256)
    ]
    said = (body.kind, body.amount, sorted(body.blocks), body.court, body.number)
    for view in encumbrance_views(uow.connection, uow.vault, rows):
        words = (view["kind"], view["amount"], sorted(view["blocks"]))
        if (*words, view["court"], view["number"]) == said:
            return view
        raise ConflictError(
            f"this order lies on the hold already, otherwise ({view['id']}): lift that one first,"
            " or attach another order",
            code="already_attached",
            current_status=on.leg.status,
        )
    return None


def encumbrance_views(
    connection: Connection, vault: Vault, rows: Sequence[EncumbranceRow]
) -> list[EncumbranceView]:
    """Return claims with the words of their signed acts."""
    acts = [act for row in rows for act in (row.act_id, row.lift_act_id) if act is not None]
    bodies = exact_bodies(connection, vault, acts)
    assets = _assets(connection, rows)
    return [
        _view(row, bodies.get(row.act_id), bodies.get(row.lift_act_id or ""), assets)
        for row in rows
    ]


def _assets(connection: Connection, rows: Sequence[EncumbranceRow]) -> Mapping[str, str]:
    kind = TARGET_KINDS[HoldTarget]
    return hold_clocks.assets_of(
        connection, sorted({row.target_id for row in rows if row.target_kind == kind})
    )


def _view(
    row: EncumbranceRow, body: bytes | None, lift_body: bytes | None, assets: Mapping[str, str]
) -> EncumbranceView:
    """Return one claim, with the bodies that were signed; None: erased, or not lifted."""
    said: JsonObject = {} if body is None else strict_json.loads(body)
    lifted: JsonObject = {} if lift_body is None else strict_json.loads(lift_body)
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "act_sha256": None if body is None else sha256(body).hexdigest(),
        "kind": EncumbranceKind(row.kind),
        "hold": row.target_id if row.target_kind == TARGET_KINDS[HoldTarget] else None,
        "asset": assets.get(row.target_id),
        "amount": None if row.amount is None else str(row.amount),
        "blocks": [Blocked(word) for word in row.blocks.split()],
        "order_sha256": row.order_sha256,
        "court": said.get("court"),
        "number": said.get("number"),
        "attached_at": format_time(row.attached_at),
        "encumbrance_status": EncumbranceStatus(row.status),
        "review_at": optional_time(row.review_at),
        "lifted_at": optional_time(row.lifted_at),
        "lift_act_id": row.lift_act_id,
        "lift_document_sha256": lifted.get("document_sha256"),
    }

"""Indemnities: the requester signs that it makes good what a wrong freeze costs.

That the document offers one says only that it may be had. This is it: with a cap, a law and an end,
by a person who answers for the money, to all partners asked or to one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.requests.notices import proof_of_this_act
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import indemnities as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.life_cycle import IndemnityRow
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AssetError
from holdfast.protocol.life_cycle_payloads import IndemnityCap, IndemnityGift
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveIndemnity:
    """The requester gives an indemnity to all partners asked, or to one."""

    request_id: str
    body: IndemnityGift


class IndemnityView(TypedDict):
    """An indemnity that the requester gave (`life_cycle_views.IndemnityView`)."""

    id: str
    request_id: str
    act_id: str
    to: str | None
    cap: JsonObject | None
    law: str | None
    until: str
    document_sha256: str
    given_at: str


@handles(GiveIndemnity, needs=Permission.INDEMNITY_GIVE)
def give(command: GiveIndemnity, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an indemnity and bring it, with its proof, to those whom it is given."""
    body = command.body
    on = _target(command, actor, uow)
    if body.until <= uow.now:
        raise _fault("/until", "is past: state until when claims may be made", "end_past")
    _require_known_asset(uow.chains, body.cap)
    act_id = on.store_act(NewAct("give_indemnity"))
    given = store.insert_indemnity(
        uow.connection,
        id=new_id("ind"),
        request_id=on.request.id,
        leg_id=on.leg.id if isinstance(on, LegContext) else None,
        act_id=act_id,
        document_sha256=body.document_sha256,
        valid_until=body.until,
        given_at=uow.now,
    )
    view = _view(given, body.model_dump(mode="json"))
    words = {name: view[name] for name in ("to", "cap", "law", "until", "document_sha256")}
    told = {"indemnity": given.id, **words}
    proven = {**told, "evidence": proof_of_this_act(on, "give_indemnity", act_id)}
    if isinstance(on, LegContext):
        return Answer(201, view, entry=on.record(_GIVEN, proven, act_id=act_id))
    recorded = on.record(_GIVEN, told, act_id=act_id)
    for leg in all_legs(uow, on.request.id):
        data = {"by": actor.subject, "act_id": act_id, **proven, "status": leg.status}
        on.tell_partner(leg, _GIVEN, data)
    return Answer(201, view, entry=recorded)


_GIVEN = EventType.LEG_INDEMNITY_GIVEN


def _target(command: GiveIndemnity, actor: Actor, uow: UnitOfWork) -> RequestContext | LegContext:
    """Return the leg that it is given to, or the request where it is given to all."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    row = on.request
    on.after(Action.GIVE_INDEMNITY)
    if body.to is None:
        return on
    leg = leg_store.of_partner(uow.connection, row.id, body.to)
    if leg is None:
        raise NotFoundError(f"this request does not ask {body.to}", code="not_asked")
    return on.on_leg(leg)


def _require_known_asset(chains: Chains, cap: IndemnityCap) -> None:
    if cap.asset is None:
        return
    try:
        parse_asset(chains, cap.asset)
    except AssetError as error:
        raise _fault("/cap/asset", error.message, error.code) from None


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(
        f"{pointer.removeprefix('/')} {detail}", errors=[FieldFault(pointer, detail, code)]
    )


def indemnity_views(
    connection: Connection, vault: Vault, rows: Sequence[IndemnityRow]
) -> list[IndemnityView]:
    """Return indemnities with the words of their signed acts."""
    bodies = evidence_bodies(connection, vault, [row.act_id for row in rows])
    return [_view(row, bodies.get(row.act_id, {})) for row in rows]


def _view(row: IndemnityRow, sent: JsonObject) -> IndemnityView:
    """Return one; `sent` is the body that was signed."""
    cap = {name: word for name, word in sent.get("cap", {}).items() if word is not None}
    return {
        "id": row.id,
        "request_id": row.request_id,
        "act_id": row.act_id,
        "to": sent.get("to"),
        "cap": cap or None,
        "law": sent.get("law"),
        "until": format_time(row.valid_until),
        "document_sha256": row.document_sha256,
        "given_at": format_time(row.given_at),
    }

"""Whose word a request rests on: its requester raises it with a document, never lowers it.

It changes no hold: the partners asked are told, and each may extend what it holds by a signed act.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError
from coordinator.domain.freeze_request import Action
from coordinator.domain.hold_limits import is_higher
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.answer_clocks import give_time_for_order, new_answer_by
from coordinator.services.requests.freeze_request_views import evidence_bodies, support_of
from coordinator.services.requests.notices import proof_of_this_act
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import support as store
from coordinator.storage.tables.life_cycle import SupportRow
from holdfast.protocol.life_cycle_payloads import SupportRaise
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, Support


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseSupport:
    """The requester names a document on which its request rests from now on."""

    request_id: str
    body: SupportRaise


class SupportView(TypedDict):
    """A document that raised whose word a request rests on (`life_cycle_views.SupportView`)."""

    id: str
    request_id: str
    act_id: str
    support: Support
    document_sha256: str
    reference: str | None
    given_at: str


@handles(RaiseSupport, needs=Permission.SUPPORT_RAISE)
def raise_support(command: RaiseSupport, actor: Actor, uow: UnitOfWork) -> Answer:
    """Raise whose word the request rests on, and tell every partner asked, with the proof."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    row, before = on.request, support_of(on.request)
    on.after(Action.RAISE_SUPPORT)
    if not is_higher(body.support, than=before):
        raise ConflictError(
            f"the request rests on {before.value} already; support is only ever raised, and"
            f" {body.support.value} is no more than that",
            code="support_not_raised",
            current_status=row.status,
        )
    act_id = on.store_act(NewAct("raise_support"))
    moved = give_time_for_order(on, all_legs(uow, row.id)) if body.support is Support.ORDER else {}
    on = on.change(support=body.support)
    given = store.insert_support(
        uow.connection,
        id=new_id("sup"),
        request_id=row.id,
        act_id=act_id,
        support=body.support,
        document_sha256=body.document_sha256,
        given_at=uow.now,
    )
    told = {
        "support": body.support,
        "before": before,
        "document_sha256": body.document_sha256,
        "reference": body.reference,
    }
    recorded = on.record(EventType.REQUEST_SUPPORT_RAISED, told, act_id=act_id)
    proof = {"evidence": proof_of_this_act(on, "raise_support", act_id)}
    told_partners = {"by": actor.subject, "act_id": act_id, **told, **proof}
    for leg in all_legs(uow, row.id):
        data = {**told_partners, "status": leg.status, **new_answer_by(moved, leg)}
        on.tell_partner(leg, EventType.REQUEST_SUPPORT_RAISED, data)
    return Answer(201, _view(given, body.reference), entry=recorded)


def support_views(
    connection: Connection, vault: Vault, rows: Sequence[SupportRow]
) -> list[SupportView]:
    """Return documents with the references of their signed acts."""
    bodies = evidence_bodies(connection, vault, [row.act_id for row in rows])
    return [_view(row, bodies.get(row.act_id, {}).get("reference")) for row in rows]


def _view(row: SupportRow, reference: str | None) -> SupportView:
    return {
        "id": row.id,
        "request_id": row.request_id,
        "act_id": row.act_id,
        "support": Support(row.support),
        "document_sha256": row.document_sha256,
        "reference": reference,
        "given_at": format_time(row.given_at),
    }

"""Acts: every one is stored with what proves it."""

from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import Actor, ActorKind
from coordinator.services.unit_of_work import UnitOfWork
from coordinator.storage import freeze_requests as store
from coordinator.storage.documents import DocumentKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EvidenceKind


def store_act(  # noqa: PLR0913 - an act has that many sides
    uow: UnitOfWork,
    actor: Actor,
    kind: str,
    request_id: str,
    key: DocumentKey,
    *,
    leg: Row[Any] | None = None,
    decision: str | None = None,
    context_sha256: str | None = None,
) -> str:
    """Store an act and its evidence; returns its id (`act_…`).

    The coordinator's own acts (timers, transport) say so; all others carry a token and its body.
    """
    act_id = new_id("act")
    is_own = actor.kind is ActorKind.COORDINATOR
    store.insert_act(
        uow.connection,
        {
            "id": act_id,
            "request_id": request_id,
            "leg_id": None if leg is None else leg.id,
            "kind": kind,
            "evidence_kind": EvidenceKind.COORDINATOR if is_own else EvidenceKind.JWS,
            "partner": None if is_own else actor.partner,
            "subject": None if is_own else actor.subject,
            "person": None if is_own else actor.person,
            "kid": None if is_own else actor.kid,
            "decision": decision,
            "context_sha256": context_sha256,
            "at": uow.now,
            "leaf_index": None,
        },
    )
    if not is_own:
        if uow.evidence is None:
            raise AssertionError("no act without evidence")
        uow.seal(key, act_id, "evidence", uow.evidence.packed())
    return act_id

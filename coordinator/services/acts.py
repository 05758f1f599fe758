"""Acts: every one is stored with what proves it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import COORDINATOR, Actor, ActorKind
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
    leg_id = None if leg is None else leg.id
    act = _act(uow, actor, kind, request_id, leg_id)
    act |= {"decision": decision, "context_sha256": context_sha256}
    store.insert_acts(uow.connection, [act])
    act_id = str(act["id"])
    if actor.kind is not ActorKind.COORDINATOR:
        if uow.evidence is None:
            raise AssertionError("no act without evidence")
        uow.seal(key, act_id, "evidence", uow.evidence.packed())
    return act_id


def store_own_acts(uow: UnitOfWork, kind: str, legs: Sequence[Any]) -> list[str]:
    """Store the same act of the coordinator's own for many legs; returns their ids in order."""
    acts = [_act(uow, COORDINATOR, kind, leg.request_id, leg.id) for leg in legs]
    store.insert_acts(uow.connection, acts)
    return [str(act["id"]) for act in acts]


def _act(
    uow: UnitOfWork, actor: Actor, kind: str, request_id: str, leg_id: str | None
) -> dict[str, Any]:
    is_own = actor.kind is ActorKind.COORDINATOR
    return {
        "id": new_id("act"),
        "request_id": request_id,
        "leg_id": leg_id,
        "kind": kind,
        "evidence_kind": EvidenceKind.COORDINATOR if is_own else EvidenceKind.JWS,
        "partner": None if is_own else actor.partner,
        "subject": None if is_own else actor.subject,
        "person": None if is_own else actor.person,
        "kid": None if is_own else actor.kid,
        "decision": None,
        "context_sha256": None,
        "at": uow.now,
        "leaf_index": None,
    }

"""An act of a member about itself and no request: kept with what proves it, for its auditors."""

from typing import NamedTuple

from coordinator.domain.actor import Actor, ActorKind
from coordinator.services.core.unit_of_work import Recorded, UnitOfWork
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.membership import member_acts as store
from coordinator.storage.tables.partners import MemberActRow


class MemberAct(NamedTuple):
    """What was done.

    Attributes:
        id: Where its evidence is sealed, too.
        kind: As it is listed, e.g. "revoke".
        about: The key, the person or system, or the endpoint.
    """

    id: str
    kind: str
    about: str | None


def store_member_act(
    uow: UnitOfWork, actor: Actor, act: MemberAct, key: DocumentKey, recorded: Recorded
) -> None:
    """Store an act with its evidence; its row points to the leaf of what was recorded of it."""
    store.insert_act(
        uow.connection,
        id=act.id,
        partner=actor.partner,
        kind=act.kind,
        evidence_kind=uow.evidence.kind,
        subject=None if actor.kind is ActorKind.ROOT else actor.subject,
        kid=actor.kid,
        about=act.about,
        at=uow.now,
        leaf_index=None,
    )
    uow.seal_evidence(key, act.id)
    uow.set_leaf(MemberActRow, act.id, recorded)

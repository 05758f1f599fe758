"""Disputes about what is not held any more: nothing is left to contest, so they are over."""

from typing import Any

from sqlalchemy import Row

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.leg import LegFlag
from coordinator.services.acts import store_act
from coordinator.services.legs import LegBooks, contested, record_leg_event
from coordinator.services.unit_of_work import Recorded, UnitOfWork
from coordinator.storage import disputes as store
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol.vocabulary import EventType, LegStatus

MOOT = "moot"


def end_moot(
    uow: UnitOfWork, request: Row[Any], leg: Row[Any], books: LegBooks, status: LegStatus
) -> None:
    """End the disputes of a leg about which nothing is held any more, and tell both sides.

    Call it after the leg was written (`change_leg`, which clears the flag) and after what ended the
    holds was told. Costs nothing where the leg is not disputed.

    Args:
        uow: The transaction under way.
        request: The leg's.
        leg: As read before the act.
        books: As the act leaves them.
        status: How the leg shows now.
    """
    if LegFlag.DISPUTED not in leg.flags:
        return
    for dispute in store.open_disputes(uow.connection, leg.id):
        if not contested(books, dispute.hold_id):
            resolve_as_moot(uow, request, leg, dispute, status)


def resolve_as_moot(
    uow: UnitOfWork, request: Row[Any], leg: Row[Any], dispute: Row[Any], status: LegStatus
) -> Recorded:
    """Resolve one dispute as moot; the coordinator's own act, for nobody decided anything."""
    key = uow.key(request.document_key_id)
    act_id = store_act(uow, COORDINATOR, "resolve_dispute", request.id, key, leg=leg)
    store.change(
        uow.connection,
        dispute.id,
        resolution=MOOT,
        resolution_act_id=act_id,
        resolved_at=uow.now,
    )
    data = {
        "act_id": act_id,
        "dispute": dispute.id,
        "hold": dispute.hold_id,
        "resolution": MOOT,
    }
    recorded = record_leg_event(
        uow, EventType.LEG_DISPUTE_RESOLVED, COORDINATOR, request, leg, status, data
    )
    uow.set_leaf(ActRow, act_id, recorded)
    return recorded

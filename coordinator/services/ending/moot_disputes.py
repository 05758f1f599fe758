"""Disputes about what is no longer held: there is nothing left to contest, so they end."""

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.freeze_ledger import LegLedger
from coordinator.domain.leg import LegFlag
from coordinator.services.core.acts import LegContext, NewAct
from coordinator.services.core.unit_of_work import Recorded
from coordinator.services.ending.contested import refresh_contested
from coordinator.services.ending.withdrawal_proposals import end_as_moot
from coordinator.services.restoring.returns_in_the_way import review_contested
from coordinator.storage.ending import disputes as store
from coordinator.storage.ending import withdrawal_proposals as proposals
from coordinator.storage.ending.disputes import DisputeOnLeg
from holdfast.protocol.vocabulary import EventType, LegStatus

MOOT = "moot"


def end_moot(on: LegContext, ledger: LegLedger, status: LegStatus) -> None:
    """End the disputes of a leg about which nothing is held any more, and tell both sides.

    Call it after `change_leg`, which clears the flag, and after recording what ended the holds. It
    costs nothing if nothing on the request is disputed. Other holders of what is contested are
    told, too, that it is, or no longer is.

    Args:
        on: The leg as read before the act.
        ledger: The leg's, as the act leaves it.
        status: How the leg shows now.
    """
    if LegFlag.DISPUTED in on.leg.flags:
        for dispute in store.open_disputes(on.uow.connection, on.leg.id):
            if not ledger.is_contestable(dispute.hold_id):
                resolve_as_moot(on, dispute, status)
    if on.request.contested:
        refresh_contested(on.on_request())


def resolve_as_moot(on: LegContext, dispute: DisputeOnLeg, status: LegStatus) -> Recorded:
    """Resolve one dispute as moot: an act of the coordinator's own, because nobody decided."""
    on = on.by(COORDINATOR)
    act_id = on.store_act(NewAct("resolve_dispute"))
    store.change(
        on.uow.connection,
        dispute.id,
        resolution=MOOT,
        resolution_act_id=act_id,
        resolved_at=on.uow.now,
    )
    waiting = proposals.pending_upholdings(on.uow.connection, dispute.id)
    end_as_moot(on.on_request(), waiting, act_id)
    data = {"dispute": dispute.id, "hold": dispute.hold_id, "resolution": MOOT}
    recorded = on.record(EventType.LEG_DISPUTE_RESOLVED, data, status=status, act_id=act_id)
    review_contested(on, dispute.hold_id)
    return recorded

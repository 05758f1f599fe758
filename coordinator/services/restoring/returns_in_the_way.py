"""What keeps promised money from being sent: a dispute, or a claim of somebody else on a hold.

A promise is suspended with the act that puts something in its way, and goes on with the one that
takes the last of it away.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from coordinator.domain.actor import Actor
from coordinator.domain.encumbrance import HoldTarget
from coordinator.domain.errors import ConflictError
from coordinator.domain.return_request import ReturnAction, next_status
from coordinator.services.core.access import locked_leg
from coordinator.services.core.acts import LegContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.restoring.encumbrances import blocked
from coordinator.storage.ending import disputes as dispute_store
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.restoring import return_requests as store
from coordinator.storage.tables.restoring import ReturnRequestRow
from holdfast.protocol.vocabulary import Blocked, EventType, ReturnCode, ReturnStatus


class InTheWay(NamedTuple):
    """The dispute or claim that comes first; None: nothing."""

    because: str | None
    code: str = ""
    words: str = ""

    def require_nothing(self, current_status: str) -> None:
        """Refuse where something stands in the way.

        Raises:
            ConflictError: `contested` or `encumbered`, naming it.
        """
        if self.because is not None:
            raise ConflictError(self.words, code=self.code, current_status=current_status)


_FREE = InTheWay(None)


def what_stands_in_the_way(uow: UnitOfWork, wanted: Mapping[str, int | None]) -> InTheWay:
    """Return what keeps these amounts of holds from being promised or sent.

    Args:
        uow: The transaction under way, with the holds' requests locked.
        wanted: By hold, with all that is promised of it (None: all of a withheld hold).
    """
    for hold_id in sorted(wanted):
        for leg in hold_clocks.linked_legs(uow.connection, hold_id):
            for dispute in dispute_store.open_disputes(uow.connection, leg.id):
                if dispute.hold_id in {None, hold_id}:
                    words = (
                        f"{hold_id} is contested by {dispute.id}: promise nothing of it until that"
                        " is resolved"
                    )
                    return InTheWay(dispute.id, "contested", words)
        claimed = blocked(uow, HoldTarget(hold_id), wanted[hold_id], Blocked.RETURN)
        if claimed is not None:
            claim = claimed.claims[0].id
            words = (
                f"{hold_id} is encumbered by {claim}: of it {claimed.free} base units may be"
                " returned; promise that much, or have what lies on it lifted first"
            )
            return InTheWay(claim, "encumbered", words)
    return _FREE


def review_returns(uow: UnitOfWork, actor: Actor, hold_ids: Collection[str]) -> None:
    """Suspend what something stands in the way of now, and let go on what nothing does any more.

    Call it after storing what puts something in the way, or takes it away.
    """
    for row in store.promised_on(uow.connection, hold_ids):
        parts = store.parts(uow.connection, [row.id]).get(row.id, [])
        wanted = {
            part.hold_id: None if part.accepted is None else part.left
            for part in parts
            if part.accepted is None or part.left
        }
        found = what_stands_in_the_way(uow, wanted)
        status = ReturnStatus(row.status)
        if found.because is not None and status in {ReturnStatus.ACCEPTED, ReturnStatus.PARTIAL}:
            _move(uow, actor, row, ReturnAction.SUSPEND, found.because)
        elif found.because is None and status is ReturnStatus.SUSPENDED:
            _move(uow, actor, row, ReturnAction.LIFT, None)


def review_contested(on: LegContext, hold_id: str | None) -> None:
    """Do the same after what stands on one hold of a leg, or on all of them, came or went."""
    ledger = ledger_store.load_leg(on.uow.connection, on.leg)
    named = {hold.id for _, hold in ledger.linked() if hold_id in {None, hold.id}}
    if named:
        review_returns(on.uow, on.actor, named)


def refuse_upheld(uow: UnitOfWork, actor: Actor, dispute_id: str) -> None:
    """End what is suspended by a dispute that was upheld: nothing of it is asked back any more."""
    for row in store.suspended_by(uow.connection, dispute_id):
        _move(uow, actor, row, ReturnAction.PREVAIL, dispute_id)


def _move(
    uow: UnitOfWork,
    actor: Actor,
    row: ReturnRequestRow,
    action: ReturnAction,
    because: str | None,
) -> None:
    on = locked_leg(uow, actor, row.leg_id)
    if on is None:
        raise AssertionError("a promise is about a leg")
    before = None if row.before is None else ReturnStatus(row.before)
    after = next_status(ReturnStatus(row.status), action, before=before)
    is_over = action is ReturnAction.PREVAIL
    moved = store.change(
        uow.connection,
        row,
        after,
        before=row.status if action is ReturnAction.SUSPEND else row.before,
        suspended_at=uow.now if action is ReturnAction.SUSPEND else None,
        suspended_because=because,
        code=ReturnCode.OTHER.value if is_over else row.code,
        ended_at=uow.now if is_over else None,
    )
    if not moved:
        raise ConflictError("somebody else was quicker; look again", current_status=row.status)
    event = {
        ReturnAction.SUSPEND: EventType.RETURN_SUSPENDED,
        ReturnAction.LIFT: EventType.RETURN_RESUMED,
        ReturnAction.PREVAIL: EventType.RETURN_ANSWERED,
    }[action]
    told: dict[str, object] = {
        "return_request": row.id,
        "return_status": after.value,
        "to": row.partner,
        "asset": row.asset,
        "asked_amount": "all" if row.amount is None else str(row.amount),
    }
    if because is not None:
        told["because"] = store.told_causes(uow.connection, [row.id]).get(row.id)
    if is_over:
        told |= {"code": ReturnCode.OTHER.value, "text": None, "accepted": "0", "evidence": []}
    on.record(event, told)

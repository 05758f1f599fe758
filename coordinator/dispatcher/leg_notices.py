"""Tells legs whether their notice was delivered or has failed for good."""

from collections.abc import Callable, Sequence

from coordinator.dispatcher.context import WorkerContext
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.errors import CoordinatorError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import UnitOfWork, transaction
from coordinator.services.requests.legs import MarkLegsDelivered, MarkLegUndeliverable
from coordinator.storage.delivery import deliveries as store
from coordinator.storage.delivery.deliveries import LegDue
from coordinator.storage.engine.database import Database
from coordinator.storage.tail import restored
from holdfast.protocol.vocabulary import Arrival

#: Legs told in one transaction; they share its statements, its log lock and its fsync.
LEGS_AT_ONCE = 256


def tell_legs(context: WorkerContext, *, on_commit: Callable[[], None]) -> int:
    """Tell legs that their notice was delivered or has failed for good; returns how many.

    The completion of a notice leaves `owes` on its delivery; telling the leg and clearing `owes`
    are one transaction, so a crash between the two loses nothing and doubles nothing.
    """
    told = 0
    after = ""
    while _is_leg_owed(context.database, after):
        batch: list[LegDue] = []
        try:
            with transaction(context) as uow:
                batch += store.take_legs(uow.connection, after=after, limit=LEGS_AT_ONCE)
                _tell(uow, batch)
            told += len(batch)
        except CoordinatorError:
            # One that cannot be told now must not keep the others from it.
            told += sum(_tell_alone(context, due) for due in batch)
        if not batch:
            break  # another worker is telling the rest
        after = batch[-1].delivery_id
        on_commit()
    return told


def _is_leg_owed(database: Database, after: str) -> bool:
    with database.engine.connect() as connection:
        is_owed = store.is_leg_owed(connection, after=after)
        return is_owed and restored.since(connection) is None


def _tell_alone(context: WorkerContext, due: LegDue) -> bool:
    try:
        with transaction(context) as uow:
            taken = store.take_legs(uow.connection, only=due.delivery_id, limit=1)
            _tell(uow, taken)
    except CoordinatorError:
        return False
    return bool(taken)


def _tell(uow: UnitOfWork, batch: Sequence[LegDue]) -> None:
    if not batch:
        return
    delivered = frozenset(d.leg_id for d in batch if d.owes == DeliveryStatus.DELIVERED)
    arrived = MarkLegsDelivered(leg_ids=delivered, arrival=Arrival.WEBHOOK)
    execute(arrived, COORDINATOR, uow)
    for due in batch:
        if due.owes == DeliveryStatus.DEAD and not store.is_alive_elsewhere(
            uow.connection, due.event_id, due.delivery_id
        ):
            execute(MarkLegUndeliverable(leg_id=due.leg_id), COORDINATOR, uow)
    uow.finish()

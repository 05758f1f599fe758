"""Reading counts: whoever reads a request, or its notice in the feed, has had it delivered."""

from collections.abc import Callable, Sequence

import structlog
from flask import Response
from sqlalchemy.exc import SQLAlchemyError

from coordinator.api.context import current_context
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.read_only import READ_ONLY
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.requests.legs import MarkLegsDelivered
from holdfast.protocol.vocabulary import Arrival

_log = structlog.get_logger(__name__)


def mark_delivered(leg_ids: Sequence[str], arrival: Arrival) -> None:
    """Mark notices as delivered, all in one transaction, outside of any read.

    What cannot be marked now is marked at the next read: the reader has its answer either way.
    """
    if not leg_ids:
        return
    context = current_context()
    try:
        with transaction(context) as uow:
            arrived = MarkLegsDelivered(leg_ids=frozenset(leg_ids), arrival=arrival)
            execute(arrived, COORDINATOR, uow)
            uow.finish()
    except (CoordinatorError, SQLAlchemyError) as error:
        if isinstance(error, CoordinatorError) and error.code == READ_ONLY:
            return  # as everybody is told who wants to change something
        _log.exception("mark_delivered_failed", legs=len(leg_ids))
    else:
        context.wake()


def mark_delivered_after(leg_ids: Sequence[str]) -> Callable[[Response], Response]:
    """Return what marks the notices of a request that was read as delivered.

    Call that once the answer is made and its connection is back.
    """

    def mark(response: Response) -> Response:
        mark_delivered(leg_ids, Arrival.READ)
        return response

    return mark

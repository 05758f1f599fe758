"""Reading counts: whoever reads a request, or its notice in the feed, has had it delivered."""

from collections.abc import Callable, Sequence

import structlog
from flask import Response
from sqlalchemy.exc import SQLAlchemyError

from coordinator.api.parts import parts
from coordinator.api.pipeline import run_own
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import CoordinatorError
from coordinator.services.legs import MarkLegDelivered

_log = structlog.get_logger(__name__)


def mark_delivered(leg_ids: Sequence[str]) -> None:
    """Mark notices as delivered, each in a transaction of its own, outside of any read.

    What cannot be marked now is marked at the next read: the reader has its answer either way.
    """
    own = parts()
    for leg_id in leg_ids:
        try:
            run_own(own, MarkLegDelivered(leg_id=leg_id), COORDINATOR)
        except (CoordinatorError, SQLAlchemyError):
            _log.exception("mark_delivered_failed", leg_id=leg_id)


def mark_delivered_after(leg_ids: Sequence[str]) -> Callable[[Response], Response]:
    """Return what marks notices as delivered once the answer is made and its connection is back."""

    def mark(response: Response) -> Response:
        mark_delivered(leg_ids)
        return response

    return mark

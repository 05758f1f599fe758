"""What came of a test, told in the answer to it: waited for behind the commit.

The worker sends, so the web process looks at the delivery until it has ended. It holds no
connection meanwhile, and but a part of its threads may wait; whoever comes when they all do hears
that the test is queued, and reads the delivery.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from flask import Response

from coordinator.domain.delivery import DeliveryStatus
from coordinator.services.delivery.deliveries import DeliveryView, delivery_of_event
from coordinator.storage.engine.database import Database
from holdfast.protocol import canonical_json, strict_json

#: Between two looks, in seconds.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class OutcomeWait:
    """How long, and how many at once, wait for what comes of a test.

    Attributes:
        within: The worker's deadline, and what it takes to begin.
        most: Threads that may wait.
    """

    within: timedelta
    most: int
    _places: threading.BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the places."""
        object.__setattr__(self, "_places", threading.BoundedSemaphore(self.most))

    def told(
        self, database: Database, response: Response, is_stopping: Callable[[], bool]
    ) -> Response:
        """Return the answer to a test with its delivery, as it stands when it has ended.

        Args:
            database: Where it is.
            response: What the command answered.
            is_stopping: Whether this process ends, and nobody is to wait any more.
        """
        body = strict_json.loads(response.get_data())
        look = partial(_look, database, body["id"], body["event_id"])
        view = self._wait(look, is_stopping)
        if view is None:
            return response
        ended = view["status"] != DeliveryStatus.PENDING
        told = {**body, "status": view["status"] if ended else body["status"], "delivery": view}
        response.set_data(canonical_json.dumps(told))
        return response

    def _wait(
        self, look: Callable[[], DeliveryView | None], is_stopping: Callable[[], bool]
    ) -> DeliveryView | None:
        until = time.monotonic() + self.within.total_seconds()
        if not self._places.acquire(blocking=False):
            return look()
        try:
            while True:
                view = look()
                is_open = view is not None and view["status"] == DeliveryStatus.PENDING
                if not is_open or is_stopping() or time.monotonic() >= until:
                    return view
                time.sleep(_LOOK_SECONDS)
        finally:
            self._places.release()


def _look(database: Database, endpoint_id: str, event_id: str) -> DeliveryView | None:
    with database.engine.connect() as connection:
        return delivery_of_event(connection, endpoint_id, event_id)

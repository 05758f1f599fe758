"""Queueing deliveries inside the transaction of the change; sending is the dispatcher's.

A lane is (endpoint, request). Enqueueing makes the lane if need be, and due if nothing was owed on
it; a lane that waits for a retry keeps its time.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.rows import insert_rows, send_rows
from coordinator.storage.tables.outbox import DeliveryRow, LaneRow, WebhookEndpointRow
from coordinator.storage.tail.events import NumberedEvent
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import is_chosen

#: In place of a request: the lane of the tests that an endpoint's own people ask for. It waits for
#: nothing else that the endpoint is owed, and goes first.
TEST_LANE = "test"
_TEST_PRIORITY = 0
#: Of a new delivery, in the order of its values.
DELIVERY_COLUMNS = (
    "id",
    "endpoint_id",
    "request_id",
    "seq",
    "event_id",
    "status",
    "created_at",
    "attempts",
)
#: How far the clocks of two machines may lie apart before something fresh waits for the later one.
CLOCK_ALLOWANCE = timedelta(minutes=1)
_LANE_COLUMNS = (
    "endpoint_id",
    "request_id",
    "priority",
    "due_at",
    "attempt",
    "unanswered",
    "gaps",
)
_OPEN_LANE = (
    "ON CONFLICT (endpoint_id, request_id) DO UPDATE "
    "SET due_at = COALESCE(lane.due_at, excluded.due_at)"
)
_REOPEN_LANE = (
    "ON CONFLICT (endpoint_id, request_id) DO UPDATE "
    "SET due_at = excluded.due_at, attempt = 0, tried_since = NULL, unanswered = FALSE"
)


class EnabledEndpoint(NamedTuple):
    """An endpoint that takes events, and which types (None: all)."""

    partner: str
    id: str
    event_types: list[str] | None


_ENABLED = select(
    WebhookEndpointRow.partner, WebhookEndpointRow.id, WebhookEndpointRow.event_types
).where(WebhookEndpointRow.enabled)
_EVERY_ENDPOINT = Prebuilt(_ENABLED, EnabledEndpoint)
_ENDPOINTS_OF = Prebuilt(_ENABLED, EnabledEndpoint, among=WebhookEndpointRow.partner)


@dataclass(frozen=True, slots=True)
class Route:
    """One enabled endpoint and which events it takes (None: all)."""

    endpoint_id: str
    event_types: frozenset[str] | None


Routes = dict[str, list[Route]]


def send_routes(
    connection: Connection, partners: Collection[str]
) -> Pending[EnabledEndpoint] | None:
    """Send the query for the enabled endpoints of `partners`; "*" means all endpoints."""
    if not partners:
        return None
    if "*" in partners:
        return _EVERY_ENDPOINT.send(connection)
    return _ENDPOINTS_OF.send(connection, among=sorted(partners))


def read_routes(pending: Pending[EnabledEndpoint] | None) -> Routes:
    """Read the answer of `send_routes`."""
    found: Routes = defaultdict(list)
    for partner, endpoint_id, event_types in pending.rows() if pending is not None else ():
        route = Route(endpoint_id, None if event_types is None else frozenset(event_types))
        found[partner].append(route)
        found["*"].append(route)
    return found


def enqueue(
    connection: Connection, events: Sequence[NumberedEvent], found: Routes, now: datetime
) -> None:
    """Queue a delivery of every event to every endpoint that takes it."""
    if not found:
        return
    lanes: dict[tuple[str, str], int] = {}
    deliveries = []
    for event in events:
        taking = {
            route.endpoint_id
            for partner in event.audience
            for route in found.get(partner, ())
            if _takes(route, event)
        }
        for endpoint_id in sorted(taking):
            is_test = event.only_endpoint is not None
            lane = (endpoint_id, TEST_LANE if is_test else event.request_id or "")
            priority = _TEST_PRIORITY if is_test else event.priority
            lanes[lane] = min(priority, lanes.get(lane, priority))
            deliveries.append((new_id("dlv"), *lane, event.seq, event.id, "pending", now, 0))
    if not deliveries:
        return
    open_lanes(connection, lanes, now)
    insert_rows(connection, DeliveryRow, DELIVERY_COLUMNS, deliveries)


def _takes(route: Route, event: NumberedEvent) -> bool:
    if event.only_endpoint is not None:
        return route.endpoint_id == event.only_endpoint
    return route.event_types is None or is_chosen(event.type, route.event_types)


def open_lanes(connection: Connection, lanes: dict[tuple[str, str], int], due_at: datetime) -> None:
    """Make lanes ((endpoint, request) to priority) where they are missing, and due if idle.

    Due means at once, also for a worker whose clock lags behind the clock of whoever queues.
    """
    _send_lanes(connection, lanes, due_at, _OPEN_LANE)


def reopen_lanes(
    connection: Connection, endpoint_id: str, lanes: dict[str, int], due_at: datetime
) -> None:
    """Make an endpoint's lanes (request to priority) due, also those that wait for a retry.

    The head may be another one afterwards, so its tries are counted from the start.
    """
    of_endpoint = {(endpoint_id, request_id): p for request_id, p in lanes.items()}
    _send_lanes(connection, of_endpoint, due_at, _REOPEN_LANE)


def _send_lanes(
    connection: Connection, lanes: dict[tuple[str, str], int], due_at: datetime, conflict: str
) -> None:
    due = due_at - CLOCK_ALLOWANCE
    # Sorted, so that two transactions lock the same rows in the same order.
    rows = [(*lane, priority, due, 0, False, 0) for lane, priority in sorted(lanes.items())]
    if rows:
        send_rows(connection, LaneRow, _LANE_COLUMNS, rows, conflict=conflict)

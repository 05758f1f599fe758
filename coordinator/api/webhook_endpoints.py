"""Where a partner wants its events, what it is owed there, and sending again."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, page_view, write_cursor
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, followed, logged_as, or_bodiless, query_view
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.permission import Permission
from coordinator.services.delivery.deliveries import (
    DeliveryContentView,
    ReplayEndpoint,
    ResendDelivery,
    get_delivery,
    list_deliveries,
)
from coordinator.services.delivery.webhook_endpoints import (
    DeleteEndpoint,
    EndpointView,
    RecoverEndpoint,
    RegisterEndpoint,
    RotateSecret,
    SendTestEvent,
    UpdateEndpoint,
    get_endpoint,
    list_endpoints,
    prepare_registration,
    prepare_rotation,
    prepare_update,
)
from coordinator.storage.engine.newest import Newest
from holdfast.protocol import payloads, views

_READ = Permission.WEBHOOK_ENDPOINT_READ


class EndpointDone(views.View):
    """What was done with an endpoint; of a test, also what came of it.

    Attributes:
        status: Of a test "delivered" or "dead" (it is tried once); "queued" where that took too
            long to wait for.
        queued: How many deliveries are on their way.
        delivery: The test's, with its try.
    """

    id: str
    status: str | None = None
    event_id: str | None = None
    queued: int | None = None
    delivery: views.DeliveryView | None = None
    cancelled_deliveries: int | None = None
    log: views.LogEntry | None = None


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    status: DeliveryStatus | None = None


@query_view(query=PageQuery, answer=views.Page[views.EndpointView], needs=_READ)
def list_own(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List your webhook endpoints; secrets are shown only where they are made."""
    items, more = list_endpoints(
        reader.connection,
        reader.vault,
        reader.actor,
        after=after_id(query) or "",
        limit=page_size(reader.context, query.limit),
    )
    return page_view(items, None if more is None else write_cursor(more))


@query_view(answer=views.EndpointView, needs=_READ)
def read_one(reader: Reader, endpoint_id: str) -> EndpointView:
    """Read one of your webhook endpoints."""
    return get_endpoint(reader.connection, reader.vault, reader.actor, endpoint_id)


@query_view(query=DeliveriesQuery, answer=views.Page[views.DeliveryView], needs=_READ)
def list_owed(reader: Reader, query: DeliveriesQuery, endpoint_id: str) -> dict[str, Any]:
    """List what was owed to an endpoint, newest first, with its attempts."""
    items, more = list_deliveries(
        reader.connection,
        reader.actor,
        endpoint_id,
        Newest(
            before=after_id(query),
            status=None if query.status is None else query.status.value,
            limit=page_size(reader.context, query.limit),
        ),
    )
    return page_view(items, None if more is None else write_cursor(more))


def _told(delivery: DeliveryContentView) -> list[str]:
    """Return the request of which a delivery's event tells, if what it says is still there."""
    request_id = delivery.get("request_id")
    return [request_id] if request_id and delivery.get("payload") else []


@logged_as("events", requests_in=_told)
@query_view(answer=views.DeliveryContentView, needs=_READ)
def read_delivery(reader: Reader, delivery_id: str) -> DeliveryContentView:
    """Read one delivery: its attempts, and the event that it carries."""
    return get_delivery(reader.connection, reader.vault, reader.actor, delivery_id)


@command_view(RegisterEndpoint, body=payloads.NewEndpoint, answer=views.EndpointView)
def register(call: SignedCall[payloads.NewEndpoint]) -> RegisterEndpoint:
    """Say where events are to go; the answer shows the endpoint's secret once."""
    return prepare_registration(call.body, call.context.check_endpoint)


@command_view(UpdateEndpoint, body=payloads.EndpointChanges, answer=views.EndpointView, status=200)
def update(call: SignedCall[payloads.EndpointChanges], endpoint_id: str) -> UpdateEndpoint:
    """Change an endpoint's URL, types or description, or turn it off and on.

    What it is owed then becomes due at once. Turned on with `replay`, it is also sent what happened
    while it was off.
    """
    return prepare_update(endpoint_id, call.body, call.context.check_endpoint)


@command_view(DeleteEndpoint, answer=EndpointDone, status=200)
def delete(call: SignedCall[None], endpoint_id: str) -> DeleteEndpoint:
    """Take an endpoint away; what it was still owed is cancelled."""
    del call
    return DeleteEndpoint(endpoint_id=endpoint_id)


@command_view(RotateSecret, answer=views.EndpointView, status=200)
def rotate(call: SignedCall[None], endpoint_id: str) -> RotateSecret:
    """Make a new secret; the old one signs along for 24 hours."""
    del call
    return prepare_rotation(endpoint_id)


@followed(
    lambda context, response: context.outcome_wait.told(
        context.database, response, lambda: context.watcher.is_stopped
    )
)
@or_bodiless
@command_view(SendTestEvent, body=payloads.WantedTest, answer=EndpointDone, status=202)
def send_test(call: SignedCall[payloads.WantedTest], endpoint_id: str) -> SendTestEvent:
    """Have a test sent to this endpoint alone, now; the answer says what came of it.

    It is tried once, and waits for nothing else that the endpoint is owed. By default it is an
    `endpoint.test`; with `event_type` it has the form of any other event, and says that it is a
    sample. Where it is taken, everything that waits for the endpoint becomes due.
    """
    return SendTestEvent(endpoint_id=endpoint_id, event_type=call.body.event_type)


@or_bodiless
@command_view(RecoverEndpoint, body=payloads.Recovery, answer=EndpointDone, status=202)
def recover(call: SignedCall[payloads.Recovery], endpoint_id: str) -> RecoverEndpoint:
    """Have everything sent again that was given up, and what waits, now.

    Each delivery goes under its own `webhook-id`; what had arrived is not sent again.
    """
    return RecoverEndpoint(endpoint_id=endpoint_id, since=call.body.since)


@command_view(ReplayEndpoint, body=payloads.Replay, answer=EndpointDone, status=202)
def replay(call: SignedCall[payloads.Replay], endpoint_id: str) -> ReplayEndpoint:
    """Have everything sent, or sent again, that happened since a time."""
    return ReplayEndpoint(endpoint_id=endpoint_id, body=call.body)


@command_view(ResendDelivery, answer=views.DeliveryView, status=202)
def resend(call: SignedCall[None], delivery_id: str) -> ResendDelivery:
    """Have one delivery sent again, now, under the same `webhook-id`."""
    del call
    return ResendDelivery(delivery_id=delivery_id)

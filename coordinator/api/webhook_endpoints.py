"""Where a partner wants its events, what it is owed there, and sending again."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page, page_size, write_cursor
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.api.routing import Query, signed_get, signed_post
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.permission import Permission
from coordinator.services.deliveries import ReplayEndpoint, ResendDelivery, list_deliveries
from coordinator.services.webhook_endpoints import (
    DeleteEndpoint,
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
from holdfast.protocol import payloads, views

_TAG = "webhook endpoints"
_READ = Permission.WEBHOOK_ENDPOINT_READ
_ONE = "/v1/webhook-endpoints/{endpoint_id}"


class EndpointDone(views.View):
    """What was done with an endpoint."""

    id: str
    status: str | None = None
    event_id: str | None = None
    queued: int | None = None
    log: views.LogEntry | None = None


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    status: DeliveryStatus | None = None


@signed_get(
    "/v1/webhook-endpoints",
    tag=_TAG,
    answer=views.Page[views.EndpointView],
    needs=_READ,
    query=PageQuery,
)
def list_own(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List your webhook endpoints; secrets are shown only where they are made."""
    items, more = list_endpoints(
        reader.connection,
        reader.vault,
        reader.actor,
        after=after_id(query) or "",
        limit=page_size(reader.context, query.limit),
    )
    return page(items, None if more is None else write_cursor(more))


@signed_get(_ONE, tag=_TAG, answer=views.EndpointView, needs=_READ)
def read_one(reader: Reader, query: Query, endpoint_id: str) -> dict[str, Any]:
    """Read one of your webhook endpoints."""
    del query
    return get_endpoint(reader.connection, reader.vault, reader.actor, endpoint_id)


@signed_get(
    f"{_ONE}/deliveries",
    tag=_TAG,
    answer=views.Page[views.DeliveryView],
    needs=_READ,
    query=DeliveriesQuery,
)
def list_owed(reader: Reader, query: DeliveriesQuery, endpoint_id: str) -> dict[str, Any]:
    """List what was owed to an endpoint, newest first, with its attempts."""
    items, more = list_deliveries(
        reader.connection,
        reader.actor,
        endpoint_id,
        before=after_id(query) or "",
        status=None if query.status is None else query.status.value,
        limit=page_size(reader.context, query.limit),
    )
    return page(items, None if more is None else write_cursor(more))


@signed_post(
    "/v1/webhook-endpoints",
    tag=_TAG,
    answer=views.EndpointView,
    command=RegisterEndpoint,
    body=payloads.NewEndpoint,
)
def register(call: SignedCall, body: payloads.NewEndpoint) -> Prepared:
    """Say where events are to go; the answer shows the endpoint's secret once."""
    return Prepared(prepare_registration(body, call.context.check_endpoint))


@signed_post(
    _ONE,
    tag=_TAG,
    answer=views.EndpointView,
    command=UpdateEndpoint,
    body=payloads.EndpointChanges,
    method="PATCH",
    status=200,
)
def update(call: SignedCall, body: payloads.EndpointChanges, endpoint_id: str) -> Prepared:
    """Change an endpoint's URL, types or description, or turn it off and on."""
    return Prepared(prepare_update(endpoint_id, body, call.context.check_endpoint))


@signed_post(
    _ONE,
    tag=_TAG,
    answer=EndpointDone,
    command=DeleteEndpoint,
    body=None,
    method="DELETE",
    status=200,
)
def delete(call: SignedCall, body: None, endpoint_id: str) -> Prepared:
    """Take an endpoint away; what it was still owed is cancelled."""
    del call, body
    return Prepared(DeleteEndpoint(endpoint_id=endpoint_id))


@signed_post(
    f"{_ONE}/rotate-secret",
    tag=_TAG,
    answer=views.EndpointView,
    command=RotateSecret,
    body=None,
    status=200,
)
def rotate(call: SignedCall, body: None, endpoint_id: str) -> Prepared:
    """Make a new secret; the old one signs along for 24 hours."""
    del call, body
    return Prepared(prepare_rotation(endpoint_id))


@signed_post(
    f"{_ONE}/test", tag=_TAG, answer=EndpointDone, command=SendTestEvent, body=None, status=202
)
def send_test(call: SignedCall, body: None, endpoint_id: str) -> Prepared:
    """Have an `endpoint.test` event sent to this endpoint alone."""
    del call, body
    return Prepared(SendTestEvent(endpoint_id=endpoint_id))


@signed_post(
    f"{_ONE}/replay",
    tag=_TAG,
    answer=EndpointDone,
    command=ReplayEndpoint,
    body=payloads.Replay,
    status=202,
)
def replay(call: SignedCall, body: payloads.Replay, endpoint_id: str) -> Prepared:
    """Have everything sent, or sent again, that happened since a time."""
    del call
    return Prepared(ReplayEndpoint(endpoint_id=endpoint_id, body=body))


@signed_post(
    "/v1/deliveries/{delivery_id}/resend",
    tag=_TAG,
    answer=views.DeliveryView,
    command=ResendDelivery,
    body=None,
    status=202,
)
def resend(call: SignedCall, body: None, delivery_id: str) -> Prepared:
    """Have one delivery sent again, now, under the same `webhook-id`."""
    del call, body
    return Prepared(ResendDelivery(delivery_id=delivery_id))

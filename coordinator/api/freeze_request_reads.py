"""Reading freeze requests: lists, one request, its addresses and legs."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import after_this_request
from pydantic import Field

from coordinator.api.paging import (
    PageQuery,
    after_id,
    after_number,
    page_size,
    page_view,
    read_page,
    write_cursor,
)
from coordinator.api.pipeline import Reader
from coordinator.api.reading_marks import mark_delivered_after
from coordinator.api.scope import readable
from coordinator.api.view import logged_as, query_view
from coordinator.domain.errors import InvalidInputError, NotFoundError, ParameterFault
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.ending.erasures import ProposedErasureView, proposed_view
from coordinator.services.reading.awaited_decisions import awaited
from coordinator.services.requests.freeze_request_views import (
    FreezeRequestView,
    address_views,
    leg_views,
    request_view,
    summaries,
)
from coordinator.storage.engine.newest import NewestRequests
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol import views
from holdfast.protocol.payloads import IncidentId
from holdfast.protocol.vocabulary import LegStatus, RequestStatus

_READ = Permission.FREEZE_REQUEST_READ


class ListQuery(PageQuery):
    """Which requests."""

    box: Annotated[
        Literal["sent", "received", "to_approve", "ended"],
        Field(
            description="Sent by your organisation, received by it, or waiting for your decision: "
            "submitted requests, provisional ones to ratify, and live ones with proposed partners. "
            "Ended: your own and received ones that are over, with the reason."
        ),
    ] = "sent"
    status: Annotated[
        RequestStatus | LegStatus | None,
        Field(description="The request's status; of received ones, your leg's."),
    ] = None
    incident: IncidentId | None = None


@query_view(query=ListQuery, answer=views.Page[views.FreezeRequestSummary], needs=_READ)
def list_requests(reader: Reader, query: ListQuery) -> dict[str, Any]:
    """List freeze requests, newest first.

    `box=to_approve` is all that waits for you as a security lead: `decide_by` where the request
    itself does, `additions` with the partners that somebody proposed to ask as well.
    """
    size = page_size(reader.context, query.limit)
    if query.box == "to_approve":
        return _awaited(reader, query, size)
    return read_page(
        size,
        lambda limit: _listed(reader, query, limit),
        lambda rows: summaries(reader.connection, reader.vault, rows),
    )


def _listed(reader: Reader, query: ListQuery, limit: int) -> Any:
    listing = _LISTINGS[query.box]
    return listing(reader.connection, reader.actor.viewer, _wanted(query, limit))


_LISTINGS = {
    "sent": store.sent_by,
    "received": store.received_by,
    "ended": store.ended_of,
}


def _wanted(query: ListQuery, limit: int) -> NewestRequests:
    return NewestRequests(
        before=after_id(query),
        limit=limit,
        status=None if query.status is None else query.status.value,
        incident_id=query.incident,
    )


def _awaited(reader: Reader, query: ListQuery, size: int) -> dict[str, Any]:
    if query.status is not None:
        detail = "narrows no list of what waits: leave it out"
        raise InvalidInputError(
            f"status {detail}", parameters=[ParameterFault("status", detail, "not_with_to_approve")]
        )
    actor, read = reader.actor, reader.read_context
    if not is_allowed(Permission.FREEZE_REQUEST_APPROVE, actor):
        return page_view([], None)
    return read_page(
        size,
        lambda limit: awaited_decisions.requests(
            reader.connection,
            actor,
            _wanted(query, limit),
            now=read.now,
            proposed_after=read.now - read.policies.approve_within,
        ),
        lambda ids: awaited(read, ids),
        key=str,
    )


@query_view(answer=views.FreezeRequestView, needs=_READ, while_suspended=True)
def read_request(reader: Reader, request_id: str) -> FreezeRequestView:
    """Read one freeze request.

    The requester sees the decision context, counts and totals over all legs; a partner asked sees
    its own leg. Reading it counts as delivery of the notice.
    """
    row, leg = readable(reader, request_id)
    if leg is not None and leg.status == LegStatus.QUEUED:
        after_this_request(mark_delivered_after([leg.id]))
    return request_view(reader.read_context, row, leg)


@logged_as("addresses")
@query_view(
    query=PageQuery, answer=views.Page[views.FlaggedAddressView], needs=_READ, while_suspended=True
)
def list_addresses(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the flagged addresses of a request, in its own order."""
    row, leg = readable(reader, request_id)
    size = page_size(reader.context, query.limit)
    items, more = address_views(
        reader.read_context, row, leg, after=after_number(query), limit=size
    )
    return page_view(items, write_cursor(items[-1]["address_no"]) if more else None)


@logged_as("answers")
@query_view(query=PageQuery, answer=views.Page[views.LegView], needs=_READ, while_suspended=True)
def list_legs(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the legs of a request: all of them for the requester, one's own for a partner asked."""
    row, leg = readable(reader, request_id)
    after = after_id(query) or ""

    def find(limit: int) -> Sequence[Any]:
        if row.requester == reader.actor.partner:
            return leg_store.of_request(reader.connection, request_id, after=after, limit=limit)
        return [] if leg is None or after else [leg]

    return read_page(
        page_size(reader.context, query.limit),
        find,
        lambda rows: leg_views(reader.read_context, rows),
    )


@query_view(
    answer=views.ProposedErasureView,
    needs=Permission.FREEZE_REQUEST_READ,
    not_found="Nobody proposes to erase it, or the request is not yours.",
)
def read_erasure(reader: Reader, request_id: str) -> ProposedErasureView:
    """Read what the operator proposes to erase of your own request, and why."""
    row, _ = readable(reader, request_id)
    if row.requester != reader.actor.partner:
        raise NotFoundError("only the requester reads of that", code="no_erasure")
    return proposed_view(reader.connection, row.id)

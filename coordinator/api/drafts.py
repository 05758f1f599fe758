"""Drafts of follow-on requests."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader
from coordinator.api.scope import readable
from coordinator.api.view import query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.requests.drafts import drafts
from coordinator.storage.requests import incidents as store
from holdfast.protocol import life_cycle_views, views

#: A draft may hold thousands of addresses.
_MOST_DRAFTS = 20


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.DraftView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_drafts(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List ready drafts of the next requests: one for each leg that said where funds moved on to.

    Check a draft, add a nonce, and submit it; it follows this request in the same incident.
    """
    row, _ = readable(reader, request_id)
    if row.requester != reader.actor.partner:
        raise NotFoundError("only the requester follows its request")
    size = min(page_size(reader.context, query.limit), _MOST_DRAFTS)
    after = after_id(query) or ""
    return read_page(
        size,
        lambda limit: store.legs_moved_on(reader.connection, request_id, after=after, limit=limit),
        lambda legs: drafts(reader.read_context, row, legs),
    )

"""More partners for a live request."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.requests.additions import ProposePartners, addition_views
from coordinator.storage.requests import additions as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@command_view(ProposePartners, body=payloads.PartnersAddition, answer=life_cycle_views.AdditionView)
def propose(call: SignedCall[payloads.PartnersAddition], request_id: str) -> ProposePartners:
    """Propose more partners for a live request.

    Another security lead approves by `POST …/approvals` with the addition's `context_sha256`; only
    then are they asked.
    """
    return ProposePartners(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.AdditionView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_additions(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List your request's additions with the context that decides on each."""
    row, _ = readable(reader, request_id)
    if row.requester != reader.actor.partner:
        raise NotFoundError("only the requester reads who else it wants to ask")
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(reader.connection, request_id, after=after, limit=limit),
        lambda rows: addition_views(reader.read_context, rows, row),
    )

"""Whose word a request rests on."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import leg_scope
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.support import RaiseSupport, support_views
from coordinator.storage.requests import support as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@command_view(RaiseSupport, body=payloads.SupportRaise, answer=life_cycle_views.SupportView)
def raise_support(call: SignedCall[payloads.SupportRaise], request_id: str) -> RaiseSupport:
    """Have your request rest on a better word: a police report, an order applied for, an order.

    The document stays with you; its hash is signed. Every partner asked is told, and may extend
    what it holds. Support is only ever raised.
    """
    return RaiseSupport(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.SupportView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_support(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the documents that raised whose word a request rests on, oldest first."""
    leg_scope(reader, request_id)
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(reader.connection, request_id, after=after, limit=limit),
        lambda rows: support_views(reader.connection, reader.vault, rows),
    )

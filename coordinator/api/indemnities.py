"""Indemnities that a requester gives."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.indemnities import GiveIndemnity, indemnity_views
from coordinator.storage.requests import indemnities as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@command_view(GiveIndemnity, body=payloads.IndemnityGift, answer=life_cycle_views.IndemnityView)
def give(call: SignedCall[payloads.IndemnityGift], request_id: str) -> GiveIndemnity:
    """Give an indemnity: its cap, law and end, and the hash of the document.

    To all partners asked, or to one; a partner that declined with `indemnity_required` may then
    review again.
    """
    return GiveIndemnity(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.IndemnityView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_given(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List indemnities: all for the requester, else those that were given to you."""
    return scoped_page(reader, query, request_id, store.page, indemnity_views)

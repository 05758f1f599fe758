"""Holds: what is owed about them, extending, and asking for it."""

from typing import Any

from coordinator.api.paging import PageQuery, after_two_ids, page_size, page_view, split_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ledger.holds import AskForExtension, ExtendHold
from coordinator.services.ledger.ledger_views import owed_hold_views
from coordinator.storage.ledger.owed_holds import owed_to_or_by
from holdfast.protocol import hold_payloads, views


@command_view(
    ExtendHold, body=hold_payloads.HoldExtension, answer=views.HoldActView, while_suspended=True
)
def extend(call: SignedCall[hold_payloads.HoldExtension], request_id: str) -> ExtendHold:
    """Extend a hold of yours, within your jurisdiction's maximum."""
    return ExtendHold(request_id=request_id, body=call.body)


@command_view(AskForExtension, body=hold_payloads.ExtensionRequest, answer=views.ActView)
def ask(call: SignedCall[hold_payloads.ExtensionRequest], request_id: str) -> AskForExtension:
    """Ask a partner to hold longer."""
    return AskForExtension(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[views.OwedHoldView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_owed(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List the holds about which an answer is owed: your own, and partners' on your requests.

    A hold comes once for each request on which its answer is owed.
    """
    size = page_size(reader.context, query.limit)
    found = owed_to_or_by(
        reader.connection, reader.actor.partner, after=after_two_ids(query), limit=size + 1
    )
    rows, cursor = split_page(found, size, lambda row: f"{row.id}/{row.request_id}")
    return page_view(owed_hold_views(rows), cursor)

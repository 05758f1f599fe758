"""Holds: what is owed about them, extending, and asking for it."""

from typing import Any

from coordinator.api.paging import PageQuery, after_two_ids, page, page_of, page_size
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.api.routing import signed_get, signed_post
from coordinator.domain.permission import Permission
from coordinator.services.holds import AskForExtension, ExtendHold
from coordinator.services.ledger_views import hold_views
from coordinator.storage.owed_holds import owed_to_or_by
from holdfast.protocol import hold_payloads, views


@signed_post(
    "/v1/freeze-requests/{request_id}/hold-extensions",
    tag="holds",
    answer=views.HoldActView,
    command=ExtendHold,
    body=hold_payloads.HoldExtension,
    while_suspended=True,
)
def extend(call: SignedCall, body: hold_payloads.HoldExtension, request_id: str) -> Prepared:
    """Extend a hold of yours, within your jurisdiction's maximum."""
    return Prepared(ExtendHold(request_id=request_id, body=body, policies=call.context.policies))


@signed_post(
    "/v1/freeze-requests/{request_id}/extension-requests",
    tag="holds",
    answer=views.ActView,
    command=AskForExtension,
    body=hold_payloads.ExtensionRequest,
)
def ask(call: SignedCall, body: hold_payloads.ExtensionRequest, request_id: str) -> Prepared:
    """Ask a partner to hold longer."""
    del call
    return Prepared(AskForExtension(request_id=request_id, body=body))


@signed_get(
    "/v1/holds/owed",
    tag="holds",
    answer=views.Page[views.OwedHoldView],
    needs=Permission.FREEZE_REQUEST_READ,
    query=PageQuery,
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
    rows, cursor = page_of(found, size, lambda row: f"{row.id}/{row.request_id}")
    shown = [
        {**view, "request_id": row.request_id}
        for row, view in zip(rows, hold_views(rows), strict=True)
    ]
    return page(shown, cursor)

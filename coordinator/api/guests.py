"""Guests of a request: organisations that are no members, and what they said."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.requests.guests import AskGuest, guest_views
from coordinator.storage.requests import guests as store
from holdfast.protocol import guest_payloads as payloads
from holdfast.protocol import guest_views as shown
from holdfast.protocol import views


@command_view(AskGuest, body=payloads.GuestAsk, answer=shown.GuestView)
def ask(call: SignedCall[payloads.GuestAsk], request_id: str) -> AskGuest:
    """Ask an organisation that is no member, by its domain, once the request is approved.

    The coordinator looks for the security contact that it publishes (`security.txt`, RFC 9116) and
    mails it a link to a page of this one question. What it answers is nobody's signature, marked
    unverified, and in no sum. If it joins under that domain, it gets a leg of its own.
    """
    return AskGuest(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[shown.GuestView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_guests(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the guests of your own request, oldest first, with what they said: all unverified."""
    row, _ = readable(reader, request_id)
    if row.requester != reader.actor.partner:
        raise NotFoundError("only the requester reads of guests")
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(reader.connection, request_id, after=after, limit=limit),
        lambda rows: guest_views(reader.read_context, rows),
    )

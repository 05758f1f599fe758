"""Holds: what is owed about them, extending, and asking for it."""

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.paging import (
    PageQuery,
    after_hold,
    after_two_ids,
    hold_key,
    page_size,
    page_view,
    split_page,
)
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ledger.holds import AskForExtension, ExtendHold
from coordinator.services.ledger.ledger_views import ForWhom, open_hold_views, owed_hold_views
from coordinator.services.requests.freeze_request_views import incident_titles
from coordinator.storage.ledger.open_holds import HoldPlace, Side, WantedHolds, open_holds
from coordinator.storage.ledger.owed_holds import owed_to_or_by
from coordinator.storage.reading import awaited_decisions
from holdfast.protocol import hold_payloads, views
from holdfast.protocol.payloads import RequestId
from holdfast.protocol.vocabulary import Tlp


class HoldsQuery(PageQuery):
    """Which open holds."""

    side: Annotated[Side, Field(description="Your own, or those of others for your requests.")] = (
        "own"
    )
    request: RequestId | None = None


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
    query=HoldsQuery,
    answer=views.Page[views.OpenHoldView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_open(reader: Reader, query: HoldsQuery) -> dict[str, Any]:
    """List open holds, the soonest end first.

    A hold comes once for each request that it counts for; it is open until nothing of it is held.
    """
    size = page_size(reader.context, query.limit)
    found = open_holds(
        reader.connection,
        reader.actor.viewer,
        WantedHolds(
            side=query.side,
            request_id=query.request,
            after=after_hold(query),
            limit=size + 1,
        ),
    )
    rows, cursor = split_page(
        found, size, lambda row: hold_key(HoldPlace(row.hold_expires_at, row.id, row.request_id))
    )
    ids = sorted({row.request_id for row in rows})
    requests = awaited_decisions.rows(reader.connection, ids, reader.actor.viewer) if ids else []
    titles = incident_titles(reader.connection, reader.vault, requests)
    of = {
        each.id: ForWhom(each.requester, titles.get(each.incident_id), Tlp(each.tlp))
        for each in requests
    }
    return page_view(open_hold_views(rows, of), cursor)


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
        reader.connection, reader.actor.viewer, after=after_two_ids(query), limit=size + 1
    )
    rows, cursor = split_page(found, size, lambda row: f"{row.id}/{row.request_id}")
    return page_view(owed_hold_views(rows), cursor)

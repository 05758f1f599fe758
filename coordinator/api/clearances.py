"""Clearances: signed statements that an account was flagged by error."""

from typing import Any

from flask import Response

from coordinator.api.client_address import client_address
from coordinator.api.context import current_context
from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, public_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.ending.clearances import (
    RevokeClearance,
    clearance_status,
    clearance_views,
)
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.storage.ending import clearances as store
from holdfast.protocol import canonical_json, life_cycle_views, views
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.clearance import Issuer


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.ClearanceView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_clearances(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List clearances of accounts that a request flagged by error.

    For the requester, and for partners that were asked about them. `statement` is a JWS by the
    coordinator's key, to be shown elsewhere; one that was revoked has none any more.
    """
    row, leg = readable(reader, request_id)
    context, after = reader.context, after_id(query) or ""
    issuer = Issuer(context.origin, context.signing_key)
    return read_page(
        page_size(context, query.limit),
        lambda limit: store.page(
            reader.connection,
            request_id,
            with_left_out=not is_hidden_from(row, leg),
            after=after,
            limit=limit,
        ),
        lambda rows: clearance_views(reader.read_context, row, leg, rows, issuer),
    )


@command_view(
    RevokeClearance,
    body=payloads.ClearanceRevocation,
    answer=life_cycle_views.ClearanceRevocationView,
)
def revoke(
    call: SignedCall[payloads.ClearanceRevocation], request_id: str, clearance_id: str
) -> RevokeClearance:
    """Take a clearance back, with the reason."""
    return RevokeClearance(request_id=request_id, clearance_id=clearance_id, body=call.body)


@public_view(
    answer=life_cycle_views.ClearanceStatus, not_found="No clearance of that id was ever issued."
)
def read_status(clearance_id: str) -> Response:
    """Whether a clearance still holds.

    For whoever was shown one; its signature verifies offline with the coordinator's key set.
    """
    context = current_context()
    context.limiter.check(f"public:{client_address()}")
    with context.database.engine.connect() as connection:
        found = store.get(connection, clearance_id)
    if found is None:
        raise NotFoundError("no clearance of that id was ever issued", code="no_such_clearance")
    response = Response(
        canonical_json.dumps(clearance_status(found)), content_type="application/json"
    )
    response.headers["Cache-Control"] = "no-store"
    return response

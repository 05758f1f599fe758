"""Reading what was found, frozen and returned, and what proves every act."""

from functools import partial
from typing import Any

from coordinator.api.paging import (
    PageQuery,
    after_id,
    page_size,
    page_view,
    read_page,
    split_page,
    write_cursor,
)
from coordinator.api.pipeline import Reader
from coordinator.api.scope import leg_scope, scoped_page
from coordinator.api.view import query_view
from coordinator.domain.permission import Permission
from coordinator.services.core.access import readable_request
from coordinator.services.ledger.ledger_views import (
    evidence_page,
    evidence_views,
    hold_views,
    line_views,
)
from coordinator.services.requests.left_out import asked_remainder, is_hidden_from
from coordinator.storage.ledger import ledger_pages
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests.left_out_acts import Heard
from holdfast.protocol import views

_READ = Permission.FREEZE_REQUEST_READ
_MOST_EVIDENCE = 50


@query_view(query=PageQuery, answer=views.Page[views.LineView], needs=_READ, while_suspended=True)
def list_lines(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the lines of the freeze ledger, oldest first.

    The requester sees every partner's lines, a partner asked its own. Lines with `shared` were
    written on another request, about a hold that counts for this one, too; `source_request` and
    `report_id` are there if you may read that request's report.
    """
    show = partial(line_views, reader=reader.actor.partner)
    return scoped_page(reader, query, request_id, ledger_pages.lines, show)


@query_view(query=PageQuery, answer=views.Page[views.HoldView], needs=_READ, while_suspended=True)
def list_holds(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the holds that count for a request, as they stand."""
    size, after = page_size(reader.context, query.limit), after_id(query) or ""
    leg_id = leg_scope(reader, request_id)
    return read_page(
        size,
        lambda limit: ledger_pages.holds(
            reader.connection, request_id, leg_id=leg_id, after=after, limit=limit
        ),
        lambda rows: hold_views(rows, of_all_legs=leg_id is None),
    )


@query_view(
    query=PageQuery, answer=views.Page[views.EvidenceView], needs=_READ, while_suspended=True
)
def list_evidence(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the acts on a request with what proves each, byte for byte as it was signed.

    A page may be shorter than `limit` where documents are large. Where the approval left addresses
    out, partners asked after it read the `remainder` in place of the submitted document.
    """
    size = min(page_size(reader.context, query.limit), _MOST_EVIDENCE)
    row, leg = readable_request(reader.connection, reader.actor.partner, request_id)
    found = store.acts(
        reader.connection,
        request_id,
        heard=Heard(None if leg is None else leg.id, not is_hidden_from(row, leg)),
        after=after_id(query) or "",
        limit=size + 1,
    )
    rows, cursor = split_page(found, size, lambda row: row.id)
    fitting = evidence_page(reader.connection, rows)
    if fitting < len(rows):
        rows = rows[:fitting]
        cursor = write_cursor(rows[-1].id)
    is_asked_for = any(act.kind == "submit" for act in rows)
    remainder = asked_remainder(reader.connection, reader.vault, row, leg) if is_asked_for else None
    return page_view(evidence_views(reader.connection, reader.vault, rows, remainder), cursor)

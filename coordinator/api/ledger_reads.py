"""Reading what was found, frozen and returned, and what proves every act."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

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
from coordinator.api.query import Query
from coordinator.api.scope import leg_scope, readable, scoped_page
from coordinator.api.view import logged_as, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ledger.address_answers import address_answers
from coordinator.services.ledger.ledger_views import (
    evidence_page,
    evidence_views,
    hold_views,
    line_views,
)
from coordinator.services.requests.left_out import asked_remainder, is_hidden_from
from coordinator.storage.ledger import ledger_pages
from coordinator.storage.ledger.address_answers import Span
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests.left_out_acts import Heard
from holdfast.protocol import life_cycle_views, views
from holdfast.protocol.payloads import ActId

_READ = Permission.FREEZE_REQUEST_READ
_MOST_EVIDENCE = 50
_MOST_ADDRESSES = 1_000
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


class SpanQuery(Query):
    """Which addresses: at most 1,000 from the first."""

    first: Annotated[int, Field(ge=0, le=10**6)] = 0
    last: Annotated[int, Field(ge=0, le=10**6)] = _MOST_ADDRESSES - 1


class EvidenceQuery(PageQuery):
    """Which acts."""

    act: Annotated[ActId | None, Field(description="Only this one.")] = None


@logged_as("answers")
@query_view(query=PageQuery, answer=views.Page[views.LineView], needs=_READ, while_suspended=True)
def list_lines(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List the lines of the freeze ledger, oldest first.

    The requester sees every partner's lines, a partner asked its own. Lines with `shared` were
    written on another request, about a hold that counts for this one, too; `source_request` and
    `report_id` are there if you may read that request's report.
    """
    show = partial(line_views, reader=reader.actor.viewer)
    return scoped_page(reader, query, request_id, ledger_pages.lines, show)


@logged_as("answers")
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


@logged_as("answers")
@query_view(
    query=SpanQuery,
    answer=life_cycle_views.AddressAnswers,
    needs=_READ,
    while_suspended=True,
)
def list_answers(reader: Reader, query: SpanQuery, request_id: str) -> dict[str, Any]:
    """List what partners answered for each of a span of addresses.

    The requester sees every partner's answers, a partner asked its own. An address without an
    answer is not in it.
    """
    last = min(query.last, query.first + _MOST_ADDRESSES - 1)
    span = Span(request_id, query.first, last, leg_scope(reader, request_id))
    return {"items": address_answers(reader.connection, span)}


@logged_as("evidence")
@query_view(
    query=EvidenceQuery, answer=views.Page[views.EvidenceView], needs=_READ, while_suspended=True
)
def list_evidence(reader: Reader, query: EvidenceQuery, request_id: str) -> dict[str, Any]:
    """List the acts on a request with what proves each, byte for byte as it was signed.

    A page may be shorter than `limit` where documents are large. Where the approval left addresses
    out, partners asked after it read the `remainder` in place of the submitted document.
    """
    size = min(page_size(reader.context, query.limit), _MOST_EVIDENCE)
    size = size if query.act is None else 1
    row, leg = readable(reader, request_id)
    found = store.acts(
        reader.connection,
        request_id,
        heard=Heard(None if leg is None else leg.id, not is_hidden_from(row, leg)),
        after=(after_id(query) or "") if query.act is None else _before(query.act),
        limit=size + 1,
    )
    if query.act is not None:
        found = [row for row in found if row.id == query.act]
    rows, cursor = split_page(found, size, lambda row: row.id)
    fitting = evidence_page(reader.connection, rows)
    if fitting < len(rows):
        rows = rows[:fitting]
        cursor = write_cursor(rows[-1].id)
    is_asked_for = any(act.kind == "submit" for act in rows)
    remainder = asked_remainder(reader.connection, reader.vault, row, leg) if is_asked_for else None
    shown = evidence_views(
        reader.connection, reader.vault, rows, remainder=remainder, is_own=leg is None
    )
    return page_view(shown, cursor)


def _before(act_id: str) -> str:
    """Return what stands right before an id in order: its last digit that is not 0 is one less."""
    kept = act_id.rstrip("0")
    lower = _DIGITS[_DIGITS.index(kept[-1]) - 1]
    return kept[:-1] + lower + "z" * (len(act_id) - len(kept))

"""Timeline and trace of an incident, page by page."""

import re
from collections.abc import Mapping
from typing import Any

from coordinator.api.paging import PageQuery, after_number, page_size, read_page, write_cursor
from coordinator.api.pipeline import Reader
from coordinator.api.view import logged_as, query_view
from coordinator.domain.errors import InvalidInputError, NotFoundError, ParameterFault
from coordinator.domain.permission import Permission
from coordinator.services.requests.incidents import Place, timeline_entries, trace
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import incidents as store
from holdfast.protocol import base64url, life_cycle_views
from holdfast.protocol.chains.asset import display_units
from holdfast.protocol.errors import ProtocolError

_READ = Permission.FREEZE_REQUEST_READ
_PLACE = re.compile(r"1(frq_[0-7][0-9a-hjkmnp-tv-z]{25})\.([0-9]{1,5})", re.ASCII)


def _flagging(page: Mapping[str, Any]) -> set[str]:
    """Return the requests of which a page of a trace shows addresses."""
    return {place["request_id"] for node in page["nodes"] for place in node.get("flagged", ())}


@query_view(query=PageQuery, answer=life_cycle_views.TimelinePage, needs=_READ)
def read_timeline(reader: Reader, query: PageQuery, incident_id: str) -> dict[str, Any]:
    """Read what happened in an incident and concerned you, oldest first."""
    _require_visible(reader, incident_id)
    size = page_size(reader.context, query.limit)
    return timeline_page(reader, incident_id, after=after_number(query), size=size)


@logged_as("addresses", requests_in=_flagging)
@query_view(query=PageQuery, answer=life_cycle_views.TracePage, needs=_READ)
def read_trace(reader: Reader, query: PageQuery, incident_id: str) -> dict[str, Any]:
    """Read the trace: flagged addresses, transactions, where funds moved on, and what followed.

    A page holds `limit` flagged addresses with what hangs on them; pages join by their nodes' ids.
    """
    _require_visible(reader, incident_id)
    size = page_size(reader.context, query.limit)
    return trace_page(reader, incident_id, after=_after_place(query), size=size)


def _require_visible(reader: Reader, incident_id: str) -> None:
    viewer = reader.actor.viewer
    if not request_store.of_incident(reader.connection, incident_id, viewer, limit=1):
        raise NotFoundError("there is no such incident, or none that you may see")


def timeline_page(
    reader: Reader, incident_id: str, *, after: int = -1, size: int
) -> dict[str, Any]:
    """Return one page of a timeline (`life_cycle_views.TimelinePage`)."""
    viewer = reader.actor.viewer
    return read_page(
        size,
        lambda limit: store.timeline(
            reader.connection, incident_id, viewer, after=after, limit=limit
        ),
        timeline_entries,
        key=lambda row: row.seq,
    )


def trace_page(
    reader: Reader, incident_id: str, *, after: Place | None = None, size: int
) -> dict[str, Any]:
    """Return one page of a trace (`life_cycle_views.TracePage`)."""
    graph, last = trace(reader.read_context, incident_id, after=after, limit=size)
    cursor = None if last is None else write_cursor(f"{last.request_id}.{last.address_no}")
    flagged = [place for node in graph["nodes"] for place in node.get("flagged", ())]
    assets = {place["asset"] for place in flagged if "asset" in place}
    units = display_units(reader.context.rulebook.chains, sorted(assets))
    return {**graph, "units": units, "next_cursor": cursor}


def _after_place(query: PageQuery) -> Place | None:
    if query.cursor is None:
        return None
    try:
        found = _PLACE.fullmatch(base64url.decode(query.cursor).decode("ascii"))
    except (ProtocolError, UnicodeDecodeError):
        found = None
    if found is None:
        detail = "is no cursor of a trace; take `next_cursor` of its last page as it is"
        raise InvalidInputError(
            f"cursor {detail}", parameters=[ParameterFault("cursor", detail, "bad_cursor")]
        )
    return Place(found[1], int(found[2]))

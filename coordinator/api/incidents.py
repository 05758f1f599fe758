"""Reading incidents: the thefts that requests belong to."""

from typing import Any

from coordinator.api.incident_traces import timeline_page, trace_page
from coordinator.api.paging import PageQuery, after_id, page_size, page_view, split_page
from coordinator.api.pipeline import Reader
from coordinator.api.view import query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.requests.freeze_request_views import incident_views
from coordinator.storage.ledger import ledger_totals
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import incidents as incident_store
from holdfast.protocol import life_cycle_views, views

_READ = Permission.FREEZE_REQUEST_READ


@query_view(query=PageQuery, answer=views.Page[views.IncidentSummary], needs=_READ)
def list_incidents(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List the incidents of which you may see a request, that with the newest request first."""
    size = page_size(reader.context, query.limit)
    found = incident_store.visible_incidents(
        reader.connection, reader.actor.viewer, before=after_id(query), limit=size + 1
    )
    rows, cursor = split_page(found, size, lambda row: str(row[1]))
    ids = [row[0] for row in rows]
    shown = incident_views(reader.connection, reader.vault, ids, reader.actor.viewer)
    counts = incident_store.request_counts(reader.connection, ids, reader.actor.viewer)
    return page_view([{**shown[id_], "request_count": counts[id_]} for id_ in ids], cursor)


@query_view(answer=life_cycle_views.IncidentDetailView, needs=_READ)
def read_incident(reader: Reader, incident_id: str) -> dict[str, Any]:
    """Read one incident with its requests and the totals over what you may see.

    With it come the first pages of its timeline and its trace. Its title and reference are shown
    to those alone who may read a request of the member that opened it.
    """
    viewer = reader.actor.viewer
    requests = store.of_incident(reader.connection, incident_id, viewer)
    if not requests:
        raise NotFoundError("there is no such incident, or none that you may see")
    totals = ledger_totals.totals(reader.connection, incident_id=incident_id, visible_to=viewer)
    view = incident_views(reader.connection, reader.vault, [incident_id], viewer)[incident_id]
    size = reader.context.page_size
    counts = incident_store.request_counts(reader.connection, [incident_id], viewer)
    return {
        **view,
        "request_count": counts[incident_id],
        "requests": requests,
        "totals": ledger_totals.as_text(totals),
        "timeline": timeline_page(reader, incident_id, size=size),
        "trace": trace_page(reader, incident_id, size=size),
    }

"""The events of one request as its reader was told them, each with what proves it."""

from collections.abc import Sequence
from typing import TypedDict

from coordinator.services.core.read_context import ReadContext
from coordinator.storage.engine.documents import load
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests.request_events import RequestEvent
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import EventType, EvidenceKind


class RequestEventView(TypedDict):
    """An event of a request (`life_cycle_views.RequestEventView`)."""

    seq: int
    id: str
    type: str
    timestamp: str
    data: JsonObject
    leg_id: str | None
    leaf_index: int
    act: str | None
    act_id: str | None
    evidence: EvidenceKind | None
    partner: str | None
    subject: str | None


def request_events(read: ReadContext, rows: Sequence[RequestEvent]) -> list[RequestEventView]:
    """Return events with their bodies and the acts that they tell of, in the same few queries."""
    bodies = load(read.connection, read.vault, [row.id for row in rows], "body")
    told = {id_: _data(body) for id_, body in bodies.items()}
    named = {id_: _act_of(data) for id_, data in told.items()}
    for row in rows:
        if row.type == EventType.REQUEST_SUBMITTED and row.id in told:
            # What the document was submitted with is the one act that its event does not name.
            named[row.id] = store.submit_act(read.connection, told[row.id]["request_id"])
    ids = {id_ for id_ in named.values() if id_ is not None}
    acts = {act.id: act for act in store.acts_by_id(read.connection, sorted(ids))} if ids else {}
    return [_view(row, told.get(row.id, {}), acts.get(named.get(row.id) or "")) for row in rows]


def _act_of(data: JsonObject) -> str | None:
    """Return the act that an event tells of: a report by the name that its lines know it by."""
    found = data.get("act_id", data.get("report_id"))
    return None if found is None else str(found)


def _data(body: bytes) -> JsonObject:
    found: JsonObject = strict_json.loads(body).get("data", {}) if body else {}
    return found


def _view(row: RequestEvent, data: JsonObject, act: ActRow | None) -> RequestEventView:
    return {
        "seq": row.seq,
        "id": row.id,
        "type": row.type,
        "timestamp": format_time(row.occurred_at),
        "data": data,
        "leg_id": row.leg_id,
        "leaf_index": row.leaf_index,
        "act": None if act is None else act.kind,
        "act_id": None if act is None else act.id,
        "evidence": None if act is None else EvidenceKind(act.evidence_kind),
        "partner": None if act is None else act.partner,
        "subject": None if act is None else act.subject,
    }

"""Return requests as their readers see them: what is asked, what is promised, what was sent."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from sqlalchemy import Connection

from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.restoring import return_requests as store
from coordinator.storage.restoring.return_requests import Part
from coordinator.storage.tables.restoring import ReturnRequestRow
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import ReturnCode, ReturnStatus


class ReturnDestinationView(TypedDict):
    """Where it is to be sent (`return_views.ReturnDestinationView`)."""

    id: str
    account: str
    tag: str | None


class ReturnPartView(TypedDict):
    """How much of a hold is accepted, and was sent (`return_views.ReturnPartView`)."""

    hold: str
    accepted: str | None
    sent: str


class ReturnRequestView(TypedDict):
    """One partner is asked to send held funds back (`return_views.ReturnRequestView`)."""

    id: str
    request_id: str
    leg_id: str
    requester: str
    partner: str
    return_status: ReturnStatus
    act_id: str
    act_sha256: str
    holds: Literal["all"] | list[str] | None
    asset: str
    amount: str
    destination: ReturnDestinationView | None
    basis: JsonObject | None
    asked_by: str
    asked_at: str
    decide_by: str
    decided_by: str | None
    decided_at: str | None
    decided_act_id: str | None
    answer_by: str | None
    answered_at: str | None
    answer_act_id: str | None
    code: ReturnCode | None
    parts: list[ReturnPartView]
    accepted: str
    sent: str
    suspended_at: str | None
    suspended_because: str | None
    receipt_act_id: str | None
    ended_at: str | None
    drill: bool


def return_views(
    connection: Connection, vault: Vault, rows: Sequence[ReturnRequestRow]
) -> list[ReturnRequestView]:
    """Return return requests of one freeze request, with the words that were signed."""
    if not rows:
        return []
    bodies = evidence_bodies(connection, vault, [row.act_id for row in rows])
    parts = store.parts(connection, [row.id for row in rows])
    request = request_store.get(connection, rows[0].request_id)
    is_drill = request is not None and request.drill
    causes = store.told_causes(connection, [row.id for row in rows if row.suspended_because])
    return [
        return_view(
            row,
            bodies.get(row.act_id, {}),
            parts.get(row.id, ()),
            because=causes.get(row.id),
            is_drill=is_drill,
        )
        for row in rows
    ]


def return_view(
    row: ReturnRequestRow,
    said: JsonObject,
    parts: Sequence[Part],
    *,
    because: str | None,
    is_drill: bool,
) -> ReturnRequestView:
    """Return one, as both sides of its leg may see it.

    Args:
        row: The return request.
        said: The body that asks, empty where it was erased.
        parts: What was promised of which hold.
        because: What holds it up, if that is on this leg (`told_causes`).
        is_drill: Whether its freeze request is a drill.
    """
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "requester": row.requester,
        "partner": row.partner,
        "return_status": ReturnStatus(row.status),
        "act_id": row.act_id,
        "act_sha256": row.act_sha256,
        "holds": said.get("holds"),
        "asset": row.asset,
        "amount": "all" if row.amount is None else str(row.amount),
        "destination": _destination(said.get("destination")),
        "basis": said.get("basis"),
        "asked_by": row.asked_by,
        "asked_at": format_time(row.asked_at),
        "decide_by": format_time(row.void_at),
        "decided_by": row.decided_by,
        "decided_at": optional_time(row.decided_at),
        "decided_act_id": row.decided_act_id,
        "answer_by": optional_time(row.answer_by),
        "answered_at": optional_time(row.answered_at),
        "answer_act_id": row.answer_act_id,
        "code": None if row.code is None else ReturnCode(row.code),
        "parts": [_part_view(part) for part in parts],
        "accepted": str(sum(part.accepted or 0 for part in parts)),
        "sent": str(sent_sum(parts)),
        "suspended_at": optional_time(row.suspended_at),
        "suspended_because": because,
        "receipt_act_id": row.receipt_act_id,
        "ended_at": optional_time(row.ended_at),
        "drill": is_drill,
    }


def sent_sum(parts: Sequence[Part]) -> int:
    """Return how much was sent by lines that tell their amounts, in base units."""
    return sum(part.sent for part in parts)


def _part_view(part: Part) -> ReturnPartView:
    return {
        "hold": part.hold_id,
        "accepted": None if part.accepted is None else str(part.accepted),
        "sent": str(part.sent),
    }


def _destination(said: JsonObject | None) -> ReturnDestinationView | None:
    if said is None:
        return None
    return {"id": said["id"], "account": said["account"], "tag": said.get("tag")}

"""Answers as a coordinator gives them, with only what a test is about left to say."""

from typing import Any

from holdfast.protocol.type_ids import new_id

AT = "2026-01-02T03:04:05Z"
SHA256 = "ab" * 32


def request_view(**members: Any) -> dict[str, Any]:
    """Return a request's view."""
    return {
        "id": new_id("frq"),
        "status": "active",
        "requester": "exchange-a.example",
        "submitted_by": new_id("per"),
        "submitted_at": AT,
        "urgency": "urgent",
        "tlp": "AMBER",
        "summary": "s",
        "incident": {"id": new_id("inc"), "title": "t", "kind": "hack", "occurred_at": AT},
        "to": ["exchange-b.example"],
        "address_count": 1,
        "content_sha256": SHA256,
        "hold_hours": 72,
        **members,
    }


def act_view(**members: Any) -> dict[str, Any]:
    """Return the answer to an act."""
    return {"id": new_id("act"), "request_id": new_id("frq"), "status": "active", **members}


def leg_view(**members: Any) -> dict[str, Any]:
    """Return a leg's view."""
    return {
        "id": new_id("leg"),
        "request_id": new_id("frq"),
        "partner": "exchange-b.example",
        "status": "queued",
        "queued_at": AT,
        "acknowledge_by": AT,
        "sequence": 1,
        **members,
    }


def event_view(seq: int, **members: Any) -> dict[str, Any]:
    """Return an event of the feed."""
    return {
        "seq": seq,
        "id": new_id("evt"),
        "type": "leg.acknowledged",
        "timestamp": AT,
        "data": {},
        **members,
    }

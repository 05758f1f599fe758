"""The `webhooks` of the OpenAPI document: every kind of event with its model and a sample."""

from collections.abc import Mapping
from typing import Any

from coordinator.api.reference.schemas import Key, Schema
from holdfast.protocol.events import AUDIENCES, EVENTS, EventKind, samples
from holdfast.protocol.vocabulary import EventType

_HEADERS = {
    "webhook-id": "The event's id, the same over all retries: drop what you have seen.",
    "webhook-timestamp": "Seconds since 1970 of this attempt.",
    "webhook-signature": "Space-separated: `v1,` (HMAC-SHA-256, the endpoint's secret) and `v1a,` "
    "(Ed25519, the coordinator's key).",
}


def webhooks(references: Mapping[Key, Schema]) -> dict[str, Any]:
    """Return the document's `webhooks`, by event type.

    Args:
        references: Of the models of all events' data, too.
    """
    shown = samples()
    return {
        event.value: {
            "post": _operation(event, kind, references[kind.data, "answer"], shown[event.value])
        }
        for event, kind in EVENTS.items()
    }


def _operation(
    event: EventType, kind: EventKind, data: Schema, sample: Mapping[str, Any]
) -> dict[str, Any]:
    when, *more = (" ".join(part.split()) for part in (kind.data.__doc__ or "").split("\n\n"))
    audience = f"Goes to {' and '.join(AUDIENCES[each] for each in kind.audience)}."
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event.value, "description": "The kind of event."},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, RFC 3339 UTC.",
            },
            "data": data,
        },
    }
    return {
        "operationId": "on_" + event.value.replace(".", "_"),
        "summary": when,
        "description": "\n\n".join([audience, *more]),
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": sample}},
        },
        "responses": {
            "2XX": {"description": "Taken; anything else is tried again."},
            "410": {"description": "Gone: nothing of this lane is tried again."},
        },
    }

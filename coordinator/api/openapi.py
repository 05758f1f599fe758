"""OpenAPI 3.1, generated from the routes and the models that validate their bodies."""

import json
from collections.abc import Sequence
from typing import Any

from coordinator.api.reference.events import webhooks
from coordinator.api.reference.operations import TAGS, operation
from coordinator.api.reference.responses import header_components, response_components
from coordinator.api.reference.schemas import Key, components
from coordinator.api.view import Route
from holdfast.protocol import views
from holdfast.protocol.events import EVENTS

_DESCRIPTION = """Inter-exchange freeze requests, coordinated.

Every request but those marked as public is signed: `Authorization: Bearer` carries a JWT
(`typ: holdfast-request+jwt`, EdDSA or ES256) that binds method, URL and body. It is authentication
and evidence at once; see docs/protocol.md for how to make one. Every signed POST, PATCH and DELETE
carries an `Idempotency-Key`. Refusals are problem documents (RFC 9457); their codes are explained
at /docs/problems.

In bodies, null stands for a member that is left out, unless its description says otherwise; members
that are not described are refused. In answers, `required` members are always there, null stands
only where the type allows it, and members that you do not know may come at any time."""


def document_bytes(routes: Sequence[Route], origin: str) -> bytes:
    """Return the OpenAPI document of these routes at `origin`, always the same bytes."""
    # Limits such as 2^53 are beyond canonical JSON, and nobody signs this document.
    return json.dumps(document(routes, origin), sort_keys=True).encode()  # noqa: TID251


def document(routes: Sequence[Route], origin: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    references, definitions = components(_wanted(routes))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": "1",
            "description": _DESCRIPTION,
            "contact": {"name": "The operator of this coordinator", "url": origin},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "security": [{"requestToken": []}],
        "tags": [{"name": tag, "description": text} for tag, text in TAGS.items()],
        "paths": paths,
        "webhooks": webhooks(references),
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "requestToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT (typ: holdfast-request+jwt)",
                    "description": "One token a request, bound to method, URL and body.",
                }
            },
            "headers": header_components(),
            "responses": response_components(references[views.Problem, "answer"]),
        },
    }


def _wanted(routes: Sequence[Route]) -> list[Key]:
    """Return the models that the document has to define, each once."""
    wanted: dict[Key, None] = {(views.Problem, "answer"): None}
    wanted |= {(kind.data, "answer"): None for kind in EVENTS.values()}
    for route in routes:
        if route.view.answer not in {str, bytes}:
            wanted[route.view.answer, "answer"] = None
        if route.view.body is not None:
            wanted[route.view.body, "body"] = None
    return list(wanted)

"""OpenAPI 3.1, generated from the routes and the models that validate their bodies."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from coordinator.api.problems import CONTENT_TYPE
from coordinator.api.view import Route
from holdfast.protocol import views
from holdfast.protocol.payloads import Time
from holdfast.protocol.vocabulary import EventType

_REF = "#/components/schemas/{model}"
_PROBLEM = {"$ref": "#/components/responses/Problem"}
_DESCRIPTION = """Inter-exchange freeze requests, coordinated.

Every request but those marked as public is signed: `Authorization: Bearer` carries a JWT
(`typ: holdfast-request+jwt`, EdDSA or ES256) that binds method, URL and body. It is authentication
and evidence at once; see docs/protocol.md for how to make one. Every POST, PATCH and DELETE carries
an `Idempotency-Key`. Refusals are problem documents (RFC 9457); their codes are explained at
/docs/problems."""
#: What stands in paths, in words; what else can be missing a route says itself (`not_found`).
_NOUNS = {
    "request_id": "freeze request",
    "incident_id": "incident",
    "endpoint_id": "endpoint of yours",
    "delivery_id": "delivery of yours",
    "info_request_id": "question",
    "dispute_id": "dispute",
    "proposal_id": "proposed grant",
}
_OTHER_SPELLING = (
    "Nor is anything at another spelling of this path, or at this path with a query string."
)
_NOT_MODIFIED = "`If-None-Match` names the `ETag` of what you would get: you have it already."
_PRECONDITION_FAILED = "`If-Match` names another `ETag` than that of what you would get."
_CONDITIONS = {
    "If-None-Match": "The `ETag` of the answer that you have; 304 where it is still the same.",
    "If-Match": "The `ETag` of the answer that you want; 412 where it has changed since.",
}
_SIGNATURE_HEADERS = {
    "webhook-id": "The event's id, the same over all retries: drop what you have seen.",
    "webhook-timestamp": "Seconds since 1970 of this attempt.",
    "webhook-signature": "Space-separated: `v1,` (HMAC-SHA-256, the endpoint's secret) and `v1a,` "
    "(Ed25519, the coordinator's key).",
}


class WebhookBody(views.View):
    """What is posted to an endpoint; the feed shows the same."""

    type: str
    timestamp: Time
    data: dict[str, Any]


def document_bytes(routes: Sequence[Route], origin: str) -> bytes:
    """Return the OpenAPI document of these routes at `origin`, always the same bytes."""
    # Limits such as 2^53 are beyond canonical JSON, and nobody signs this document.
    return json.dumps(document(routes, origin), sort_keys=True).encode()  # noqa: TID251


def document(routes: Sequence[Route], origin: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    references, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "security": [{"requestToken": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "webhooks": {event.value: _webhook(event, references) for event in EventType},
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
            "responses": {
                "Problem": {
                    "description": "A refusal, RFC 9457; `code` is stable.",
                    "content": {CONTENT_TYPE: {"schema": references[views.Problem, "answer"]}},
                }
            },
        },
    }


_Key = tuple[type[BaseModel], str]


def _schemas(
    routes: Sequence[Route],
) -> tuple[dict[_Key, dict[str, Any]], dict[str, Any]]:
    """Return (model, "body" or "answer") to its reference, and all definitions."""
    wanted: dict[_Key, None] = {(views.Problem, "answer"): None, (WebhookBody, "answer"): None}
    for route in routes:
        wanted[route.view.answer, "answer"] = None
        if route.view.body is not None:
            wanted[route.view.body, "body"] = None
    modes: dict[str, Any] = {"body": "validation", "answer": "serialization"}
    schemas, definitions = models_json_schema(
        [(model, modes[kind]) for model, kind in wanted], ref_template=_REF
    )
    references = {key: schemas[key[0], modes[key[1]]] for key in wanted}
    return references, definitions["$defs"]


def _operation(route: Route, references: dict[_Key, dict[str, Any]]) -> dict[str, Any]:
    schema = {"application/json": {"schema": references[route.view.answer, "answer"]}}
    known = {"200": {"description": route.view.known, "content": schema}}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [route.tag],
        "summary": route.view.summary,
        "parameters": _parameters(route),
        "responses": {
            str(int(route.view.status)): {"description": "As asked.", "content": schema},
            **(known if route.view.known else {}),
            **_refusals(route, references[views.Problem, "answer"]),
        },
    }
    description = route.view.description
    if route.view.needs is not None:
        description = f"{description} Needs `{route.view.needs.value}`.".strip()
    if description:
        operation["description"] = description
    if not route.view.signed:
        operation["security"] = []
    if route.view.body is not None:
        content = {"application/json": {"schema": references[route.view.body, "body"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(route: Route) -> str:
    words = [part for part in route.path.replace("-", "_").split("/") if part and part != "v1"]
    names = [word.strip("{}.").replace(".", "_") for word in words] or ["service"]
    return "_".join([route.method.lower(), *names])


def _refusals(route: Route, problem: dict[str, Any]) -> dict[str, Any]:
    statuses = ["503"]
    if route.view.signed:
        statuses += ["401", "403", "422", "429"]
    if route.method != "GET":
        statuses += ["400", "408", "409", "413", "415"]
    found: dict[str, Any] = dict.fromkeys(statuses, _PROBLEM)
    content = {CONTENT_TYPE: {"schema": problem}}
    if _is_conditional(route):
        found["304"] = {"description": _NOT_MODIFIED}
        found["412"] = {"description": _PRECONDITION_FAILED, "content": content}
    not_found = _not_found(route)
    if not_found:
        found["404"] = {"description": not_found, "content": content}
    return dict(sorted(found.items()))


def _is_conditional(route: Route) -> bool:
    """Tell whether its answer has an ETag: those of all signed reads do."""
    return route.view.signed and route.method == "GET"


def _not_found(route: Route) -> str:
    """Return what 404 means of a route; empty where it never answers so."""
    nouns = [_NOUNS[name] for name in _path_names(route) if name in _NOUNS]
    sentences = []
    if nouns:
        sentences.append(
            f"There is no such {', or no such '.join(nouns)}, or you may not see it: both look the "
            "same."
        )
    sentences.append(route.view.not_found)
    if route.method != "GET":
        sentences.append(_OTHER_SPELLING)
    return " ".join(filter(None, sentences))


def _path_names(route: Route) -> list[str]:
    return [part[1:-1] for part in route.path.split("/") if part.startswith("{")]


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _path_names(route)
    ]
    if route.view.query is not None:
        found += [
            {"name": name, "in": "query", "required": False, "schema": _plain(schema)}
            for name, schema in _query_properties(route.view.query).items()
        ]
    if _is_conditional(route):
        found += [
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _CONDITIONS.items()
        ]
    if route.method != "GET":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Fresh for every new act, the same for its retries.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,64}$"},
            }
        )
    return found


def _query_properties(query: type[BaseModel]) -> dict[str, Any]:
    schema = query.model_json_schema()
    definitions = schema.get("$defs", {})
    properties: dict[str, Any] = _resolved(schema.get("properties", {}), definitions)
    return properties


def _resolved(value: Any, definitions: dict[str, Any]) -> Any:
    """Replace references by what they refer to; query models are small."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _resolved(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {name: _resolved(item, definitions) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, definitions) for item in value]
    return value


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a query parameter's schema: absent is what null would be."""
    choices = [c for c in schema.get("anyOf", []) if c != {"type": "null"}]
    rest = {k: v for k, v in schema.items() if k not in {"anyOf", "title"} and v is not None}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else rest


def _webhook(event: EventType, references: dict[_Key, dict[str, Any]]) -> dict[str, Any]:
    headers = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in _SIGNATURE_HEADERS.items()
    ]
    body = {
        "allOf": [
            references[WebhookBody, "answer"],
            {"properties": {"type": {"const": event.value}}},
        ]
    }
    return {
        "post": {
            "operationId": "on_" + event.value.replace(".", "_"),
            "summary": f"Event {event.value}",
            "tags": ["webhooks"],
            "security": [],
            "parameters": headers,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "2XX": {"description": "Taken; anything else is tried again."},
                "410": {"description": "Gone: nothing of this lane is tried again."},
            },
        }
    }

"""Headers and refusals: what every answer may bear, and what each status means."""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from coordinator.api import problem_catalog
from coordinator.api.problems import CONTENT_TYPE
from coordinator.api.reference import examples
from coordinator.api.view import Route

Json = dict[str, Any]

#: By name: what it says, its schema, and an example.
_HEADERS: dict[str, tuple[str, Json, Any]] = {
    "ETag": (
        "Names what was read: `If-None-Match` with it spares reading the same again.",
        {"type": "string"},
        '"9f2c4e7a1b3d5f60718293a4b5c6d7e8"',
    ),
    "Idempotency-Replayed": (
        (
            "`true`: this is the stored answer to an earlier request with this `Idempotency-Key`; "
            "nothing was done again."
        ),
        {"type": "string", "const": "true"},
        "true",
    ),
    "Location": (
        "Where to read what was made.",
        {"type": "string", "format": "uri-reference"},
        "/v1/freeze-requests/frq_01kk7h3m6xf9trv2c8e5b4n0qa",
    ),
    "RateLimit": (
        (
            "What is left of your partner's allowance: `r` requests, whole again in `t` seconds "
            "(draft-ietf-httpapi-ratelimit-headers). Absent where the coordinator sets no limit."
        ),
        {"type": "string"},
        '"minute";r=599;t=1',
    ),
    "RateLimit-Policy": (
        "The allowance: `q` requests in `w` seconds. Absent where the coordinator sets no limit.",
        {"type": "string"},
        '"minute";q=600;w=60',
    ),
    "Retry-After": (
        "Whole seconds after which trying again makes sense.",
        {"type": "integer", "minimum": 1},
        2,
    ),
    "WWW-Authenticate": ("How to authenticate.", {"type": "string"}, 'Bearer realm="holdfast"'),
    "X-Request-Id": (
        "The id of this HTTP request: the operator finds it in the log.",
        {"type": "string"},
        "req_01kk7h3m6xf9trv2c8e5b4n0qa",
    ),
}
#: Names of the shared refusals, by status.
NAMES = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.UNAUTHORIZED: "Unauthenticated",
    HTTPStatus.FORBIDDEN: "NotAllowed",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.REQUEST_TIMEOUT: "BodyTimeout",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.GONE: "Erased",
    HTTPStatus.PRECONDITION_FAILED: "PreconditionFailed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "BodyTooLarge",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UnsupportedMediaType",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid",
    HTTPStatus.TOO_MANY_REQUESTS: "RateLimited",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Failed",
    HTTPStatus.SERVICE_UNAVAILABLE: "Unavailable",
}
_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request is no well-formed HTTP, or its body no strict JSON.",
    HTTPStatus.UNAUTHORIZED: "Who sent this could not be established; why is not told.",
    HTTPStatus.FORBIDDEN: "You are known, and may not do this.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.CONFLICT: "It does not fit what is there now, or is there already.",
    HTTPStatus.GONE: "What the request said was erased: `erased` tells when, by whom and why.",
    HTTPStatus.PRECONDITION_FAILED: "`If-Match` names another `ETag` than that of what you would "
    "get.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than this path takes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not announced as JSON in UTF-8.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It can be read, and is not what this path takes: `errors` "
    "names each fault by pointer or parameter.",
    HTTPStatus.TOO_MANY_REQUESTS: "Your partner sends too many requests; nothing was done.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The coordinator failed and stored nothing; a change may be "
    "tried again with the same `Idempotency-Key`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The coordinator cannot do this at present; nothing was "
    "stored.",
}
_OTHER_SPELLING = (
    "Nor is anything at another spelling of this path, or at this path with a query string."
)
_NOT_MODIFIED = "`If-None-Match` names the `ETag` of what you would get: you have it already."
#: What stands in paths, in words; what else can be missing a route says itself (`not_found`).
_NOUNS = {
    "request_id": "freeze request",
    "incident_id": "incident",
    "restitution_id": "restitution",
    "claim_id": "claim",
    "change_id": "change of that claim's account",
    "allocation_id": "allocation",
    "endpoint_id": "endpoint of yours",
    "delivery_id": "delivery of yours",
    "info_request_id": "question",
    "dispute_id": "dispute",
    "encumbrance_id": "encumbrance",
    "legal_order_id": "order",
    "proposal_id": "proposed grant",
}
#: Refusals of a change that are stored, and so repeated.
_STORED = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
}


def header_components() -> Json:
    """Return all headers that answers bear, described, each with an example."""
    return {
        name: {"description": text, "schema": schema, "example": example}
        for name, (text, schema, example) in _HEADERS.items()
    }


def response_components(problem: Json) -> Json:
    """Return the refusals that routes share, by name.

    Args:
        problem: The schema of a problem document, or a reference to it.
    """
    codes = _codes()
    return {
        name: _problem(
            status, f"{_MEANINGS[status]} `code` is one of {_listed(codes[status])}.", problem
        )
        for status, name in NAMES.items()
        if status in _MEANINGS
    }


def success(route: Route, schema: Json, *, description: str, example: Any) -> Json:
    """Return a response in which a route does what was asked.

    Args:
        route: Which.
        schema: Of its answer.
        description: What the answer is.
        example: One of its answers; None where there is none.
    """
    names = ["X-Request-Id"]
    if is_conditional(route):
        names.append("ETag")
    if route.method != "GET" and route.view.signed:
        names += ["Idempotency-Replayed", *(["Location"] if _makes_something(route) else [])]
    if route.view.signed:
        names += ["RateLimit", "RateLimit-Policy"]
    content: Json = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {
        "description": description,
        "headers": _references(names),
        "content": {route.view.content_type: content},
    }


def refusals(route: Route, problem: Json) -> Json:
    """Return what else a route may answer, by status."""
    statuses = [
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ]
    if route.view.signed:
        statuses += [
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
        ]
    elif route.view.body is not None:
        statuses += [HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY]
    if route.method != "GET":
        statuses += [
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ]
    if _is_about_request(route):
        statuses.append(HTTPStatus.GONE)
    if is_conditional(route):
        statuses.append(HTTPStatus.PRECONDITION_FAILED)
    found: Json = {
        str(int(status)): {"$ref": f"#/components/responses/{NAMES[status]}"} for status in statuses
    }
    if is_conditional(route):
        found["304"] = {
            "description": _NOT_MODIFIED,
            "headers": _references(["X-Request-Id", "ETag", "RateLimit", "RateLimit-Policy"]),
        }
    not_found = _not_found(route)
    if not_found:
        found["404"] = _problem(HTTPStatus.NOT_FOUND, not_found, problem)
    return dict(sorted(found.items()))


def is_conditional(route: Route) -> bool:
    """Tell whether its answer has an ETag: those of all signed reads of JSON do."""
    is_json = route.view.content_type == "application/json"
    return route.view.signed and route.method == "GET" and is_json


def _is_about_request(route: Route) -> bool:
    """Tell whether a route reads or changes one request, or repeats the answer about one."""
    changes = {("POST", "/v1/freeze-requests"), ("POST", "/v1/tasks/{task_id}/taken")}
    return "request_id" in path_names(route) or (route.method, route.path) in changes


def _makes_something(route: Route) -> bool:
    return route.path in {"/v1/freeze-requests", "/v1/webhook-endpoints"}


def _problem(status: HTTPStatus, description: str, schema: Json) -> Json:
    names = ["X-Request-Id"]
    if status is HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        names.append("Retry-After")
    if status in _STORED:
        names.append("Idempotency-Replayed")
    content: Json = {"schema": schema}
    example = examples.problem(status)
    if example is not None:
        content["example"] = example
    return {
        "description": description,
        "headers": _references(names),
        "content": {CONTENT_TYPE: content},
    }


def _references(names: Sequence[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _codes() -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for kind in problem_catalog.catalog():
        if kind.code not in found[kind.status]:
            found[kind.status].append(kind.code)
    return found


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _not_found(route: Route) -> str:
    """Return what 404 means of a route; empty where it never answers so."""
    nouns = [_NOUNS[name] for name in path_names(route) if name in _NOUNS]
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


def path_names(route: Route) -> list[str]:
    """Return the names in a route's path."""
    return [part[1:-1] for part in route.path.split("/") if part.startswith("{")]

"""The one place that turns errors into HTTP responses (RFC 9457 problem documents)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask, Response, g
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from coordinator.api.context import current_context
from coordinator.api.database_faults import unavailable
from coordinator.api.sandbox import told_in_sandbox
from coordinator.domain import errors
from coordinator.domain.errors import (
    CoordinatorError,
    FieldFault,
    InvalidInputError,
    ParameterFault,
)
from holdfast.protocol import canonical_json

_log = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"
#: As many single faults as one answer lists; 60,000 of them would be megabytes to read and to keep.
MOST_ERRORS = 1000

STATUS_BY_ERROR: Mapping[type[CoordinatorError], HTTPStatus] = MappingProxyType(
    {
        errors.MalformedBodyError: HTTPStatus.BAD_REQUEST,
        errors.UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        errors.BodyTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
        errors.BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        errors.InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
        errors.AuthenticationError: HTTPStatus.UNAUTHORIZED,
        errors.PermissionDeniedError: HTTPStatus.FORBIDDEN,
        errors.SelfApprovalError: HTTPStatus.FORBIDDEN,
        errors.NotFoundError: HTTPStatus.NOT_FOUND,
        errors.ErasedError: HTTPStatus.GONE,
        errors.PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
        errors.MethodNotAllowedError: HTTPStatus.METHOD_NOT_ALLOWED,
        errors.InvalidTransitionError: HTTPStatus.CONFLICT,
        errors.ConflictError: HTTPStatus.CONFLICT,
        errors.RulebookError: HTTPStatus.CONFLICT,
        errors.GatewayError: HTTPStatus.CONFLICT,
        errors.StaleDocumentError: HTTPStatus.CONFLICT,
        errors.LedgerBreachError: HTTPStatus.CONFLICT,
        errors.IdempotencyConflictError: HTTPStatus.UNPROCESSABLE_ENTITY,
        errors.RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
        errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
TITLES: Mapping[type[CoordinatorError], str] = MappingProxyType(
    {
        errors.MalformedBodyError: "The body is not strict JSON",
        errors.UnsupportedMediaTypeError: "The body must be application/json in UTF-8",
        errors.BodyTimeoutError: "The body came too slowly",
        errors.BodyTooLargeError: "The body is too large",
        errors.InvalidInputError: "Not what this path takes",
        errors.AuthenticationError: "Not authenticated",
        errors.PermissionDeniedError: "Not allowed",
        errors.SelfApprovalError: "Four eyes",
        errors.NotFoundError: "Not found",
        errors.ErasedError: "Erased",
        errors.PreconditionFailedError: "Changed meanwhile",
        errors.MethodNotAllowedError: "Method not allowed",
        errors.InvalidTransitionError: "The life cycle has no such step",
        errors.ConflictError: "Conflict",
        errors.RulebookError: "Another rulebook",
        errors.GatewayError: "No such gateway of yours",
        errors.StaleDocumentError: "Another document",
        errors.LedgerBreachError: "The report would break the ledger",
        errors.IdempotencyConflictError: "Idempotency key used for another request",
        errors.RateLimitedError: "Too many requests",
        errors.UnavailableError: "Unavailable at present",
    }
)


def status_of(error: CoordinatorError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return STATUS_BY_ERROR[type(error)]


def problem_bytes(error: CoordinatorError) -> bytes:
    """Return the problem document of an error.

    It says nothing about why authentication failed, unless this is a sandbox.
    """
    status = status_of(error)
    document: dict[str, Any] = {
        "title": TITLES[type(error)],
        "status": int(status),
    }
    if isinstance(error, errors.AuthenticationError):
        document |= {
            "type": "/docs/problems#unauthenticated",
            "code": "unauthenticated",
            "detail": "The request could not be authenticated.",
        }
        context = current_context()
        if context.is_sandbox:
            document |= {"reason": error.code, "detail": told_in_sandbox(context, error)}
    else:
        document |= {
            "type": f"/docs/problems#{error.code}",
            "code": error.code,
            "detail": error.message,
        }
        document |= _listed(error)
        if error.current_status is not None:
            document["current_status"] = str(error.current_status)
        if isinstance(error, errors.ErasedError) and error.erased is not None:
            document["erased"] = error.erased
    request_id = g.get("request_id")
    if request_id:
        document["request_id"] = request_id
    return canonical_json.dumps(document)


def _listed(error: CoordinatorError) -> dict[str, Any]:
    """Return the count of single faults, and the first `MOST_ERRORS` of them."""
    faults = [
        *({"pointer": e.pointer, "detail": e.detail, "code": e.code} for e in error.errors),
        *({"parameter": e.parameter, "detail": e.detail, "code": e.code} for e in error.parameters),
    ]
    count = len(faults)
    if not count:
        return {}
    members: dict[str, Any] = {"error_count": count, "errors": faults[:MOST_ERRORS]}
    if count > MOST_ERRORS:
        members["detail"] = (
            f"{error.message} ({count} faults in all, of which the first {MOST_ERRORS} are listed)"
        )
    return members


def problem_response(error: CoordinatorError) -> Response:
    """Return the HTTP response to an error."""
    status = status_of(error)
    response = Response(problem_bytes(error), status, content_type=CONTENT_TYPE)
    if isinstance(error, errors.AuthenticationError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="holdfast"'
        _log.info("unauthenticated", reason=error.code, detail=error.message)
    if isinstance(error, errors.UnavailableError) and error.why:
        _log.error("unavailable", reason=error.message, detail=error.why)
    if isinstance(error, errors.RateLimitedError | errors.UnavailableError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def invalid_input(error: ValidationError) -> InvalidInputError:
    """Return pydantic's findings in a body as one error, which does not repeat what was sent."""
    faults = [FieldFault(_pointer(f["loc"]), _message(f), f["type"]) for f in _findings(error)]
    return InvalidInputError(_headline(len(faults)), errors=faults)


def invalid_query(error: ValidationError) -> InvalidInputError:
    """Return pydantic's findings in a query as one error; each names its parameter."""
    faults = [
        ParameterFault(_parameter(f["loc"]), _message(f), f["type"]) for f in _findings(error)
    ]
    return InvalidInputError(_headline(len(faults)), parameters=faults)


def _findings(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _message(finding: ErrorDetails) -> str:
    return _ENUM_MEMBER.sub(r"\1", finding["msg"].removeprefix("Value error, "))


def _pointer(location: tuple[int | str, ...]) -> str:
    # Tags of unions stand in `loc` where no member of that name was sent.
    names = (str(part).replace("~", "~0").replace("/", "~1") for part in _path(location))
    return "".join(f"/{name}" for name in names)


def _parameter(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else ""


def _headline(count: int) -> str:
    return f"{count} fault(s) in what was sent; nothing was stored"


#: How pydantic prints the kinds that a line may have, where only the kind itself is of interest.
_ENUM_MEMBER = re.compile(r"<\w+\.\w+: ('\w+')>")
_UNION_TAGS = frozenset({"new", "known", "literal['all']", "literal['rest']"})


def _path(location: tuple[int | str, ...]) -> list[int | str]:
    return [
        part
        for number, part in enumerate(location)
        if not (
            isinstance(part, str)
            and number > 0
            and (
                part in _UNION_TAGS
                or part.startswith(("list[", "function-", "constrained-", "str-enum["))
                or (isinstance(location[number - 1], int) and _is_line_kind(location, number))
            )
        )
    ]


def _is_line_kind(location: tuple[int | str, ...], number: int) -> bool:
    return location[0] == "lines" and number == 2  # noqa: PLR2004 - /lines/<n>/<kind>


def register(app: Flask) -> None:
    """Answer every refusal and every unexpected error of `app` with a problem document."""

    @app.errorhandler(CoordinatorError)
    def refused(error: CoordinatorError) -> Response:
        return problem_response(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if isinstance(error, NotFound):
            return problem_response(
                errors.NotFoundError("there is nothing at this path; /docs describes all paths")
            )
        if isinstance(error, MethodNotAllowed):
            answer = problem_response(
                errors.MethodNotAllowedError("this path does not take this method")
            )
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
            return answer
        if error.code == HTTPStatus.INTERNAL_SERVER_ERROR:
            # Flask reports an exception outside of the view this way.
            return _unexpected(getattr(error, "original_exception", None) or error)
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return problem_response(errors.BodyTooLargeError("the body is too large"))
        return problem_response(errors.MalformedBodyError("the request is not well-formed HTTP"))

    @app.errorhandler(Exception)
    def unexpected_error(error: Exception) -> Response:
        return _unexpected(error)


def _unexpected(error: BaseException) -> Response:
    away = unavailable(error)
    if away is not None:
        return problem_response(away)
    _log.error("unexpected_error", exc_info=error)
    document = {
        "type": "/docs/problems#internal",
        "title": "Internal error",
        "status": 500,
        "code": "internal",
        "detail": "The coordinator failed; nothing was stored. Try again with the same "
        "Idempotency-Key.",
        "request_id": g.get("request_id") or "",
    }
    return Response(canonical_json.dumps(document), 500, content_type=CONTENT_TYPE)

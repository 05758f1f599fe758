"""Middleware of every request: its id, security headers, log line and metrics."""

import time
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

from coordinator.api.calls import PutOffError, present_call
from coordinator.api.exact_url import require_exact_url
from coordinator.api.metrics import count_request
from coordinator.api.rate_limit import WINDOW_SECONDS, Allowance
from holdfast.protocol.type_ids import new_id

_log = structlog.get_logger("coordinator.access")
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"})
SECURITY_HEADERS = {
    # JSON is never a page; pages set their own policy before this one is looked at.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HSTS = "max-age=31536000; includeSubDomains"


def register(app: Flask, *, is_https: bool) -> None:
    """Have `app` run this before and after every request."""
    always = SECURITY_HEADERS | ({"Strict-Transport-Security": _HSTS} if is_https else {})

    @app.before_request
    def begin() -> None:
        call = present_call()
        g.began = time.monotonic() if call is None else call.began
        _remember_request_id()
        require_exact_url(request.environ)

    @app.errorhandler(PutOffError)
    def put_off(error: PutOffError) -> Response:
        del error
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    @app.after_request
    def finish(response: Response) -> Response:
        call = present_call()
        if call is not None and call.is_put_off:
            return response  # nobody sees it: the front calls again
        _complete(response, always)
        response.headers["X-Request-Id"] = g.request_id
        allowance = g.get("allowance")
        if allowance is not None:
            _tell_allowance(response, allowance)
        _record(response)
        return response


def _complete(response: Response, always: Mapping[str, str]) -> None:
    """Add those headers that the response does not set itself.

    Asking `response.headers` for each would go through all of them each time, twice.
    """
    present = {name.lower() for name, _ in response.headers}
    for name, value in always.items():
        if name.lower() not in present:
            response.headers.add(name, value)


def _remember_request_id() -> None:
    """Give the request an id, for the log and for problem documents."""
    call = present_call()
    g.request_id = new_id("req") if call is None else call.request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _tell_allowance(response: Response, allowance: Allowance) -> None:
    # draft-ietf-httpapi-ratelimit-headers: the policy by name, and what is left of it.
    policy = f'"minute";q={allowance.limit};w={WINDOW_SECONDS}'
    left = f'"minute";r={allowance.remaining};t={allowance.reset_seconds}'
    response.headers["RateLimit-Policy"] = policy
    response.headers["RateLimit"] = left


def _record(response: Response) -> None:
    seconds = time.monotonic() - g.began
    rule = request.url_rule.rule if request.url_rule is not None else "none"
    method = request.method if request.method in _KNOWN_METHODS else "other"
    count_request(method, rule, response.status_code, seconds)
    # The rule, not the path: what is asked about is nobody's business but the partner's.
    _log.info(
        "request",
        method=method,
        route=rule,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        bytes_out=response.content_length,
    )

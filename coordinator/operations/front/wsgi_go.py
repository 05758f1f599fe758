"""One go of a call: the WSGI environment of an ASGI request, and the app's whole answer.

PEP 3333 for the environment. The request target goes along as it was sent, as `RAW_URI`: paths have
one spelling, and what a server decoded would hide another.
"""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

from coordinator.api.calls import ENVIRON_KEY, Call

_CONTENT_HEADERS = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body, whole."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of an ASGI request, without its body."""
    query = scope["query_string"].decode("latin-1")
    target = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    server = scope.get("server") or ("", 0)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "RAW_URI": f"{target}?{query}" if query else target,
        "QUERY_STRING": query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        if name not in _CONTENT_HEADERS:
            name = f"HTTP_{name}"
        value = raw_value.decode("latin-1")
        joint = "; " if name == "HTTP_COOKIE" else ","
        environ[name] = f"{environ[name]}{joint}{value}" if name in environ else value
    return environ


def go(app: WSGIApplication, environ: Mapping[str, Any], call: Call) -> Answer:
    """Call the app once, on this thread, and return all of its answer."""
    call.begin()
    began: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Any:
        del exc_info
        began[:] = [(status, headers)]
        return io.BytesIO().write

    own = {**environ, ENVIRON_KEY: call, "wsgi.input": io.BytesIO(call.body or b"")}
    start: StartResponse = start_response
    parts = app(own, start)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = began[0]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Answer(int(status[:3]), raw, body)

"""A stand-in for a coordinator on a real socket: checks tokens, answers what a test scripts."""

import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.request_token import RequestToken, read_token_front, verify_request_evidence


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    token: RequestToken | None


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer; status 0 breaks the connection without one."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, **members: Any) -> dict[str, Any]:
    """Return a problem document."""
    return {
        "type": f"https://holdfast.invalid/problems/{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        **members,
    }


class StubCoordinator:
    """Answers from a script by method and target; a context that serves on 127.0.0.1."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._came = threading.Condition()
        self.keys: dict[str, PublicKey] = {}
        #: What it says of itself; without a log, as a coordinator of an older release.
        self.service: dict[str, Any] = {
            "name": "Holdfast",
            "version": "1",
            "origin": "https://coordinator.example",
            "time": "2026-03-02T12:00:00Z",
            "max_token_seconds": 120,
            "skew_seconds": 30,
            "docs": "https://coordinator.example/docs",
        }
        self._script: dict[tuple[str, str], deque[Scripted]] = {}
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: the second would wait 40 ms for a late acknowledgement.
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                stub.serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, method: str) -> None:
        """Wait until a request of this method came."""
        with self._came:
            assert self._came.wait_for(lambda: any(s.method == method for s in self.seen), 60)

    def forget_all(self) -> None:
        """Drop the script: what is answered from now on is what is scripted from now on."""
        self._script.clear()

    def answers(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        status: int = 200,
        raw: bytes | None = None,
        **headers: str,
    ) -> None:
        """Add an answer; the last one added for a target is given again and again."""
        content = raw if raw is not None else b"" if body is None else canonical_json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._script.setdefault((method, target), deque()).append(Scripted(status, content, named))

    def forget(self, method: str, target: str) -> bytes | None:
        """Forget the answers of a target; return what the next one's body would have been."""
        script = self._script.pop((method, target), None)
        return script[0].body if script else None

    def _key(self, kid: str, path: str, body: bytes) -> PublicKey:
        """Return a registered key; in joining, the root key comes in the body itself."""
        if path == "/v1/join":
            return PublicKey.from_jwk(strict_json.loads(body)["root_jwk"])
        return self.keys[kid]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Record a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        authorization = handler.headers.get("Authorization", "")
        token = None
        if authorization.startswith("Bearer "):
            front = read_token_front(authorization.removeprefix("Bearer "))
            token = verify_request_evidence(
                front, body, key=self._key(front.kid, handler.path, body), aud=self.origin
            )
        seen = Seen(handler.command, handler.path, dict(handler.headers), body, token)
        with self._came:
            self.seen.append(seen)
            self._came.notify_all()
        script = self._script.get((handler.command, handler.path))
        if script is None and handler.path == "/v1":
            scripted = Scripted(200, canonical_json.dumps(self.service))
        elif script is None and handler.path == "/v1/rulebook":
            scripted = Scripted(200, b'{"coming":[],"in_force":null}')
        elif script is None:
            scripted = Scripted(404, canonical_json.dumps(problem(404, "not_found")))
        else:
            scripted = script.popleft() if len(script) > 1 else script[0]
        if scripted.status == 0:
            handler.close_connection = True
            return
        handler.send_response(scripted.status)
        handler.send_header("Content-Length", str(len(scripted.body)))
        for name, value in scripted.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(scripted.body)

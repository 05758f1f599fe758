"""Somebody between an exchange and the coordinator, who changes what passes through.

A proxy for plain HTTP on loopback: `HTTP_PROXY` leads a command of the kit through it.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import requests

#: Headers that speak of the connection or of the length, and not of the answer.
_NOT_PASSED_ON = frozenset({"connection", "content-encoding", "content-length", "host"})
_NOT_PASSED_BACK = _NOT_PASSED_ON | {"date", "server", "transfer-encoding"}
#: Seconds that the coordinator may take on a busy machine.
_SECONDS = 20.0


class Tampering:
    """Puts `false` in the place of `true` in every answer; a context that serves on 127.0.0.1."""

    def __init__(self, true: str, false: str) -> None:
        session = requests.Session()
        session.trust_env = False  # or it would lead through itself

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Pass a request on, and a changed answer back."""
                kept = _without(self.headers, _NOT_PASSED_ON)
                answer = session.get(self.path, headers=kept, timeout=_SECONDS)
                body = answer.content.replace(true.encode(), false.encode())
                self.send_response(answer.status_code)
                for name, value in _without(answer.headers, _NOT_PASSED_BACK).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._session = session
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

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
        self._server.server_close()
        self._thread.join()
        self._session.close()

    @property
    def environment(self) -> dict[str, str]:
        """What leads a command through here."""
        proxy = f"http://127.0.0.1:{self._server.server_port}"
        return {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}


def _without(headers: Any, names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in names}

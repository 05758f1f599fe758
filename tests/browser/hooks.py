"""A partner's own server, which takes webhooks or does not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hooks:
    """A server on this machine that answers every event with one status.

    Attributes:
        status: What it answers from now on.
        url: Where it is.
        bodies: What it was sent.
    """

    def __init__(self, status: int) -> None:
        self.status = status
        self.bodies: list[bytes] = []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ours.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(ours.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"


@contextmanager
def hooks(status: int = 204) -> Iterator[Hooks]:
    """Run such a server while the block runs."""
    running = Hooks(status)
    thread = threading.Thread(target=running.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        running.server.server_close()
        thread.join()

"""What stands beside a bed: a receiver of pages on this machine, which rings for nobody."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass(slots=True)
class Bedside:
    """Where pages arrive.

    Attributes:
        origin: Where it listens.
        heard: The sentence of each page, by the path that it came to, in order.
    """

    origin: str = ""
    heard: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def bedside() -> Iterator[Bedside]:
    """Give a receiver that takes every page until the block ends."""
    made = Bedside()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take one page."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.heard.append((self.path, str(body["text"]).partition(" http")[0]))
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Write nothing: the board tells of it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

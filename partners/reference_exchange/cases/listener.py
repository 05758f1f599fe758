"""Where the organisations' webhooks go while the cases are told and looked at: it takes everything.

An exchange verifies what it gets (`reference_exchange.app` shows how); here nobody acts on it, and
it is only there so that deliveries arrive, as they do in a network that works.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_NO_CONTENT = 204


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Head and answer in one go: a small answer in two is held up by the other side's delayed ACK.
    wbufsize = -1

    def do_POST(self) -> None:  # the name is the base class's
        """Read a webhook and say that it has arrived."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(_NO_CONTENT)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def listening(host: str) -> Iterator[str]:
    """Yield the URL below which webhooks are taken."""
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="webhooks", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

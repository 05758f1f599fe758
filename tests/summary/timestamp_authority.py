"""A real timestamp authority on loopback: `openssl ts` behind a little HTTP server."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from coordinator.egress.timestamping import TimestampAuthority
from holdfast.protocol.timestamp_token import REPLY_TYPE, read_authorities

#: Without `-chain`: openssl then writes sets in another order than DER asks for.
_CONFIG = """
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""


class TimestampServer(HTTPServer):
    """Answers queries with the keys in its folder; `answer` replaces what it says."""

    folder: Path
    root_pem: bytes
    answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/tsa"

    def client(self) -> TimestampAuthority:
        """Return what asks it and trusts it."""
        return TimestampAuthority(self.url, read_authorities(self.root_pem))

    def reply(self, query: bytes) -> bytes:
        """Return what openssl answers."""
        (self.folder / "query").write_bytes(query)
        _openssl(
            self.folder,
            *("ts", "-reply", "-config", "config", "-section", "here", "-queryfile", "query"),
            *("-signer", "signer.pem", "-inkey", "signer.key", "-out", "reply"),
        )
        return (self.folder / "reply").read_bytes()


class _Handler(BaseHTTPRequestHandler):
    server: TimestampServer

    def do_POST(self) -> None:
        """Answer a query."""
        query = self.rfile.read(int(self.headers["Content-Length"]))
        status, content = self.server.answer or (200, self.server.reply(query))
        self.send_response(status)
        self.send_header("Content-Type", REPLY_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)  # noqa: S607


def make_authority(folder: Path) -> bytes:
    """Make keys and certificates of an authority; returns its root certificate in PEM."""
    (folder / "config").write_text(_CONFIG)
    (folder / "serial").write_text("01")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(
        folder,
        *("req", "-x509", "-config", "/dev/null", *curve, "-keyout", "root.key"),
        *("-out", "root.pem", "-subj", "/CN=Root of the tests", "-days", "30"),
        *("-addext", "keyUsage=critical,keyCertSign"),
    )
    _openssl(
        folder,
        *("req", "-config", "/dev/null", *curve, "-keyout", "signer.key", "-out", "signer.csr"),
        *("-subj", "/CN=Clock of the tests"),
    )
    _openssl(
        folder,
        *("x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key"),
        *("-CAcreateserial", "-out", "signer.pem", "-days", "30"),
        *("-extfile", "config", "-extensions", "signer"),
    )
    return (folder / "root.pem").read_bytes()


@contextmanager
def running_authority() -> Iterator[TimestampServer]:
    """Run an authority while the block runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with TimestampServer(("127.0.0.1", 0), _Handler) as server:
            server.folder, server.root_pem = folder, make_authority(folder)
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

"""A real nginx with the configuration of deploy/, in front of whatever listens on a port."""

import ipaddress
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.deploy.tools import DEPLOY, tool_or_skip
from tests.ports import free_port

HOST = "127.0.0.1"
_START_SECONDS = 30
_MAIN = """{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/holdfast.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and everything behind the head."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Proxy:
    """An nginx that runs."""

    port: int
    certificate: Path

    @property
    def origin(self) -> str:
        """What partners sign."""
        return f"https://{HOST}:{self.port}"

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request target as it stands, which clients would tidy up."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        fields = {
            "Host": f"{HOST}:{self.port}",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with (
            socket.create_connection((HOST, self.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            secured.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
            received = b"".join(iter(lambda: secured.recv(65536), b""))
        answered, _, content = received.partition(b"\r\n\r\n")
        return Answer(int(answered.split()[1]), answered, content)


def configure(folder: Path, port: int, upstream: int) -> Path:
    """Write the configuration of deploy/ with other ports and a certificate of our own."""
    folder.mkdir(exist_ok=True)
    _make_certificate(folder)
    text = (DEPLOY / "nginx" / "holdfast.conf").read_text(encoding="utf-8")
    for pattern, instead in (
        (r"^ +listen \[::\].*\n", ""),
        (r"listen 443 ssl;", f"listen {HOST}:{port} ssl;"),
        (r"listen 80;", f"listen {HOST}:{free_port()};"),
        (r"/etc/ssl/holdfast", str(folder)),
        (r"server 127\.0\.0\.1:8080;", f"server {HOST}:{upstream};"),
    ):
        text, count = re.subn(pattern, instead, text, flags=re.MULTILINE)
        assert count, pattern
    (folder / "holdfast.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    # Else its workers would be nobody, who cannot open a folder of ours.
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(_MAIN.format(folder=folder, user=user), encoding="utf-8")
    return main


@contextmanager
def nginx(folder: Path, upstream: int, port: int | None = None) -> Iterator[Proxy]:
    """Run nginx in front of `upstream`, or skip the test."""
    program = tool_or_skip("nginx", "Debian's package nginx")
    port = port or free_port()
    main = configure(folder, port, upstream)
    log = folder / "error.log"
    process = subprocess.Popen(
        [program, "-p", folder, "-c", main, "-e", log], stdin=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection((HOST, port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < until
                time.sleep(0.05)
        yield Proxy(port, folder / "fullchain.pem")
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "privkey.pem").write_bytes(pem)

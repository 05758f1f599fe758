"""Root keys that partners publish at their own domain: over real TLS, or in a real DNS answer."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import dns.message
import dns.resolver
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.client.published_roots import (
    NothingPublishedError,
    Published,
    PublishedRoots,
    Source,
)
from holdfast.errors import PinMismatchError

HANDLE = "exchange-a.example"
ROOT, OTHER = "r" * 43, "o" * 43
#: Seconds that one side waits for the other on a busy machine.
_PATIENCE = 60.0
_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class _NoRecords:
    """A resolver that knows nothing."""

    def resolve(self, qname: str, rdtype: str, *, lifetime: float) -> list[object]:
        raise OSError(f"no {rdtype} of {qname} within {lifetime}")


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the handle with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HANDLE)])
    now = datetime.now(tz=UTC)  # noqa: TID251 - TLS looks at the host's clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HANDLE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def _served(certificate: Path, answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answer one TLS connection on loopback; yields its port and what was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE)

        def serve() -> None:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                    asked.append(connection.recv(4_096))
                    connection.sendall(answer)
            except OSError:
                pass  # whoever asked refused the certificate, or went away

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            with socket.socket() as last:
                last.connect_ex(listener.getsockname())  # lets a server end that nobody asked
            thread.join()


Ask = Callable[[bytes], tuple[PublishedRoots, list[bytes]]]


def _lookups(certificate: Path, port: int, **changes: object) -> PublishedRoots:
    tls = ssl.create_default_context(cafile=str(certificate))
    return PublishedRoots(
        seconds=_PATIENCE,
        tls=tls,
        address=lambda _host, _port: ("127.0.0.1", port),
        **{"records": _NoRecords(), **changes},  # type: ignore[arg-type]
    )


def _answer(body: str, head: str = _HEAD) -> bytes:
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_it_is_read_over_https(certificate: Path) -> None:
    body = f'{{"roots": ["{ROOT}", "{OTHER}"], "later": 1}}'
    with _served(certificate, _answer(body)) as (port, asked):
        found = _lookups(certificate, port).look_up(HANDLE)
    assert found == Published(HANDLE, frozenset({ROOT, OTHER}), Source.HTTPS)
    assert asked[0].startswith(b"GET /.well-known/holdfast.json HTTP/1.1\r\n")
    assert f"\r\nHost: {HANDLE}\r\n".encode() in asked[0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 301 X\r\nLocation: https://evil.example/\r\n\r\n", "https answers 301"),
        (b"HTTP/1.1 404 X\r\n\r\n", "https answers 404"),
        (_answer("<html>"), "what stands at"),
        (_answer('{"roots": []}'), "what stands at"),
        (_answer('{"roots": ["short"]}'), "no thumbprint of 43"),
        (_answer('{"roots": ["a"], "roots": ["b"]}'), "what stands at"),
        (_answer(" " * 20_000), "more than 16384 bytes"),
        (b"nothing like it", "no answer"),
        (b"", "no answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no answer"),
    ],
)
def test_anything_else_is_nothing_published(certificate: Path, answer: bytes, why: str) -> None:
    with (
        _served(certificate, answer) as (port, _),
        pytest.raises(NothingPublishedError, match=why),
    ):
        _lookups(certificate, port).look_up(HANDLE)


def test_another_hosts_certificate_is_refused(certificate: Path) -> None:
    with (
        _served(certificate, _answer(f'{{"roots": ["{ROOT}"]}}')) as (port, asked),
        pytest.raises(NothingPublishedError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        _lookups(certificate, port).look_up("exchange-b.example")
    assert asked == []


def test_a_text_that_is_no_handle_is_not_looked_up(certificate: Path) -> None:
    with pytest.raises(NothingPublishedError, match="is no handle"):
        _lookups(certificate, 9).look_up("a.example/../x\r\n")


@contextmanager
def _name_server(*texts: str) -> Iterator[dns.resolver.Resolver]:
    """Answer TXT queries on loopback; yields a resolver that asks there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)
        stopped: list[bool] = []

        def serve() -> None:
            while not stopped:
                try:
                    wire, whom = server.recvfrom(4_096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(wire)
                answer = dns.message.make_response(query)
                [question] = query.question
                if texts and question.name.to_text() == f"_holdfast.{HANDLE}.":
                    quoted = [f'"{text}"' for text in texts]
                    records = dns.rrset.from_text(question.name, 60, "IN", "TXT", *quoted)
                    answer.answer.append(records)
                server.sendto(answer.to_wire(), whom)

        thread = Thread(target=serve)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        try:
            yield resolver
        finally:
            stopped.append(True)
            thread.join()


def test_where_https_has_nothing_the_txt_record_counts(certificate: Path) -> None:
    with _name_server("v=spf1 -all", f"holdfast-root={ROOT}") as resolver:
        found = _lookups(certificate, 9, records=resolver).look_up(HANDLE)
    assert found == Published(HANDLE, frozenset({ROOT}), Source.DNS)


@pytest.mark.parametrize("texts", [(), ("v=spf1 -all",), ("holdfast-root=short",)])
def test_other_records_are_nothing_published(certificate: Path, texts: tuple[str, ...]) -> None:
    with (
        _name_server(*texts) as resolver,
        pytest.raises(NothingPublishedError, match="publishes no root key"),
    ):
        _lookups(certificate, 9, records=resolver).look_up(HANDLE)


def test_another_root_than_the_published_one_alarms() -> None:
    published = Published(HANDLE, frozenset({ROOT}), Source.DNS)
    published.require(ROOT)
    with pytest.raises(PinMismatchError, match=f"publishes {ROOT}.*offers {OTHER}"):
        published.require(OTHER)

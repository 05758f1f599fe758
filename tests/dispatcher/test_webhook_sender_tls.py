"""TLS to the checked address: SNI and the certificate are the host's, and time is still bounded."""

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.egress.tls import default_tls
from tests.dispatcher.authority import Authority
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, Script, answering
from tests.dispatcher.sending import BODY, HEADERS, PATIENCE, SHORT, resolving, send_once, sender

pytestmark = pytest.mark.deadlines

HOST = "hooks.example"
RESOLVER = resolving({HOST: ["127.0.0.1"], "other.example": ["127.0.0.1"]})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("authority")))


def test_name_and_certificate_are_the_hosts_though_the_address_was_resolved_before(
    authority: Authority,
) -> None:
    asked: list[str | None] = []
    server = authority.server(HOST)
    server.sni_callback = lambda _object, name, _context: asked.append(name)
    with RawReceiver(answering(ACCEPTED, ACCEPTED), tls=server) as receiver:
        with sender(resolver=RESOLVER, tls=authority.client()) as made:
            for _ in range(2):
                outcome = made.send(receiver.url(host=HOST, scheme="https"), HEADERS, BODY)
                assert outcome.ok, outcome
        assert asked == [HOST]  # and the connection was used again
        assert b"Host: hooks.example:%d\r\n" % receiver.port in receiver.requests[0]


def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(
    authority: Authority,
) -> None:
    server = authority.server("other.example")
    with RawReceiver(answering(ACCEPTED), tls=server) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), resolver=RESOLVER, tls=authority.client()
        )
    assert outcome.error == "tls_certificate"
    assert receiver.requests == []


def test_a_certificate_for_the_address_instead_of_the_name_is_refused(
    authority: Authority,
) -> None:
    with RawReceiver(answering(ACCEPTED), tls=authority.server("127.0.0.1")) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), resolver=RESOLVER, tls=authority.client()
        )
    assert outcome.error == "tls_certificate"


def test_an_authority_that_nobody_trusts_is_refused(authority: Authority) -> None:
    with RawReceiver(answering(ACCEPTED), tls=authority.server(HOST)) as receiver:
        outcome = send_once(receiver.url(host=HOST, scheme="https"), resolver=RESOLVER)
    assert outcome.error == "tls_certificate"
    assert receiver.requests == []


def test_a_certificate_that_has_ended_is_refused(authority: Authority) -> None:
    server = authority.server(HOST, ends=datetime(2021, 1, 1, tzinfo=UTC))
    with RawReceiver(answering(ACCEPTED), tls=server) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), resolver=RESOLVER, tls=authority.client()
        )
    assert outcome.error == "tls_certificate"


def test_a_connection_checked_for_one_name_is_never_used_for_another(authority: Authority) -> None:
    server = authority.server(HOST)
    with (
        RawReceiver(answering(ACCEPTED, ACCEPTED), tls=server) as receiver,
        sender(resolver=RESOLVER, tls=authority.client()) as made,
    ):
        assert made.send(receiver.url(host=HOST, scheme="https"), HEADERS, BODY).ok
        outcome = made.send(receiver.url(host="other.example", scheme="https"), HEADERS, BODY)
    assert outcome.error == "tls_certificate"
    assert len(receiver.requests) == 1


def test_a_receiver_that_speaks_no_tls_is_an_outcome() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        receiver.pause(0.2)

    with RawReceiver(play) as receiver:
        outcome = send_once(receiver.url(host=HOST, scheme="https"), resolver=RESOLVER)
    assert outcome.error == "tls_failed"


def test_a_receiver_that_closes_within_the_handshake_is_an_outcome() -> None:
    def play(_receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        connection.recv(1)

    with RawReceiver(play) as receiver:
        outcome = send_once(receiver.url(host=HOST, scheme="https"), resolver=RESOLVER)
    assert outcome.error == "tls_failed"


def test_a_receiver_that_wants_a_client_certificate_is_an_outcome(authority: Authority) -> None:
    server = authority.server(HOST)
    server.verify_mode = ssl.CERT_REQUIRED
    with RawReceiver(answering(ACCEPTED), tls=server) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), resolver=RESOLVER, tls=authority.client()
        )
    assert outcome.error in {"tls_failed", "connection_lost"}


def dripping_tls(server: ssl.SSLContext, *, from_handshake: bool) -> Script:
    """Speak TLS by hand, so that its records drip byte by byte; 20 ms apart, 60 bytes at most."""

    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.wrap_bio(incoming, outgoing, server_side=True)

        def flush(*, slowly: bool) -> None:
            data = outgoing.read()
            for place in range(100 if slowly else 0):
                connection.sendall(data[place : place + 1])
                receiver.pause(0.02)
            connection.sendall(data[100 if slowly else 0 :])

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                flush(slowly=from_handshake)
                incoming.write(connection.recv(65_536))
        flush(slowly=False)
        while True:
            try:
                tls.read(65_536)
                break
            except ssl.SSLWantReadError:
                incoming.write(connection.recv(65_536))
        tls.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
        flush(slowly=True)

    return play


@pytest.mark.parametrize("from_handshake", [True, False])
def test_dripped_tls_records_do_not_outlast_the_deadline(
    authority: Authority,
    from_handshake: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    script = dripping_tls(authority.server(HOST), from_handshake=from_handshake)
    with RawReceiver(script) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"),
            deadline=SHORT,
            resolver=RESOLVER,
            tls=authority.client(),
        )
    assert outcome.error == "deadline_exceeded"


def test_a_handshake_that_never_comes_to_an_end_ends_at_the_deadline() -> None:
    given_up = threading.Event()
    outlasted = []

    def play(_receiver: RawReceiver, _connection: socket.socket, _number: int) -> None:
        outlasted.append(not given_up.wait(PATIENCE))

    with RawReceiver(play) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), deadline=SHORT, resolver=RESOLVER
        )
        given_up.set()
    assert outcome.error == "deadline_exceeded"
    assert outlasted == [False]


def test_the_dripping_receiver_is_understood_where_time_is_ample(authority: Authority) -> None:
    script = dripping_tls(authority.server(HOST), from_handshake=False)
    with RawReceiver(script) as receiver:
        outcome = send_once(
            receiver.url(host=HOST, scheme="https"), resolver=RESOLVER, tls=authority.client()
        )
    assert outcome.ok, outcome


def test_certificates_are_checked_by_default_and_old_protocols_are_not_spoken() -> None:
    context = default_tls()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_without_authorities_of_the_system_the_bundled_ones_serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert default_tls().cert_store_stats()["x509_ca"] > 0

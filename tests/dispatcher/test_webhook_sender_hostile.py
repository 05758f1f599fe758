"""What a receiver can do to a sender, on real sockets: all of it becomes an outcome.

Whoever drips here comes to a good end after a few seconds: without the deadline it would succeed.
"""

import gzip
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, Script, answering
from tests.dispatcher.sending import BODY, HEADERS, PATIENCE, SHORT, send_once, sender

pytestmark = pytest.mark.deadlines

LIMIT = 65_536


def dripping(*parts: bytes) -> Script:
    """Answer with `parts`, 50 ms apart; with one more part than fit into the deadline."""

    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        for part in parts:
            connection.sendall(part)
            receiver.pause(0.05)

    return play


def drops(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 1] for place in range(len(data)))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 " + b"x" * 40 + b"\r\n\r\n", None),
        (b"HTTP/1.1 204 OK\r\nX: " + b"x" * 40 + b"\r\n\r\n", None),
    ],
)
def test_dripped_headers_do_not_outlast_the_deadline(answer: bytes, status: int | None) -> None:
    with RawReceiver(dripping(*drops(answer))) as receiver:
        outcome = send_once(receiver.url(), deadline=SHORT)
    assert (outcome.error, outcome.status) == ("deadline_exceeded", status)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n", b"x" * 60),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 60),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"28\r\n" + b"x" * 40 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 60 + b"\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0\r\nX: " + b"x" * 60 + b"\r\n\r\n",
        ),
    ],
)
def test_a_dripped_body_does_not_outlast_the_deadline(head: bytes, body: bytes) -> None:
    with RawReceiver(dripping(head, *drops(body))) as receiver:
        outcome = send_once(receiver.url(), deadline=SHORT)
    assert (outcome.error, outcome.status) == ("deadline_exceeded", 200)
    assert not outcome.ok


def test_interim_answers_without_end_do_not_outlast_the_deadline_nor_their_number() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with RawReceiver(dripping(*[interim] * 4, *drops(b" " * 40 + ACCEPTED))) as receiver:
        assert send_once(receiver.url(), deadline=SHORT).error == "deadline_exceeded"
    with RawReceiver(answering(interim * 5 + ACCEPTED)) as receiver:
        assert send_once(receiver.url()).error == "bad_response"


def test_silence_ends_at_the_deadline() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        receiver.pause(3)
        connection.sendall(ACCEPTED)

    with RawReceiver(play) as receiver:
        assert send_once(receiver.url(), deadline=SHORT).error == "deadline_exceeded"


def test_a_receiver_that_never_takes_the_connection_from_its_backlog_ends_at_the_deadline() -> None:
    with RawReceiver(answering(ACCEPTED), accepts=False) as receiver:
        assert send_once(receiver.url(), deadline=SHORT).error == "deadline_exceeded"


def test_a_receiver_that_never_reads_a_large_request_ends_at_the_deadline() -> None:
    given_up = threading.Event()
    outlasted = []

    def play(_receiver: RawReceiver, _connection: socket.socket, _number: int) -> None:
        outlasted.append(not given_up.wait(PATIENCE))

    with RawReceiver(play) as receiver, sender(deadline=SHORT) as made:
        outcome = made.send(receiver.url(), HEADERS, bytes(50_000_000))
        given_up.set()
    assert outcome.error == "deadline_exceeded"
    assert outlasted == [False]


def test_a_connection_that_is_not_accepted_in_time_is_given_up() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # fill the backlog: no further handshake
        try:
            for each in waiting:
                each.settimeout(0)
                each.connect_ex(("127.0.0.1", port))
            outcome = send_once(f"http://127.0.0.1:{port}/", deadline=SHORT)
        finally:
            for each in waiting:
                each.close()
    assert outcome.error == "connect_timeout"


def test_nobody_listening_is_an_outcome() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can come to listen
        outcome = send_once(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert outcome.error == "connect_failed"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
    ],
)
def test_an_endless_body_is_cut_and_the_status_stands(head: bytes) -> None:
    sent = []

    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * LIMIT)
            sent.append(LIMIT)

    with RawReceiver(play) as receiver, sender() as made:
        outcome = made.send(receiver.url(), HEADERS, BODY)
        assert outcome.ok
        assert outcome.status == 200
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert receiver.connections == 2  # never used again
    assert sum(sent) < 1_000 * LIMIT


def test_endless_tiny_chunks_and_endless_trailers_are_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def endless(start: bytes, part: bytes) -> Script:
        def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
            receiver.read_request(connection)
            connection.sendall(head + start)
            while True:
                connection.sendall(part * 1000)

        return play

    for script in (endless(b"", b"1\r\nx\r\n"), endless(b"0\r\n", b"X: y\r\n")):
        with RawReceiver(script) as receiver:
            outcome = send_once(receiver.url())
        assert outcome.ok


def test_a_gzip_bomb_stays_packed() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(50)) + packer.flush()
    assert len(gzip.decompress(bomb)) == 50_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with RawReceiver(answering(head + bomb)) as receiver:
        outcome = send_once(receiver.url())
    assert outcome.ok
    assert outcome.response_excerpt == bomb[:1024]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with RawReceiver(answering(ACCEPTED)) as elsewhere:
        location = elsewhere.url("/stolen", host="127.0.0.2").encode()
        answer = b"HTTP/1.1 %d Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location)
        with RawReceiver(answering(answer, ACCEPTED)) as receiver:
            outcome = send_once(receiver.url())
            assert len(receiver.requests) == 1
        assert elsewhere.connections == 0
    assert (outcome.ok, outcome.status, outcome.error) == (False, status, "redirect_refused")


def test_a_reset_before_the_answer_is_not_retried_by_the_sender() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with RawReceiver(play) as receiver:
        outcome = send_once(receiver.url())
        assert outcome.error == "connection_lost"
        assert receiver.connections == 1


def test_a_reset_within_the_request_loses_the_attempt() -> None:
    def play(_receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with RawReceiver(play) as receiver, sender() as made:
        outcome = made.send(receiver.url(), HEADERS, bytes(50_000_000))
        assert (outcome.error, outcome.status) == ("connection_lost", None)


def test_a_deadline_that_has_passed_before_connecting_connects_to_nothing() -> None:
    with RawReceiver(answering(ACCEPTED)) as receiver:
        assert send_once(receiver.url(), deadline=timedelta(0)).error == "deadline_exceeded"
        assert receiver.connections == 0


def test_a_receiver_that_half_closes_without_an_answer_loses_the_attempt() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.shutdown(socket.SHUT_WR)
        receiver.pause(5)

    with RawReceiver(play) as receiver:
        outcome = send_once(receiver.url())
        assert (outcome.error, outcome.status) == ("connection_lost", None)


def test_a_receiver_that_half_closes_behind_its_answer_is_heard() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
        connection.shutdown(socket.SHUT_WR)
        receiver.pause(5)

    with RawReceiver(play) as receiver:
        assert send_once(receiver.url()).ok


def test_success_before_the_request_was_read_is_no_success() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        receiver.pause(0.05)

    with RawReceiver(play) as receiver, sender() as made:
        outcome = made.send(receiver.url(), HEADERS, bytes(50_000_000))
        assert not outcome.ok
        # Which one hangs on whether the answer overtakes the reset.
        assert outcome.error in {"request_not_read", "connection_lost"}


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n\r\n",
        b"garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b" HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + ACCEPTED,
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n X: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\tfolded: to nothing\r\nX: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 13 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 300 + b"\r\nx",
    ],
)
def test_what_is_no_http_is_a_bad_response(answer: bytes) -> None:
    with RawReceiver(answering(answer)) as receiver:
        outcome = send_once(receiver.url())
    assert not outcome.ok
    assert outcome.error == "bad_response"


@pytest.mark.parametrize(
    "fields",
    [
        b"X: " + b"x" * 16_384,
        b"".join(b"X-%d: y\r\n" % number for number in range(101)),
        b"x" * 1_000_000,
    ],
)
def test_huge_headers_are_refused(fields: bytes) -> None:
    with RawReceiver(answering(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n")) as receiver:
        assert send_once(receiver.url()).error == "headers_too_large"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP",
        b"HTTP/1.1 200 OK\r\nX: y\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
    ],
)
def test_an_answer_broken_off_is_no_success(answer: bytes) -> None:
    with RawReceiver(answering(answer)) as receiver:
        outcome = send_once(receiver.url())
    assert not outcome.ok
    assert outcome.error == "incomplete_response"


def test_no_byte_of_the_receiver_gets_into_the_detail() -> None:
    with RawReceiver(answering(b"<script>alert(1)</script>\r\n\r\n")) as receiver:
        outcome = send_once(receiver.url("/secret-path"))
    assert "script" not in outcome.detail
    assert "secret-path" not in outcome.detail

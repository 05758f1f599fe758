"""What goes over the wire to an honest receiver, and how its answer is read."""

import socket
import struct
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.dispatcher.webhook_sender import MAX_EXCERPT_BYTES, MAX_RETRY_AFTER, Outcome
from coordinator.domain.clock import SteppedClock
from coordinator.egress.http_exchange import Connection
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, answering
from tests.dispatcher.sending import AMPLE, BODY, HEADERS, LOOPBACK, PATIENCE, send_once, sender

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"


def outcome_of(answer: bytes, **more: Any) -> Outcome:
    with RawReceiver(answering(answer)) as receiver:
        return send_once(receiver.url(), **more)


def test_the_request_is_one_plain_post_of_the_bytes_given() -> None:
    with RawReceiver(answering(ACCEPTED)) as receiver:
        outcome = send_once(receiver.url("/hook?token=a"), user_agent="Holdfast/1")
    assert outcome.ok
    assert outcome.status == 204
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert body == BODY
    assert head.split(b"\r\n") == [
        b"POST /hook?token=a HTTP/1.1",
        b"Host: 127.0.0.1:%d" % receiver.port,
        b"User-Agent: Holdfast/1",
        b"Accept-Encoding: identity",
        b"Content-Length: %d" % len(BODY),
        b"webhook-id: msg_1",
        b"webhook-timestamp: 1795377260",
        b"webhook-signature: v1,x",
        b"Content-Type: application/json",
    ]


def test_a_content_type_that_is_given_is_the_only_one() -> None:
    with RawReceiver(answering(ACCEPTED)) as receiver, sender() as made:
        assert made.send(receiver.url(), {"content-type": "text/plain"}, BODY).ok
        head = receiver.requests[0].lower()
    assert head.count(b"content-type:") == 1
    assert b"content-type: text/plain\r\n" in head


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "a\r\nX-More: b"),
        ("webhook-id", "a\nb"),
        ("webhook-id", "a\x00"),
        ("webhook-id", "ü"),
        ("bad name", "a"),
        ("bad:name", "a"),
        ("", "a"),
        ("Host", "other.example"),
        ("host", "other.example"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Accept-Encoding", "gzip"),
    ],
)
def test_headers_that_would_change_the_exchange_are_a_callers_fault(name: str, value: str) -> None:
    with sender() as made, pytest.raises(ValueError, match="header"):
        made.send("http://127.0.0.1:9/", {name: value}, BODY)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    outcome = outcome_of(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % status)
    assert outcome.ok
    assert outcome.error is None
    assert outcome.status == status


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, "redirect_refused"),
        (304, "redirect_refused"),
        (400, "http_status"),
        (404, "http_status"),
        (410, "http_status"),
        (429, "http_status"),
        (500, "http_status"),
        (503, "http_status"),
        (599, "http_status"),
    ],
)
def test_every_other_status_is_failure(status: int, error: str) -> None:
    outcome = outcome_of(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
    assert not outcome.ok
    assert (outcome.status, outcome.error) == (status, error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("60\r\n ", 60),
        ("Thu, 01 Jan 2026 00:02:00 +0000", 120),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("999999", MAX_RETRY_AFTER),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("Thu, 01 Jan 9999 00:00:00 GMT", MAX_RETRY_AFTER),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u00b2", None),
        ("Thu, 01 Jan 2026 00:02:00", None),
        ("Thu, 99 Xyz 2026 99:99:99 GMT", None),
        ("1, 2", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_bounded(
    value: str, seconds: int | None
) -> None:
    outcome = outcome_of(
        b"HTTP/1.1 503 Later\r\nRetry-After: "
        + value.encode("latin-1")
        + b"\r\nContent-Length: 0\r\n\r\n",
        clock=SteppedClock(datetime(2026, 1, 1, tzinfo=UTC)),
    )
    assert outcome.retry_after == seconds


def test_a_retry_after_date_is_never_taken_for_earlier_than_it_is() -> None:
    outcome = outcome_of(
        b"HTTP/1.1 503 Later\r\nRetry-After: Thu, 01 Jan 2026 00:02:00 GMT\r\n\r\n",
        clock=SteppedClock(datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    )
    assert outcome.retry_after == 120


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\t 5\r\nX: a\r\n b: c\r\n d\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nTransfer-Encoding:\n chunked\n\n5\nhello\n0\nX: y\n z\n\n",
        INTERIM + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_the_body_is_read_in_every_framing_of_http_1(answer: bytes) -> None:
    outcome = outcome_of(answer)
    assert outcome.ok
    assert outcome.response_excerpt == b"hello"


def test_the_excerpt_is_bounded() -> None:
    outcome = outcome_of(b"HTTP/1.1 400 No\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
    assert outcome.response_excerpt == b"x" * MAX_EXCERPT_BYTES


def test_a_connection_is_used_again_and_again() -> None:
    with RawReceiver(answering(*[ACCEPTED] * 5)) as receiver, sender() as made:
        outcomes = [made.send(receiver.url(), HEADERS, BODY) for _ in range(5)]
        assert all(outcome.ok for outcome in outcomes)
        assert receiver.connections == 1
        assert len(receiver.requests) == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 204 smuggled\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 smuggled\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_connection_in_doubt_is_not_used_again(answer: bytes) -> None:
    with RawReceiver(answering(answer, answer)) as receiver, sender() as made:
        for _ in range(2):
            assert made.send(receiver.url(), HEADERS, BODY).ok
        assert receiver.connections == 2


def test_bytes_sent_unasked_between_requests_are_never_taken_for_an_answer() -> None:
    sent = threading.Event()

    def play(receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED if number == 0 else b"HTTP/1.1 500 No\r\n\r\n")
        if number == 0:
            receiver.pause(0.1)
            connection.sendall(b"HTTP/1.1 204 forged\r\n\r\n")
            sent.set()
            receiver.pause(5)

    with RawReceiver(play) as receiver, sender() as made:
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert sent.wait(PATIENCE)
        assert made.send(receiver.url(), HEADERS, BODY).status == 500


def test_a_connection_that_the_receiver_closed_while_idle_is_replaced_at_once() -> None:
    closed = threading.Semaphore(0)

    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED)
        connection.shutdown(socket.SHUT_WR)
        closed.release()
        receiver.pause(5)

    with RawReceiver(play) as receiver, sender() as made:
        for _ in range(4):
            assert made.send(receiver.url(), HEADERS, BODY).ok
            assert closed.acquire(timeout=PATIENCE)
        assert receiver.connections == 4


@pytest.mark.parametrize(("told", "connections"), [("timeout=1, max=9", 2), ("timeout=9", 1)])
def test_a_connection_is_not_used_again_when_its_receiver_is_about_to_close_it(
    told: str, connections: int
) -> None:
    kept = f"HTTP/1.1 204 No\r\nKeep-Alive: {told}\r\n\r\n".encode()
    with RawReceiver(answering(kept, kept)) as receiver, sender() as made:
        for _ in range(2):
            assert made.send(receiver.url(), HEADERS, BODY).ok
        assert receiver.connections == connections


def test_a_connection_that_was_reset_while_idle_is_replaced_at_once() -> None:
    answered, done = threading.Event(), threading.Event()

    def play(receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED)
        if number == 0:
            answered.wait(PATIENCE)  # a reset throws away what was not read
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            done.set()

    with RawReceiver(play) as receiver, sender() as made:
        assert made.send(receiver.url(), HEADERS, BODY).ok
        answered.set()
        assert done.wait(PATIENCE)
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert receiver.connections == 2


def test_one_try_is_one_post_though_a_kept_connection_dies_on_use() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED)
        receiver.read_request(connection)  # and perhaps it is done with it, too

    with RawReceiver(play) as receiver, sender() as made:
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert made.send(receiver.url(), HEADERS, BODY).error == "connection_lost"
        assert receiver.connections == 1
        assert len(receiver.requests) == 2


def test_a_kept_connection_that_takes_not_one_byte_is_replaced_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if it closed between the look at it and the first byte.
    monkeypatch.setattr(Connection, "is_quiet", lambda _: True)
    answered, closed = threading.Event(), threading.Event()

    def play(receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED)
        if number == 0:
            answered.wait(PATIENCE)  # a reset throws away what was not read
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            closed.set()

    with RawReceiver(play) as receiver, sender() as made:
        assert made.send(receiver.url(), HEADERS, BODY).ok
        answered.set()
        assert closed.wait(PATIENCE)
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert len(receiver.requests) == 2


def test_a_kept_connection_that_had_begun_to_answer_is_not_retried() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        receiver.read_request(connection)
        connection.sendall(ACCEPTED)
        receiver.read_request(connection)
        connection.sendall(b"HTTP/1.1 2")

    with RawReceiver(play) as receiver, sender() as made:
        assert made.send(receiver.url(), HEADERS, BODY).ok
        assert made.send(receiver.url(), HEADERS, BODY).error == "incomplete_response"
        assert receiver.connections == 1


def test_idle_connections_are_bounded_and_the_longest_idle_goes_first() -> None:
    script = answering(*[ACCEPTED] * 9)
    with RawReceiver(script) as a, RawReceiver(script) as b, RawReceiver(script) as c:
        with sender(pool_size=2) as made:
            for receiver in (a, b, c, b, c, a):
                assert made.send(receiver.url(), HEADERS, BODY).ok
        assert [a.connections, b.connections, c.connections] == [2, 1, 1]


@pytest.mark.parametrize("idle", [timedelta(0), timedelta(milliseconds=20)])
def test_a_connection_idle_for_too_long_is_not_used_again(idle: timedelta) -> None:
    with RawReceiver(answering(ACCEPTED, ACCEPTED)) as receiver, sender(idle=idle) as made:
        for _ in range(2):
            assert made.send(receiver.url(), HEADERS, BODY).ok
            receiver.pause(0.05)
        assert receiver.connections == 2


def test_a_closed_sender_keeps_no_connection() -> None:
    with RawReceiver(answering(ACCEPTED, ACCEPTED)) as receiver, sender() as made:
        made.close()
        for _ in range(2):
            assert made.send(receiver.url(), HEADERS, BODY).ok
        assert receiver.connections == 2


def test_many_threads_share_a_sender_and_each_gets_its_own_answer() -> None:
    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        while True:
            request = receiver.read_request(connection)
            body = request.partition(b"\r\n\r\n")[2]
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )

    wrong: list[object] = []
    with RawReceiver(play) as one, RawReceiver(play) as two, sender(LOOPBACK) as made:

        def work(number: int) -> None:
            for turn in range(40):
                body = b"%d/%d" % (number, turn)
                outcome = made.send((one, two)[turn % 2].url(), HEADERS, body)
                if not outcome.ok or outcome.response_excerpt != body:
                    wrong.append(outcome)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(one.requests) + len(two.requests) == 8 * 40
        assert one.connections <= 8


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawReceiver(answering(ACCEPTED)) as proxy, RawReceiver(answering(ACCEPTED)) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("no_proxy", raising=False)
        assert send_once(receiver.url(), deadline=AMPLE).ok
        assert proxy.connections == 0

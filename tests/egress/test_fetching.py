"""Small documents from hosts that partners name: whole and in time, or not at all."""

import socket
from datetime import timedelta
from ipaddress import ip_network

import pytest

from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher, FetchError
from tests.dispatcher.raw_receiver import RawReceiver, Script

LOOPBACK = EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
pytestmark = pytest.mark.deadlines


def _answers(content: bytes) -> Script:
    def script(receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        del number
        receiver.read_request(connection)
        connection.sendall(content)

    return script


def test_a_whole_answer_comes_with_its_status() -> None:
    with RawReceiver(_answers(b"HTTP/1.1 201 X\r\nContent-Length: 2\r\n\r\n{}")) as receiver:
        fetched = Fetcher(LOOPBACK).post(receiver.url("/x"), {"Authorization": "Basic eA"}, b"a=b")
    assert (fetched.status, fetched.body) == (201, b"{}")
    [request] = receiver.requests
    assert request.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"Authorization: Basic eA\r\n" in request
    assert request.endswith(b"Content-Length: 3\r\n\r\na=b")


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with RawReceiver(_answers(moved)) as receiver:
        assert Fetcher(LOOPBACK).post(receiver.url(), {}, b"").status == 302
        assert receiver.connections == 1


@pytest.mark.parametrize(
    "head", [b"Content-Length: 101\r\n\r\n", b"Connection: close\r\n\r\n"], ids=["said", "unsaid"]
)
def test_what_is_too_large_is_no_answer(head: bytes) -> None:
    with (
        RawReceiver(_answers(b"HTTP/1.1 200 X\r\n" + head + b"x" * 101)) as receiver,
        pytest.raises(FetchError) as refused,
    ):
        Fetcher(LOOPBACK, most_bytes=100).post(receiver.url(), {}, b"")
    assert refused.value.code == "too_large"


def test_who_answers_byte_by_byte_has_the_deadline_and_no_more() -> None:
    def drip(receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        del number
        receiver.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            receiver.pause(0.02)

    with RawReceiver(drip) as receiver, pytest.raises(FetchError) as refused:
        Fetcher(LOOPBACK, deadline=timedelta(milliseconds=400)).post(receiver.url(), {}, b"")
    assert refused.value.code == "deadline_exceeded"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://127.0.0.1/", "https://10.0.0.1/"])
def test_nothing_is_fetched_from_where_no_webhook_may_go(url: str) -> None:
    fetcher = Fetcher(EndpointPolicy())
    for ask in (fetcher.get, fetcher.check):
        with pytest.raises(FetchError) as refused:
            ask(url)
        assert refused.value.code == "blocked_target"


def test_a_name_is_checked_by_every_address_that_it_stands_for() -> None:
    fetcher = Fetcher(EndpointPolicy(), resolver=lambda *_: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(FetchError) as refused:
        fetcher.get("https://rebinding.example/")
    assert refused.value.code == "blocked_target"

"""A page by mail, by a post and by an alert; and what receivers can do to it."""

import socket
from datetime import timedelta
from typing import Any

import pytest

from coordinator.dispatcher.channels import Channels, ChannelSettings, Page
from coordinator.domain.clock import SteppedClock
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.mail import MailServer
from coordinator.storage.membership.on_call import StoredChannel
from tests.dispatcher.mail_server import SENDER, at, mailbox
from tests.dispatcher.paging import body_of, receiver
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, Script, answering
from tests.dispatcher.sending import AMPLE, LOOPBACK, SHORT
from tests.factories import NOON

PAGE = Page(
    "cal_01kk7h3m6xf9trv2c8e5b4n0qa",
    "alm_01kk7h3m6xf9trv2c8e5b4n0qa",
    "A hold of your organisation ends within the hour.",
    "https://console.example/console/requests/frq_1",
    is_test=False,
)
MAIL = StoredChannel("email", address="anna@exchange-b.example")


def _channels(
    *, mail: MailServer | None = None, deadline: timedelta = AMPLE, **more: Any
) -> Channels:
    settings = ChannelSettings(**{"policy": LOOPBACK} | more, mail=mail, deadline=deadline)
    return Channels(settings, clock=SteppedClock(NOON))


def _hook(opened: RawReceiver) -> StoredChannel:
    return StoredChannel("webhook", url=opened.url())


def test_a_post_says_it_in_a_text_that_chats_show() -> None:
    with receiver() as opened:
        assert _channels().send(_hook(opened), PAGE) is None
    assert body_of(opened.requests[0]) == {
        "type": "page",
        "id": PAGE.call_id,
        "alarm": PAGE.alarm_id,
        "test": False,
        "drill": False,
        "text": f"{PAGE.sentence} {PAGE.link}",
        "link": PAGE.link,
    }
    assert b"content-type: application/json\r\n" in opened.requests[0].lower()


def test_a_page_about_a_drill_says_so_to_programs_and_in_the_head_of_a_mail() -> None:
    drill = PAGE._replace(is_drill=True)
    with receiver() as opened:
        assert _channels().send(_hook(opened), drill) is None
    assert body_of(opened.requests[0])["drill"] is True
    subjects = [each.subject for each in (PAGE, drill, drill._replace(is_test=True))]
    assert [subject.partition(":")[0] for subject in subjects] == [
        "Holdfast",
        "Holdfast DRILL",
        "Holdfast",
    ]


@pytest.mark.parametrize("own_url", [True, False])
def test_an_alert_is_what_the_events_api_v2_takes(*, own_url: bool) -> None:
    taken = b'HTTP/1.1 202 Accepted\r\nContent-Length: 20\r\n\r\n{"status":"success"}'
    with receiver(taken) as opened:
        channel = StoredChannel(
            "pagerduty", routing_key="R0KEY", url=opened.url() if own_url else None
        )
        sent = _channels(pager_url="" if own_url else opened.url()).send(channel, PAGE)
    assert sent is None
    told = body_of(opened.requests[0])
    assert told == {
        "routing_key": "R0KEY",
        "event_action": "trigger",
        "dedup_key": PAGE.alarm_id,
        "client": "Holdfast",
        "client_url": PAGE.link,
        "payload": {"summary": PAGE.sentence, "source": "holdfast", "severity": "critical"},
        "links": [{"href": PAGE.link, "text": "Open the console"}],
    }


def test_a_test_wakes_nobody_as_if_it_were_real() -> None:
    with receiver() as opened:
        channel = StoredChannel("pagerduty", routing_key="R0KEY", url=opened.url())
        _channels().send(channel, PAGE._replace(is_test=True))
    assert body_of(opened.requests[0])["payload"]["severity"] == "info"


def test_a_mail_says_it_and_asks_for_no_answer() -> None:
    with mailbox() as box:
        assert _channels(mail=box.server).send(MAIL, PAGE) is None
    [(to, mail)] = box.mails
    assert to == "anna@exchange-b.example"
    assert (mail["From"], mail["To"]) == (SENDER, "anna@exchange-b.example")
    assert mail["Subject"] == "Holdfast: somebody is needed"
    assert mail["Message-ID"] == f"<{PAGE.call_id}@coordinator.example>"
    assert mail["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().split() == [*PAGE.sentence.split(), PAGE.link]


def test_a_mail_that_is_refused_is_not_sent() -> None:
    with mailbox() as box:
        box.refuses = b"550 no such mailbox\r\n"
        assert _channels(mail=box.server).send(MAIL, PAGE) == "refused"
    assert box.mails == []
    assert _channels().send(MAIL, PAGE) == "no_mail"


def test_a_mail_server_that_is_away_is_said_to_be() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can come to listen
        port = taken.getsockname()[1]
        away = MailServer(host="127.0.0.1", port=port, sender=SENDER, tls="none")
        assert _channels(mail=away).send(MAIL, PAGE) == "connect_failed"


@pytest.mark.parametrize("status", [b"301 Moved", b"307 Temporary Redirect", b"404 Not Found"])
def test_a_redirect_is_no_success_and_is_not_followed(status: bytes) -> None:
    with receiver() as elsewhere:
        answer = b"HTTP/1.1 %b\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (
            status,
            elsewhere.url().encode(),
        )
        with receiver(answer) as opened:
            assert _channels().send(_hook(opened), PAGE) == "refused"
        assert elsewhere.connections == 0


def test_a_page_goes_to_no_network_that_is_not_allowed() -> None:
    with receiver() as opened:
        sent = _channels(policy=EndpointPolicy(allowed_networks=())).send(_hook(opened), PAGE)
    assert sent == "host_unusable"
    assert opened.connections == 0


def _dripping(data: bytes) -> Script:
    def play(opened: RawReceiver, connection: socket.socket, _number: int) -> None:
        opened.read_request(connection)
        for place in range(len(data)):
            connection.sendall(data[place : place + 1])
            opened.pause(0.05)

    return play


def _endless(opened: RawReceiver, connection: socket.socket, _number: int) -> None:
    opened.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def _silent(opened: RawReceiver, connection: socket.socket, _number: int) -> None:
    opened.read_request(connection)
    opened.pause(30)


@pytest.mark.deadlines
@pytest.mark.parametrize(
    ("script", "error"),
    [
        # Whoever drips comes to a good end after some seconds: without the deadline, a success.
        (
            _dripping(b"HTTP/1.1 204 No Content\r\nX: " + b"x" * 40 + b"\r\n\r\n"),
            "deadline_exceeded",
        ),
        (_silent, "deadline_exceeded"),
        (_endless, "too_large"),
    ],
)
def test_a_hostile_receiver_holds_a_sender_until_the_deadline(script: Script, error: str) -> None:
    with RawReceiver(script) as opened:
        assert _channels(deadline=SHORT).send(_hook(opened), PAGE) == error


def _drips_greeting(opened: RawReceiver, connection: socket.socket, _number: int) -> None:
    for byte in b"220 " + b"x" * 60 + b"\r\n":
        connection.sendall(bytes([byte]))
        opened.pause(0.05)
    _take(connection)


def _greets_for_long(opened: RawReceiver, connection: socket.socket, _number: int) -> None:
    for _ in range(60):
        connection.sendall(b"220-again\r\n" * 100)
        opened.pause(0.05)
    connection.sendall(b"220 at last\r\n")
    _take(connection)


def _take(connection: socket.socket) -> None:
    for line in connection.makefile("rb"):
        word = line[:4].upper()
        connection.sendall(b"354 go on\r\n" if word == b"DATA" else b"250 OK\r\n")


def _says_nothing(opened: RawReceiver, _connection: socket.socket, _number: int) -> None:
    opened.pause(30)


@pytest.mark.deadlines
@pytest.mark.parametrize("script", [_drips_greeting, _greets_for_long, _says_nothing])
def test_a_mail_server_holds_a_sender_until_the_deadline(script: Script) -> None:
    with RawReceiver(script) as opened:
        sent = _channels(mail=at(opened), deadline=SHORT).send(MAIL, PAGE)
    assert sent == "deadline_exceeded"


def test_what_is_no_mail_server_is_refused() -> None:
    with RawReceiver(answering(ACCEPTED)) as opened:
        assert _channels(mail=at(opened), deadline=SHORT).send(MAIL, PAGE) is not None


def test_a_mail_names_nobody_else_however_its_address_is_written() -> None:
    with mailbox() as box:
        channel = StoredChannel("email", address="a@b.example\r\nBcc: c@d.example")
        assert _channels(mail=box.server).send(channel, PAGE) == "refused"
    assert box.mails == []

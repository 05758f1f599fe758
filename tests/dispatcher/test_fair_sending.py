"""One partner's endpoints misbehave in every way; everybody else hears as if they did not."""

import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import ip_network

import pytest

from coordinator.dispatcher.loop import DeliveryLoop
from coordinator.dispatcher.webhook_sender import Outcome, SenderSettings, WebhookSender
from coordinator.domain.clock import SteppedClock
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.dispatcher.outbox_cast import Outbox, Receiver, Running, eventually
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver
from tests.factories import Cast

pytestmark = pytest.mark.deadlines

SENDERS, SHARE = 16, 4
ENDPOINTS_EACH = 20
#: FAULTS=1 does it as often as is promised; `make bench` measures how soon others hear meanwhile.
TIMES = 3 if os.environ.get("FAULTS") else 1
#: Long enough for those that answer on a busy machine; those that hang take all of it.
DEADLINE = timedelta(seconds=5)
LOOPBACK = EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[Outbox]:
    made = Outbox(database, vault, clock)
    yield made
    made.close()


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    made = WebhookSender(LOOPBACK, SenderSettings(connect_timeout=DEADLINE, deadline=DEADLINE))
    yield made
    made.close()


class Hog:
    """Misbehaves by its path until it is told to answer, and counts what is under way to it."""

    def __init__(self, sender: WebhookSender) -> None:
        self.answers = threading.Event()
        self.most = 0
        self.tries: Counter[str] = Counter()
        self._sender = sender
        self._lock = threading.Lock()
        self._under_way = 0
        self.receiver = RawReceiver(self._play)

    def urls(self) -> list[str]:
        """One endpoint a way to misbehave, over and over."""
        ways = ("hang", "drip", "reset", "refuse")
        return [self.receiver.url(f"/{ways[n % 4]}/{n}") for n in range(ENDPOINTS_EACH)]

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send as the worker does; counts the tries to the hog that are under way at once."""
        if f":{self.receiver.port}/" not in url:
            return self._sender.send(url, headers, body)
        with self._lock:
            self.tries[url] += 1
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            return self._sender.send(url, headers, body)
        finally:
            with self._lock:
                self._under_way -= 1

    def _play(self, receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        way = receiver.read_request(connection).split(b"/")[1]
        if self.answers.is_set():
            connection.sendall(ACCEPTED)
        elif way == b"refuse":
            connection.sendall(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
        elif way == b"drip":
            for byte in ACCEPTED:
                connection.sendall(bytes([byte]))
                receiver.pause(1)
        elif way == b"hang":
            receiver.pause(20)


@pytest.mark.parametrize("time", range(TIMES))
def test_others_hear_while_a_partner_misbehaves_in_every_way_and_it_hears_in_the_end(
    outbox: Outbox, cast: Cast, sender: WebhookSender, clock: SteppedClock, time: int
) -> None:
    del time
    hog = Hog(sender)
    others = (cast.a, cast.b, cast.c)
    with ExitStack() as stack:
        stack.enter_context(hog.receiver)
        good = stack.enter_context(Receiver())
        for url in hog.urls():
            outbox.endpoint(cast.d.lead, url)
        for other in others:
            for number in range(ENDPOINTS_EACH):
                outbox.endpoint(other.lead, f"{good.url}/{number}")
        # The hog's are due first, several for each endpoint.
        theirs = [outbox.event(cast.d.handle, f"frq_{number}") for number in range(3)]
        for number in range(3):
            for other in others:
                outbox.event(other.handle, f"frq_{number}")
        loop = outbox.loop(
            hog.send,
            senders=SENDERS,
            partner_share=SHARE,
            deadline=DEADLINE,
        )
        with Running(loop):
            wanted = 3 * ENDPOINTS_EACH * len(others)
            assert good.wait_for(lambda: len(good.got) == wanted, 60)
            assert outbox.value(_DELIVERED_OF, e=theirs[-1]) == 0
            most = hog.most
            hog.answers.set()
            eventually(lambda: _is_all_told(outbox, theirs) or _go_on(clock, loop), 60)
    assert most <= SHARE
    assert len(hog.tries) == ENDPOINTS_EACH


def test_an_endpoint_that_does_not_answer_is_tried_for_all_it_is_owed_at_once(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    tries: list[str] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        del url, body
        tries.append(headers["webhook-id"])
        return Outcome(error="connect_timeout", detail="hangs", duration_seconds=0)

    outbox.endpoint(cast.b.lead)
    for number in range(40):
        outbox.event(cast.b.handle, f"frq_{number}")
    waiting = "SELECT COUNT(*) FROM lane WHERE due_at > :now AND lease_token IS NULL"
    loop = outbox.loop(send, senders=4, partner_share=2)
    with Running(loop):
        for _ in range(4):
            now = int(clock.now().timestamp() * 1_000_000)
            eventually(lambda now=now: outbox.value(waiting, now=now) == 40)  # type: ignore[misc]  # as it is now
            clock.step(timedelta(seconds=70))
            loop.wake()
    # Two before it was known, one that showed that it goes on, then one each time; each request for
    # itself would have made 160.
    assert len(tries) <= 7


_DELIVERED_OF = "SELECT COUNT(*) FROM delivery WHERE event_id = :e AND status = 'delivered'"


def _go_on(clock: SteppedClock, loop: DeliveryLoop) -> bool:
    """Let a retry's time go by."""
    clock.step(timedelta(seconds=20))
    loop.wake()
    return False


def _is_all_told(outbox: Outbox, events: list[str]) -> bool:
    return all(outbox.value(_DELIVERED_OF, e=event) == ENDPOINTS_EACH for event in events)

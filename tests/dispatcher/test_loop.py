"""The delivery loop against real receivers: signed, in order, again after a crash, never twice."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from coordinator.dispatcher.loop import SLOW_SECONDS, DeliveryLoop, LoopSettings
from coordinator.dispatcher.parcels import Parcel, name_lost
from coordinator.dispatcher.webhook_sender import WebhookSender
from coordinator.domain.clock import SteppedClock
from coordinator.storage.delivery.lanes import Head
from coordinator.storage.delivery.webhook_endpoints import EndpointDocument, Secret
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.wakeup import Watcher
from holdfast.protocol.webhook_signature import verify
from tests.dispatcher.outbox_cast import (
    WEBHOOK_KEY,
    Outbox,
    Received,
    Receiver,
    Running,
    eventually,
)
from tests.dispatcher.sending import sender as sending
from tests.factories import Cast


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fake sender says."""

    status: int | None = 204
    error: str | None = None
    retry_after: int | None = None
    detail: str = ""
    response_excerpt: bytes = b""


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[Outbox]:
    made = Outbox(database, vault, clock)
    yield made
    made.close()


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    with sending() as made:
        yield made


def test_every_delivery_is_signed_twice_and_carries_the_stored_bytes(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        endpoint = outbox.endpoint(cast.b.lead, receiver.url)
        event = outbox.event(cast.b.handle, "frq_1")
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) == 1)
    got = receiver.got[0]
    verified = verify(
        got.headers,
        got.body,
        secrets=[endpoint.secret],
        public_keys=[WEBHOOK_KEY.public],
        now=int(outbox.clock.now().timestamp()),
    )
    assert verified.id == event
    with outbox.database.engine.connect() as connection:
        assert got.body == load_one(connection, outbox.vault, event, "body")
    assert outbox.status(event) == "delivered"


def test_events_of_one_lane_arrive_in_order(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        events = [outbox.event(cast.b.handle, "frq_1") for _ in range(10)]
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) == 10)
    assert [received.id for received in receiver.got] == events


def test_an_event_committed_while_the_loop_waits_goes_out(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    watcher = Watcher(outbox.database)
    watcher.start()
    with Receiver() as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        with Running(outbox.loop(sender.send, watcher=watcher, poll=timedelta(seconds=1))):
            event = outbox.event(cast.b.handle)
            assert receiver.wait_for(lambda: receiver.counts[event] == 1)
    watcher.stop()


def test_a_refused_delivery_comes_again_under_the_same_id(
    outbox: Outbox, cast: Cast, sender: WebhookSender, clock: SteppedClock
) -> None:
    refused = threading.Event()

    def answer(_: Received) -> int:
        return 204 if refused.is_set() else 503

    with Receiver(answer) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        event = outbox.event(cast.b.handle, "frq_1")
        loop = outbox.loop(sender.send)
        with Running(loop):
            assert receiver.wait_for(lambda: len(receiver.got) == 1)
            refused.set()
            eventually(
                lambda: outbox.value("SELECT attempt FROM lane WHERE request_id = 'frq_1'") == 1
            )
            clock.step(timedelta(seconds=3))
            loop.wake()
            assert receiver.wait_for(lambda: len(receiver.got) == 2)
    assert receiver.counts == {event: 2}
    assert outbox.status(event) == "delivered"
    stamps = [received.headers["webhook-timestamp"] for received in receiver.got]
    assert stamps[0] != stamps[1], "the timestamp is the attempt's"


def test_a_crash_between_sending_and_completing_sends_again_under_the_same_id(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        event = outbox.event(cast.b.handle, "frq_1")

        class PowerCutError(BaseException):
            """What no handler of ours catches."""

        def send_and_die(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
            sender.send(url, headers, body)
            raise PowerCutError

        threading.excepthook, hook = (lambda _: None), threading.excepthook
        try:
            doomed = outbox.loop(send_and_die, senders=1, deadline=timedelta(0))
            with Running(doomed):
                assert receiver.wait_for(lambda: len(receiver.got) == 1)
        finally:
            threading.excepthook = hook
        assert outbox.status(event) == "pending"
        outbox.expire_leases()
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) == 2)
    assert receiver.counts == {event: 2}
    assert outbox.status(event) == "delivered"


def test_two_workers_never_send_the_same_head(
    outbox: Outbox, cast: Cast, sender: WebhookSender, database_url: str
) -> None:
    other_database = open_database(database_url)
    other = Outbox(other_database, outbox.vault, outbox.clock)
    with Receiver() as receiver:
        for exchange in (cast.b, cast.c):
            outbox.endpoint(exchange.lead, receiver.url)
        events = [
            outbox.event(handle, f"frq_{number % 7}")
            for number in range(40)
            for handle in (cast.b.handle, cast.c.handle)
        ]
        with Running(outbox.loop(sender.send)), Running(other.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) >= len(events))
    assert receiver.counts == dict.fromkeys(events, 1)
    other_database.engine.dispose()


def test_a_worker_told_to_stop_ends_what_it_sends_and_claims_nothing_more(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    go_on = threading.Event()

    def answer(_: Received) -> int:
        go_on.wait(20)
        return 204

    with Receiver(answer) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        first, second = (outbox.event(cast.b.handle, "frq_1") for _ in range(2))
        running = Running(outbox.loop(sender.send))
        with running:
            assert receiver.wait_for(lambda: len(receiver.got) == 1)
            running.stop.set()
            go_on.set()
    assert (outbox.status(first), outbox.status(second)) == ("delivered", "pending")
    assert outbox.rows("SELECT 1 FROM lane WHERE lease_token IS NOT NULL") == []
    assert outbox.value("SELECT due_at FROM lane WHERE request_id = 'frq_1'") is not None


def test_an_endpoint_that_is_gone_kills_the_delivery_and_its_successor_names_it(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    def answer(received: Received) -> int:
        return 410 if received.id == lost[0] else 204

    lost: list[str] = []
    with Receiver(answer) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        lost.append(outbox.event(cast.b.handle, "frq_1"))
        after = outbox.event(cast.b.handle, "frq_1")
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: receiver.counts[after] == 1)
    assert outbox.status(lost[0]) == "dead"
    named = json.loads(receiver.got[1].body)["data"]["previous_undelivered"]
    assert named == lost


def test_when_an_endpoint_answers_again_its_lanes_do_not_wait_out_their_time(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    is_up = threading.Event()
    sent: list[str] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        del url, body
        sent.append(headers["webhook-id"])
        return Answer() if is_up.is_set() else Answer(None, "connect_failed")

    outbox.endpoint(cast.b.lead)
    waiting = [outbox.event(cast.b.handle, f"frq_{number}") for number in range(3)]
    loop = outbox.loop(send)
    with Running(loop):
        eventually(lambda: outbox.value("SELECT COUNT(*) FROM lane WHERE attempt = 1") == 3)
        outbox.change("UPDATE lane SET due_at = due_at + 3600000000")  # an hour's wait
        assert outbox.value("SELECT failing_since FROM webhook_endpoint") is not None
        is_up.set()
        fresh = outbox.event(cast.b.handle, "frq_9")
        loop.wake()
        eventually(lambda: outbox.status(fresh) == "delivered")
        clock.step(timedelta(seconds=6))  # beyond the jitter, far short of the hour
        loop.wake()
        eventually(lambda: all(outbox.status(event) == "delivered" for event in waiting))
    assert outbox.value("SELECT failing_since FROM webhook_endpoint") is None
    assert len(sent) == 7


def test_a_delivery_that_the_endpoint_refuses_for_itself_is_not_hurried_by_others(
    outbox: Outbox, cast: Cast
) -> None:
    poison: list[str] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        del url, body
        return Answer(500, "http_status") if headers["webhook-id"] in poison else Answer()

    outbox.endpoint(cast.b.lead)
    poison.append(outbox.event(cast.b.handle, "frq_1"))
    loop = outbox.loop(send)
    with Running(loop):
        eventually(lambda: outbox.value("SELECT attempt FROM lane WHERE request_id = 'frq_1'") == 1)
        due = outbox.value("SELECT due_at FROM lane WHERE request_id = 'frq_1'")
        good = outbox.event(cast.b.handle, "frq_2")
        loop.wake()
        eventually(lambda: outbox.status(good) == "delivered")
    assert outbox.value("SELECT due_at FROM lane WHERE request_id = 'frq_1'") == due


def test_an_erased_event_is_cancelled_and_its_successors_go(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        erased = outbox.event(cast.b.handle, "frq_1")
        after = outbox.event(cast.b.handle, "frq_1")
        outbox.change("DELETE FROM document WHERE owner_id = :e", e=erased)
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: receiver.counts[after] == 1)
    assert outbox.status(erased) == "cancelled"
    assert receiver.counts[erased] == 0


def test_a_body_that_cannot_be_opened_holds_up_no_other(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        broken = outbox.event(cast.b.handle, "frq_1")
        good = outbox.event(cast.b.handle, "frq_2")
        outbox.change("UPDATE document SET sealed = :x WHERE owner_id = :e", x=b"x" * 64, e=broken)
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: receiver.counts[good] == 1)
    assert outbox.status(broken) == "pending"
    assert receiver.counts[broken] == 0


def test_a_fault_of_our_own_while_sending_is_a_failed_try(outbox: Outbox, cast: Cast) -> None:
    def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        del url, headers, body
        raise RuntimeError("a bug")

    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    with Running(outbox.loop(send)):
        eventually(lambda: bool(outbox.rows("SELECT number, status, error FROM attempt")))
        tries = outbox.rows("SELECT number, status, error FROM attempt")
    assert tries == [(1, None, "internal")]


def test_a_process_that_stood_still_beyond_its_lease_does_not_begin_to_send(
    outbox: Outbox, cast: Cast
) -> None:
    sent: list[str] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        del headers, body
        sent.append(url)
        return Answer()

    endpoint = outbox.endpoint(cast.b.lead)
    head = Head(
        endpoint.id,
        "",
        "token",
        priority=2,
        attempt=0,
        tried_since=None,
        gaps=0,
        delivery_id="dlv_1",
        event_id="evt_1",
        event_type="t",
        seq=1,
        attempts=0,
        endpoint_version=1,
        failing_since=None,
        partner=cast.b.handle,
    )
    document = EndpointDocument("http://x", None, (Secret(endpoint.secret),))
    parcel = Parcel(head, document, b"{}", outbox.vault.new_key()[0])
    loop = outbox.loop(send)
    late = loop._try(parcel, time.monotonic() - 1)
    assert late.is_unsent
    assert sent == []
    assert not loop._try(parcel, time.monotonic() + 60).is_unsent
    assert sent == ["http://x"]


def test_a_lease_that_does_not_outlast_the_deadline_is_refused(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="outlast"):
        outbox.loop(
            lambda *_: Answer(), lease=timedelta(seconds=10), deadline=timedelta(seconds=10)
        )
    assert LoopSettings().lease > LoopSettings().deadline


def test_naming_lost_events_changes_no_other_byte() -> None:
    body = b'{"data":{"log":{},"x":1},"timestamp":"t","type":"y"}'
    named = name_lost(body, ["evt_1", "evt_2"])
    assert named.replace(b'"previous_undelivered":["evt_1","evt_2"],', b"") == body
    assert json.loads(named)["data"]["previous_undelivered"] == ["evt_1", "evt_2"]
    assert name_lost(body, []) == body


def _send_one(loop: DeliveryLoop, *, seconds: float = 0.01) -> None:
    """Do what one sender does with the next job, as if it took so long."""
    job = loop._jobs.get_nowait()
    assert job is not None
    result = replace(loop._try(*job), duration=timedelta(seconds=seconds))
    loop._results.append(result)


def test_heads_are_claimed_ahead_while_receivers_are_quick_and_none_while_they_are_slow(
    outbox: Outbox, cast: Cast
) -> None:
    for exchange in cast.all:
        outbox.endpoint(exchange.lead)
    for number in range(20):
        for exchange in cast.all:
            outbox.event(exchange.handle, f"frq_{number}")
    loop = outbox.loop(lambda *_: Answer(), senders=4, partner_share=2)
    loop._guarded_cycle(may_claim=True)
    assert loop._jobs.qsize() == 8
    while loop._slow_part <= 0.25:
        _send_one(loop, seconds=SLOW_SECONDS + 1)
        loop._guarded_cycle(may_claim=True)
    while loop._jobs.qsize() > 4:
        _send_one(loop, seconds=SLOW_SECONDS + 1)
        loop._guarded_cycle(may_claim=True)
    _send_one(loop, seconds=SLOW_SECONDS + 1)
    loop._guarded_cycle(may_claim=True)
    assert loop._jobs.qsize() == 4
    while loop._slow_part > 0.25:
        _send_one(loop)
        loop._guarded_cycle(may_claim=True)
    for _ in range(3):
        loop._guarded_cycle(may_claim=True)
    assert loop._jobs.qsize() == 8


def test_legs_are_told_after_the_notices_and_not_between_them(outbox: Outbox, cast: Cast) -> None:
    for exchange in cast.all:
        outbox.endpoint(exchange.lead)
    for number in range(3):
        for exchange in cast.all:
            outbox.event(exchange.handle, f"frq_{number}", event_type="freeze_request.received")
    waiting: list[int] = []

    def note() -> None:
        waiting.append(loop._jobs.qsize())

    loop = outbox.loop(lambda *_: Answer(), senders=4, partner_share=2, on_notice=note)
    loop._guarded_cycle(may_claim=True)
    for _ in range(12):
        _send_one(loop)
        loop._guarded_cycle(may_claim=True)
    assert waiting == [0]


def test_what_notices_came_to_is_told_though_the_worker_stops(outbox: Outbox, cast: Cast) -> None:
    for exchange in cast.all:
        outbox.endpoint(exchange.lead)
        outbox.event(exchange.handle, "frq_1", event_type="freeze_request.received")
    told: list[bool] = []
    loop = outbox.loop(
        lambda *_: Answer(), senders=4, partner_share=2, on_notice=lambda: told.append(True)
    )
    loop._guarded_cycle(may_claim=True)
    _send_one(loop)
    loop._guarded_cycle(may_claim=False)
    assert told == [True]

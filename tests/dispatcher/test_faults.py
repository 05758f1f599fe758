"""Faults that delivery must survive, against real receivers on loopback, with an injected clock.

Small counts by default; FAULTS=1 takes those that are promised. CONTRIBUTING says which test is
which fault's.
"""

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest

from coordinator.dispatcher.loop import SendOutcome
from coordinator.dispatcher.webhook_sender import WebhookSender
from coordinator.domain.clock import SteppedClock
from coordinator.domain.delivery import RECOVERY_SPREAD
from coordinator.storage.delivery import lane_store
from coordinator.storage.delivery.lane_store import LaneStore
from coordinator.storage.delivery.lanes import Cycle
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.dispatcher.outbox_cast import Outbox, Received, Receiver, Running, eventually
from tests.dispatcher.sending import sender as sending
from tests.dispatcher.test_lanes import claim
from tests.factories import Cast

WHOLE = bool(os.environ.get("FAULTS"))
EVENTS, OUTAGES, STEPS = (10_000, 3, 10) if WHOLE else (120, 1, 4)
REQUESTS = EVENTS // 20
SENDERS = 8
#: The limit only ends a broken test.
PATIENCE = 600 if WHOLE else 60


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[Outbox]:
    made = Outbox(database, vault, clock)
    yield made
    made.close()


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    with sending() as made:
        yield made


def tries(outbox: Outbox) -> int:
    return int(outbox.value("SELECT COUNT(*) FROM attempt"))


@pytest.mark.parametrize("outage", range(OUTAGES))
def test_after_a_day_without_its_receiver_everything_comes_in_order_and_no_stampede(
    outbox: Outbox, cast: Cast, clock: SteppedClock, sender: WebhookSender, outage: int
) -> None:
    del outage
    is_up = threading.Event()
    together, most = set[int](), [0]

    def answer(_: Received) -> int:
        together.add(threading.get_ident())
        most[0] = max(most[0], len(together))
        together.discard(threading.get_ident())
        return 204 if is_up.is_set() else 503

    with Receiver(answer) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        owed = defaultdict(list)
        for number in range(EVENTS):
            request = f"frq_{number % REQUESTS}"
            owed[request].append(outbox.event(cast.b.handle, request))
        loop = outbox.loop(sender.send, senders=SENDERS, partner_share=SENDERS)
        with Running(loop):
            eventually(lambda: tries(outbox) >= REQUESTS or len(receiver.got) > 0)
            for _ in range(24):
                before = tries(outbox)
                clock.step(timedelta(hours=1))
                loop.wake()
                outbox.value("SELECT 1")
                threading.Event().wait(0.02)
                # What is tried in an hour without an answer is a few, not everything again.
                assert tries(outbox) - before <= REQUESTS + SENDERS
            is_up.set()
            posts = len(receiver.got)
            clock.step(timedelta(hours=24))  # to the next try: of one, which has all others come
            eventually(lambda: _step_until_delivered(outbox, clock, loop.wake, receiver), PATIENCE)
    assert most[0] <= SENDERS
    # Everything once when it was up, and in order: no delivery was tried by two at once.
    taken = [received.id for received in receiver.got[posts:]]
    assert len(taken) <= EVENTS + SENDERS
    place = {event: number for number, event in enumerate(taken)}
    for events in owed.values():
        order = [place[event] for event in events]
        assert order == sorted(order)


def _step_until_delivered(
    outbox: Outbox, clock: SteppedClock, wake: object, receiver: Receiver
) -> bool:
    """Let a little time pass; tell whether all has come."""
    clock.step(RECOVERY_SPREAD)
    wake()  # type: ignore[operator]
    receiver.wait_for(lambda: False, 0.1)
    pending = outbox.value("SELECT COUNT(*) FROM delivery WHERE status <> 'delivered'")
    return int(pending) == 0


HOUR = timedelta(hours=1)


class _Held:
    """A receiver that answers when it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()

    def __call__(self, received: Received) -> int:
        del received
        self.answers.wait(PATIENCE)
        return 204


def test_a_clock_that_is_stepped_by_an_hour_to_and_fro_sends_nothing_twice_and_keeps_the_order(
    outbox: Outbox, cast: Cast, clock: SteppedClock, sender: WebhookSender
) -> None:
    held = _Held()
    lanes = [f"frq_{number}" for number in range(SENDERS // 2)]
    owed: dict[str, list[str]] = {lane: [] for lane in lanes}
    with Receiver(held) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        # Two workers: what one of them sends must not look free to the other.
        loops = [outbox.loop(sender.send, senders=SENDERS, partner_share=SENDERS) for _ in "ab"]
        with Running(loops[0]), Running(loops[1]):
            for number in range(STEPS):
                held.answers.clear()
                posts = len(receiver.got)
                for lane in lanes:
                    owed[lane] += [outbox.event(cast.b.handle, lane) for _ in range(2)]
                under_way = posts + len(lanes)
                assert receiver.wait_for(lambda most=under_way: len(receiver.got) >= most)  # type: ignore[misc]  # the default binds it
                clock.step(-HOUR if number % 2 else HOUR)
                for _ in range(2):
                    # A third worker finds nothing, though all that is under way is due.
                    assert claim(outbox) == []
                    for loop in loops:
                        loop.wake()
                assert len(receiver.got) == under_way
                held.answers.set()
                eventually(lambda: _is_settled(outbox), PATIENCE)
    assert receiver.counts == dict.fromkeys((e for events in owed.values() for e in events), 1)
    came = [received.id for received in receiver.got]
    for events in owed.values():
        assert [event for event in came if event in events] == events
    assert outbox.value("SELECT COUNT(*) FROM attempt") == len(came)


class _SpellingOfBefore(lane_store._Spelling):
    """A lease is over when `lease_until` says so, whatever its token is."""

    @property
    def due(self) -> str:
        until = f"(lease_until IS NULL OR lease_until < {self.lease_now})"
        return f"due_at <= {self.mark('now')} AND {until}"


class _LanesOfBefore(LaneStore):
    """Claims as the code before leases had a steady clock did; its tokens are random alone."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._spelling = _SpellingOfBefore(is_sqlite=database.is_sqlite)
        self._sql = lane_store._statements(self._spelling)

    def _dated(self, cycle: Cycle) -> Cycle:
        return cycle


def test_workers_of_two_versions_lose_nothing_and_send_nothing_twice(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    """An older one, as far as it can be had: its code is not, what it reads and writes is.

    That it runs on the newer schema at all is held by `tests/storage/test_migrations`.
    """
    by = {"old": Counter[str](), "new": Counter[str]()}
    have_both_begun = threading.Event()

    def sending_as(version: str) -> Callable[[str, Mapping[str, str], bytes], SendOutcome]:
        def send(url: str, headers: Mapping[str, str], body: bytes) -> SendOutcome:
            by[version][headers["webhook-id"]] += 1
            if all(by.values()):
                have_both_begun.set()
            return sender.send(url, headers, body)

        return send

    def answer(_: Received) -> int:
        # More lanes wait than one worker claims, so that the other finds some, however late it is.
        have_both_begun.wait(PATIENCE)
        threading.Event().wait(0.02)  # in which another worker looks for what it may claim
        return 204

    lanes = [f"frq_{number}" for number in range(SENDERS)]
    with Receiver(answer) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url)
        owed = {lane: [outbox.event(cast.b.handle, lane) for _ in range(8)] for lane in lanes}
        old, new = (outbox.loop(sending_as(version), senders=2, partner_share=2) for version in by)
        old._lanes = _LanesOfBefore(outbox.database)
        with Running(old), Running(new):
            eventually(lambda: _is_settled(outbox), PATIENCE)
    assert receiver.counts == dict.fromkeys((e for events in owed.values() for e in events), 1)
    came = [received.id for received in receiver.got]
    for events in owed.values():
        assert [event for event in came if event in events] == events
    assert all(by.values()), "both had a part in it"


def _is_settled(outbox: Outbox) -> bool:
    """Tell whether nothing is owed any more."""
    owed = "SELECT COUNT(*) FROM delivery WHERE status <> 'delivered'"
    return int(outbox.value(owed)) == 0

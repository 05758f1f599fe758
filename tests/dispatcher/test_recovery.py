"""What comes back by itself: after outages, tests, Retry-After and 410; and what is told of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from coordinator.dispatcher.timers import TimerRun, all_timers
from coordinator.dispatcher.webhook_sender import WebhookSender
from coordinator.domain.clock import SteppedClock, from_micros
from coordinator.domain.delivery import FAILING_AFTER, RECOVERY_SPREAD
from coordinator.domain.fair_shares import FairShares
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.delivery.webhook_endpoints import (
    RecoverEndpoint,
    SendTestEvent,
    UpdateEndpoint,
)
from coordinator.storage.delivery import answer_texts
from coordinator.storage.delivery.answer_texts import DOCUMENT
from coordinator.storage.delivery.lanes import Completion, Head
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import payloads
from holdfast.protocol.vocabulary import EventType
from tests.dispatcher.outbox_cast import Endpoint, Outbox, Receiver, Running, eventually
from tests.dispatcher.raw_receiver import RawReceiver
from tests.dispatcher.sending import sender as sending
from tests.dispatcher.test_lanes import claim, complete, cycle, delivered, retried
from tests.dispatcher.test_loop import Answer
from tests.factories import Cast
from tests.rulebook import ANY_EVIDENCE, command_context
from tests.services.request_cast import policies

HOUR = timedelta(hours=1)


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Iterator[Outbox]:
    made = Outbox(database, vault, clock)
    yield made
    made.close()


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    with sending() as made:
        yield made


def run(outbox: Outbox, command: object, cast: Cast) -> Mapping[str, Any]:
    context = command_context(outbox.database, outbox.vault, outbox.clock)
    with transaction(context, ANY_EVIDENCE) as uow:
        answer = execute(command, cast.b.lead.actor, uow)
        uow.finish(answer)
    return answer.body


def fire(outbox: Outbox) -> None:
    TimerRun(outbox.context, on_commit=lambda: None, timers=all_timers(policies())).run_due()


def refused(outbox: Outbox, head: Head, wait: timedelta) -> Completion:
    return replace(
        retried(outbox, head, wait), is_unanswered=False, answered=500, error="http_status"
    )


def busy(outbox: Outbox, head: Head, seconds: int) -> Completion:
    wait = timedelta(seconds=seconds)
    return replace(retried(outbox, head, wait), answered=503, retry_after=seconds)


def due_in(outbox: Outbox, request_id: str) -> timedelta:
    micros = outbox.value("SELECT due_at FROM lane WHERE request_id = :r", r=request_id)
    return from_micros(micros) - outbox.clock.now()


@pytest.mark.parametrize("outage", [FAILING_AFTER, FAILING_AFTER - timedelta(seconds=1)])
def test_what_was_refused_in_a_long_outage_is_due_when_it_is_over(
    outbox: Outbox, cast: Cast, clock: SteppedClock, outage: timedelta
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    complete(outbox, refused(outbox, claim(outbox)[0], 2 * HOUR))
    clock.step(outage)
    outbox.event(cast.b.handle, "frq_2")
    complete(outbox, delivered(outbox, claim(outbox)[0]))
    is_due = due_in(outbox, "frq_1") <= RECOVERY_SPREAD
    # A shorter one waits a minute at most by itself; one bad event must not be tried at each good.
    assert is_due == (outage >= FAILING_AFTER)


def test_a_test_waits_neither_for_old_events_nor_for_what_hangs(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle)
    outbox.event(cast.b.handle, "frq_1")
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1")
    shares = FairShares(2, partner_share=1)
    assert len(claim(outbox, shares=shares)) == 1, "the one try that a failing endpoint gets"
    wanted = run(outbox, SendTestEvent(endpoint_id=endpoint.id), cast)
    assert [h.event_id for h in claim(outbox, shares=shares)] == [wanted["event_id"]]


def test_tests_of_a_crowded_partner_are_claimed_once(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    for number in range(6):
        outbox.event(cast.b.handle, f"frq_{number}")
    shares = FairShares(8, partner_share=2)
    assert cycle(outbox, 4, shares).is_cut
    wanted = run(outbox, SendTestEvent(endpoint_id=endpoint.id), cast)
    assert wanted["event_id"] in [h.event_id for h in claim(outbox, shares=shares)]


def test_a_test_that_is_taken_makes_all_due_and_ends_the_wait_that_was_asked_for(
    outbox: Outbox, cast: Cast
) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    outbox.event(cast.b.handle, "frq_2")
    first, second = claim(outbox)
    complete(outbox, busy(outbox, first, 3_000), refused(outbox, second, HOUR))
    run(outbox, SendTestEvent(endpoint_id=endpoint.id), cast)
    complete(outbox, delivered(outbox, claim(outbox)[0]))
    assert due_in(outbox, "frq_1") <= RECOVERY_SPREAD
    assert due_in(outbox, "frq_2") <= RECOVERY_SPREAD
    assert outbox.value("SELECT busy_until FROM webhook_endpoint") is None


def test_a_test_is_tried_once_and_is_nothing_that_was_given_up(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver(lambda _: 503) as receiver:
        endpoint = outbox.endpoint(cast.b.lead, receiver.url)
        wanted = run(outbox, SendTestEvent(endpoint_id=endpoint.id), cast)
        with Running(outbox.loop(sender.send)):
            eventually(lambda: outbox.status(str(wanted["event_id"])) == "dead")
        again = run(outbox, SendTestEvent(endpoint_id=endpoint.id), cast)
        with Running(outbox.loop(sender.send)):
            eventually(lambda: outbox.status(str(again["event_id"])) == "dead")
    assert receiver.counts == {wanted["event_id"]: 1, again["event_id"]: 1}
    assert "previous_undelivered" not in json.loads(receiver.got[1].body)["data"]
    assert run(outbox, RecoverEndpoint(endpoint_id=endpoint.id), cast)["queued"] == 0


def test_a_sample_says_its_type_to_one_endpoint_and_is_in_no_feed(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        endpoint = outbox.endpoint(cast.b.lead, receiver.url)
        command = SendTestEvent(endpoint_id=endpoint.id, event_type=EventType.REQUEST_RECEIVED)
        wanted = run(outbox, command, cast)
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) == 1)
            eventually(lambda: outbox.status(str(wanted["event_id"])) == "delivered")
    body = json.loads(receiver.got[0].body)
    assert (body["type"], body["data"]["sample"]) == ("freeze_request.received", True)
    assert outbox.value("SELECT type FROM event WHERE id = :e", e=wanted["event_id"]) == (
        "endpoint.test"
    )
    fed = "SELECT COUNT(*) FROM event_audience a JOIN event e ON e.seq = a.seq WHERE e.id = :e"
    assert outbox.value(fed, e=wanted["event_id"]) == 0
    assert outbox.value("SELECT COUNT(*) FROM delivery WHERE owes IS NOT NULL") == 0


def test_an_endpoint_that_asks_to_wait_is_left_alone_by_all_its_lanes(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    outbox.endpoint(cast.b.lead)
    waiting = outbox.event(cast.b.handle, "frq_1")
    complete(outbox, busy(outbox, claim(outbox)[0], 600))
    fresh = outbox.event(cast.b.handle, "frq_2", urgency="urgent")
    flash = outbox.event(cast.b.handle, "frq_3", urgency="flash")
    assert claim(outbox) == []
    assert timedelta(seconds=600) <= due_in(outbox, "frq_2") <= timedelta(seconds=605)
    clock.step(timedelta(seconds=299))
    assert claim(outbox) == []
    clock.step(timedelta(seconds=1))
    assert [h.event_id for h in claim(outbox)] == [flash], "five minutes are the most for a flash"
    outbox.change("UPDATE lane SET due_at = NULL WHERE request_id = 'frq_3'")
    clock.step(timedelta(seconds=306))
    assert [h.event_id for h in claim(outbox)] in ([fresh], [waiting])


def test_a_good_answer_does_not_cut_short_what_the_endpoint_asked_for(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    outbox.event(cast.b.handle, "frq_2")
    first, second = claim(outbox)
    complete(outbox, busy(outbox, first, 60))
    complete(outbox, delivered(outbox, second))
    assert due_in(outbox, "frq_1") <= RECOVERY_SPREAD, "it is looked at again"
    outbox.clock.step(timedelta(seconds=6))  # type: ignore[attr-defined]  # of these tests it is
    assert claim(outbox) == []
    assert due_in(outbox, "frq_1") >= timedelta(seconds=54)


def test_a_try_that_began_in_an_outage_does_not_wait_as_if_it_lasted(
    outbox: Outbox, cast: Cast
) -> None:
    loop = outbox.loop(lambda *_: Answer(None, "connect_failed"))
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    complete(outbox, replace(retried(outbox, claim(outbox)[0], HOUR), attempt=7))
    outbox.event(cast.b.handle, "frq_2")
    head = claim(outbox)[0]
    assert head.shared_wait is not None
    result = loop._try(loop._packed([head])[0], float("inf"))  # type: ignore[arg-type]
    loop._shares.takes(head)
    assert loop._judge(result, outbox.clock.now()).due_at == head.shared_wait.retry_at
    loop._shares.end(head, is_good=True)
    due = loop._judge(result, outbox.clock.now()).due_at
    assert due is not None
    assert due - outbox.clock.now() <= timedelta(seconds=2)


@pytest.mark.parametrize("changes", [{"description": "mended"}, {"enabled": True}])
def test_a_change_makes_everything_due(outbox: Outbox, cast: Cast, changes: dict[str, Any]) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    complete(outbox, busy(outbox, claim(outbox)[0], 3_000))
    body = payloads.EndpointChanges.model_validate(changes)
    run(outbox, UpdateEndpoint(endpoint_id=endpoint.id, body=body), cast)
    assert timedelta() <= due_in(outbox, "frq_1") <= RECOVERY_SPREAD
    assert outbox.value("SELECT busy_until FROM webhook_endpoint") is None


def test_a_recovery_sends_what_was_given_up_in_order_and_what_waits(
    outbox: Outbox, cast: Cast, sender: WebhookSender
) -> None:
    with Receiver() as receiver:
        endpoint = outbox.endpoint(cast.b.lead, receiver.url)
        arrived = outbox.event(cast.b.handle, "frq_1")
        complete(outbox, delivered(outbox, claim(outbox)[0]))
        lost = [outbox.event(cast.b.handle, "frq_1") for _ in range(3)]
        outbox.change("UPDATE delivery SET status = 'dead' WHERE status = 'pending'")
        waits = outbox.event(cast.b.handle, "frq_2")
        outbox.change("UPDATE lane SET due_at = NULL WHERE request_id = 'frq_1'")
        outbox.change("UPDATE lane SET due_at = due_at + 3600000000 WHERE due_at IS NOT NULL")
        answer = run(outbox, RecoverEndpoint(endpoint_id=endpoint.id), cast)
        assert answer["queued"] == 3
        outbox.clock.step(timedelta(seconds=6))  # type: ignore[attr-defined]  # beyond the jitter
        with Running(outbox.loop(sender.send)):
            assert receiver.wait_for(lambda: len(receiver.got) == 4)
    got = [received.id for received in receiver.got]
    assert [event for event in got if event in lost] == lost
    assert waits in got
    assert arrived not in got


def gone(outbox: Outbox, cast: Cast) -> tuple[Endpoint, Endpoint, Sequence[str]]:
    """Have one of two endpoints say that it is gone, with a notice and another event waiting."""
    dead, other = outbox.endpoint(cast.b.lead), outbox.endpoint(cast.b.lead)
    owed = [
        outbox.event(cast.b.handle, "frq_1"),
        outbox.event(cast.b.handle, "frq_1", event_type="freeze_request.received"),
    ]
    head = next(head for head in claim(outbox) if head.endpoint_id == dead.id)
    complete(outbox, replace(refused(outbox, head, HOUR), answered=410))
    fire(outbox)
    return dead, other, owed


def test_an_endpoint_that_is_gone_is_turned_off_and_its_partner_told(
    outbox: Outbox, cast: Cast
) -> None:
    dead, other, owed = gone(outbox, cast)
    enabled = "SELECT enabled FROM webhook_endpoint WHERE id = :e"
    assert not outbox.value(enabled, e=dead.id)
    assert outbox.value(enabled, e=other.id)
    told = outbox.rows(
        "SELECT a.partner, d.endpoint_id FROM event e JOIN event_audience a ON a.seq = e.seq "
        "JOIN delivery d ON d.event_id = e.id WHERE e.type = 'endpoint.disabled'"
    )
    assert told == [(cast.b.handle, other.id)], "in the feed, and on its other endpoints"
    left = "SELECT event_id, status, owes FROM delivery WHERE endpoint_id = :e ORDER BY seq"
    assert outbox.rows(left, e=dead.id) == [
        (owed[0], "dead", None),
        (owed[1], "dead", "dead"),
    ]
    fire(outbox)
    assert outbox.value("SELECT COUNT(*) FROM event WHERE type = 'endpoint.disabled'") == 1


@pytest.mark.parametrize("replay", [True, False])
def test_turning_it_on_again_replays_on_request(
    outbox: Outbox, cast: Cast, *, replay: bool
) -> None:
    dead, _, owed = gone(outbox, cast)
    missed = outbox.event(cast.b.handle, "frq_2")
    body = payloads.EndpointChanges.model_validate({"enabled": True, "replay": replay})
    run(outbox, UpdateEndpoint(endpoint_id=dead.id, body=body), cast)
    pending = "SELECT event_id FROM delivery WHERE endpoint_id = :e AND status = 'pending'"
    found = {event for (event,) in outbox.rows(pending, e=dead.id)}
    assert (found >= {*owed, missed}) == replay
    assert replay or found == set()
    assert outbox.rows(
        "SELECT gone_at, disabled_at FROM webhook_endpoint WHERE id = :e", e=dead.id
    ) == [(None, None)]


def failing_send(*_: object) -> Answer:
    return Answer(500, "http_status", None, "the receiver answered 500", b"no such customer")


def test_a_failed_try_is_one_line_of_the_log_without_path_or_body(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead, "http://127.0.0.1:9/secret-path?token=1")
    event = outbox.event(cast.b.handle, "frq_1", note="very private")
    with capture_logs() as logs, Running(outbox.loop(failing_send)):
        eventually(lambda: outbox.value("SELECT attempts FROM delivery") == 1)
    lines = [line for line in logs if line["event"] == "delivery_failed"]
    assert len(lines) == 1
    line = lines[0]
    assert (line["status"], line["error"], line["attempt"]) == (500, "http_status", 1)
    assert (line["partner"], line["event_type"]) == (cast.b.handle, "freeze.found")
    assert line["next_attempt_at"] > "2026"
    for secret in ("secret-path", "token=1", "very private", "customer", event):
        assert secret not in str(logs)


def test_what_a_failed_answer_said_is_sealed_and_kept_for_a_day(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")

    def kept() -> tuple[int, str] | None:
        delivery = outbox.value("SELECT id FROM delivery")
        with outbox.database.engine.connect() as connection:
            return answer_texts.read(connection, outbox.vault, delivery)

    loop = outbox.loop(failing_send)
    with Running(loop):
        eventually(lambda: kept() == (1, "no such customer"))
        clock.step(timedelta(seconds=3))
        loop.wake()
        eventually(lambda: kept() == (2, "no such customer"))
    assert outbox.value("SELECT COUNT(*) FROM document WHERE name = :n", n=DOCUMENT) == 1
    stored = outbox.value("SELECT sealed FROM document WHERE name = :n", n=DOCUMENT)
    assert b"customer" not in bytes(stored)
    timers = TimerRun(outbox.context, on_commit=lambda: None, timers=())
    clock.step(timedelta(hours=23, minutes=59))
    timers.run_due()
    assert kept() is not None
    timers = TimerRun(outbox.context, on_commit=lambda: None, timers=())
    clock.step(timedelta(minutes=2))
    timers.run_due()
    assert kept() is None
    assert outbox.value("SELECT answer_until FROM delivery") is None


def test_an_answer_in_good_standing_is_not_kept(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    with Running(outbox.loop(lambda *_: Answer(200, response_excerpt=b"thank you"))):
        eventually(lambda: outbox.status(event) == "delivered")
    assert outbox.value("SELECT COUNT(*) FROM document WHERE name = :n", n=DOCUMENT) == 0


def test_a_receiver_that_drops_its_connection_is_posted_to_once_a_try(
    outbox: Outbox, cast: Cast, sender: WebhookSender, clock: SteppedClock
) -> None:
    def take_and_drop(receiver: RawReceiver, connection: Any, _: int) -> None:
        receiver.read_request(connection)

    with RawReceiver(take_and_drop) as receiver:
        outbox.endpoint(cast.b.lead, receiver.url())
        outbox.event(cast.b.handle, "frq_1")
        loop = outbox.loop(sender.send)
        with Running(loop):
            for number in (1, 2, 3):
                eventually(
                    lambda n=number: outbox.value("SELECT attempts FROM delivery") == n  # type: ignore[misc]
                )
                assert len(receiver.requests) == number
                clock.step(timedelta(minutes=2))
                loop.wake()

"""What came of a test and of each try, as the owner of an endpoint reads it; with a real worker."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from coordinator.api.outcomes import OutcomeWait
from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import views
from tests.dispatcher.outbox_cast import Outbox, Receiver, Running, eventually
from tests.dispatcher.raw_receiver import RawReceiver, answering
from tests.dispatcher.sending import sender
from tests.factories import Cast, Signer

PATH = "/v1/webhook-endpoints"
REFUSAL = b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nno \xff such"


@pytest.fixture
def patient(app: Flask, database: Database, vault: Vault, clock: SteppedClock) -> Iterator[Outbox]:
    """A worker beside the app, which waits for what comes of a test."""
    context = app.extensions["holdfast"]
    wait = OutcomeWait(timedelta(seconds=20), 1)
    app.extensions["holdfast"] = replace(context, outcome_wait=wait)
    outbox = Outbox(database, vault, clock)
    with sender() as made, Running(outbox.loop(made.send, poll=timedelta(seconds=0.05))):
        yield outbox
    outbox.close()


def register(signer: Signer, cast: Cast, url: str) -> str:
    made = signer.post(cast.b.lead, PATH, {"url": url})
    return f"{PATH}/{made.get_json()['id']}"


@pytest.mark.usefixtures("patient")
def test_the_answer_to_a_test_says_what_came_of_it(signer: Signer, cast: Cast) -> None:
    with Receiver() as receiver:
        one = register(signer, cast, receiver.url)
        answer = signer.post(cast.b.lead, f"{one}/test")
        told = answer.get_json()
        assert (answer.status_code, told["status"]) == (202, "delivered")
        assert [(a["status"], a["error"]) for a in told["delivery"]["attempts"]] == [(204, None)]
        assert receiver.counts == {told["event_id"]: 1}


@pytest.mark.usefixtures("patient")
def test_a_test_that_fails_is_told_and_what_was_answered_can_be_read_by_its_owner(
    signer: Signer, cast: Cast
) -> None:
    with RawReceiver(answering(REFUSAL)) as receiver:
        one = register(signer, cast, receiver.url())
        told = signer.post(cast.b.lead, f"{one}/test").get_json()
    assert told["status"] == "dead"
    [attempt] = told["delivery"]["attempts"]
    assert (attempt["status"], attempt["error"]) == (500, "http_status")
    path = f"/v1/deliveries/{told['delivery']['id']}"
    read = _until_kept(signer, cast, path)
    shown = views.DeliveryContentView.model_validate(read)
    [tried] = shown.attempts
    assert tried.answer == "no \N{REPLACEMENT CHARACTER} such"
    assert tried.request_headers["webhook-id"] == told["event_id"]
    sent = receiver.requests[0].lower()
    for name, value in tried.request_headers.items():
        assert f"\r\n{name}: {value}\r\n".lower().encode() in sent
    assert b"webhook-signature" in sent
    assert "webhook-signature" not in tried.request_headers
    assert (shown.request_id, shown.payload and shown.payload["type"]) == (None, "endpoint.test")
    assert signer.get(cast.a.lead, path).status_code == 404


def _until_kept(signer: Signer, cast: Cast, path: str) -> dict[str, Any]:
    """Read a delivery until its answer is kept: that is another transaction than its outcome."""
    read: dict[str, Any] = {}

    def is_kept() -> bool:
        read.update(signer.get(cast.b.auditor, path).get_json())
        return read["attempts"][0]["answer"] is not None

    eventually(is_kept)
    return read


@pytest.mark.usefixtures("patient")
def test_a_test_carries_a_sample_of_any_event(signer: Signer, cast: Cast) -> None:
    with Receiver() as receiver:
        one = register(signer, cast, receiver.url)
        answer = signer.post(cast.b.lead, f"{one}/test", {"event_type": "freeze.frozen"})
        assert answer.get_json()["status"] == "delivered"
        assert b'"type":"freeze.frozen"' in receiver.got[0].body
        feed = signer.get(cast.b.lead, "/v1/events").get_json()["events"]
        assert answer.get_json()["event_id"] not in {event["id"] for event in feed}
    bad = signer.post(cast.b.lead, f"{one}/test", {"event_type": "freeze.thawed"})
    assert bad.status_code == 422


@pytest.mark.usefixtures("patient")
def test_a_test_is_sent_once_however_often_its_call_is_repeated(signer: Signer, cast: Cast) -> None:
    with Receiver() as receiver:
        one = register(signer, cast, receiver.url)
        first, again = (
            signer.post(cast.b.lead, f"{one}/test", key="the-same-key") for _ in range(2)
        )
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.get_json() == first.get_json()
        assert len(receiver.got) == 1


def test_a_test_is_queued_where_nobody_can_wait_for_it(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    one = register(signer, cast, "http://127.0.0.1:9/hook")
    wait = OutcomeWait(timedelta(hours=1), 1)
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], outcome_wait=wait)
    assert wait._places.acquire(blocking=False)
    told = signer.post(cast.b.lead, f"{one}/test").get_json()
    assert (told["status"], told["delivery"]["status"]) == ("queued", "pending")


def test_nobody_waits_for_a_test_in_a_process_that_ends(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    one = register(signer, cast, "http://127.0.0.1:9/hook")
    wait = OutcomeWait(timedelta(hours=1), 1)
    context = replace(app.extensions["holdfast"], outcome_wait=wait)
    context.watcher.stop()
    app.extensions["holdfast"] = context
    assert signer.post(cast.b.lead, f"{one}/test").get_json()["status"] == "queued"
    assert wait._places.acquire(blocking=False), "its place is free again"


def test_what_was_given_up_is_recovered_by_one_call(signer: Signer, cast: Cast) -> None:
    one = register(signer, cast, "http://127.0.0.1:9/hook")
    answer = signer.post(cast.b.lead, f"{one}/recover", {"since": "2026-03-01T00:00:00Z"})
    assert (answer.status_code, answer.get_json()["queued"]) == (202, 0)
    assert signer.post(cast.b.lead, f"{one}/recover").status_code == 202
    assert signer.post(cast.a.lead, f"{one}/recover").status_code == 404
    signer.send(cast.b.lead, "PATCH", one, {"enabled": False})
    assert signer.post(cast.b.lead, f"{one}/recover").status_code == 409


def test_replay_goes_with_turning_on_what_was_off(signer: Signer, cast: Cast) -> None:
    one = register(signer, cast, "http://127.0.0.1:9/hook")
    for body in ({"replay": True}, {"replay": True, "enabled": False}):
        assert signer.send(cast.b.lead, "PATCH", one, body).status_code == 422
    on = {"replay": True, "enabled": True}
    refused = signer.send(cast.b.lead, "PATCH", one, on)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "nothing_missed")
    off = signer.send(cast.b.lead, "PATCH", one, {"enabled": False}).get_json()
    assert off["disabled_at"] is not None
    turned = signer.send(cast.b.lead, "PATCH", one, on)
    assert (turned.status_code, turned.get_json()["disabled_at"]) == (200, None)

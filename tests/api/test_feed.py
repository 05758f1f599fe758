"""The feed: everything once, in order, to those it concerns, at once when it happens."""

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from coordinator.api.long_poll import WaitingRoom
from coordinator.storage import events
from coordinator.storage.wakeup import Watcher
from tests.api.acts import approve, submit
from tests.factories import Cast, Exchange, Member, Signer

#: Long enough for a slow machine; nobody waits for it to pass.
LONG = timedelta(seconds=20)


def _read_all(signer: Signer, member: Member, limit: int, types: str = "") -> list[Any]:
    after, found = 0, []
    while True:
        query = f"?after={after}&limit={limit}" + (f"&types={types}" if types else "")
        page = signer.get(member, f"/v1/events{query}").get_json()
        found += page["events"]
        if not page["has_more"]:
            return found
        assert page["next_after"] > after
        after = page["next_after"]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_feed_comes_whole_and_in_order_in_pages_of_any_size(
    signer: Signer, cast: Cast, limit: int
) -> None:
    for _ in range(3):
        approve(signer, cast, submit(signer, cast))
    read = _read_all(signer, cast.a.system, limit)
    seqs = [event["seq"] for event in read]
    assert seqs == sorted(set(seqs))
    own = [event["type"] for event in read if event["type"].startswith("freeze_request")]
    assert own == ["freeze_request.submitted", "freeze_request.approved"] * 3


def test_types_narrow_the_feed_down_and_lose_nothing(signer: Signer, cast: Cast) -> None:
    for _ in range(4):
        approve(signer, cast, submit(signer, cast))
    wanted = "freeze_request.approved,leg.delivered"
    assert [e["type"] for e in _read_all(signer, cast.a.lead, 2, wanted)] == [
        "freeze_request.approved"
    ] * 4


def test_only_those_concerned_see_an_event(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast, to=[cast.b.handle])
    approve(signer, cast, request)

    def about(exchange: Exchange) -> list[str]:
        read = _read_all(signer, exchange.auditor, 100)
        return [e["type"] for e in read if e["data"].get("request_id") == request["id"]]

    assert about(cast.a)[:2] == ["freeze_request.submitted", "freeze_request.approved"]
    assert about(cast.b)[:1] == ["freeze_request.received"]
    assert about(cast.c) == about(cast.d) == []


def test_whoever_waits_hears_of_it_when_it_happens(app: Flask, signer: Signer, cast: Cast) -> None:
    newest = signer.get(cast.b.system, "/v1/events?limit=500").get_json()["next_after"]
    request = submit(signer, cast)
    heard: list[Any] = []
    waiting = threading.Thread(
        target=lambda: heard.append(
            Signer(app.test_client(), signer.clock).get(
                cast.b.system, f"/v1/events?after={newest}&wait=20"
            )
        )
    )
    waiting.start()
    approve(signer, cast, request)
    waiting.join(60)
    assert [event["type"] for event in heard[0].get_json()["events"]] == ["freeze_request.received"]


def test_a_process_that_drains_lets_everybody_go(app: Flask, signer: Signer, cast: Cast) -> None:
    answers: list[Any] = []
    path = f"/v1/events?after={_newest(app, cast.a)}&wait=20"
    waiting = threading.Thread(
        target=lambda: answers.append(
            Signer(app.test_client(), signer.clock).get(cast.a.system, path)
        )
    )
    waiting.start()
    app.extensions["holdfast"].watcher.stop()
    waiting.join(60)
    assert answers[0].get_json()["events"] == []
    assert signer.client.get("/readyz").status_code == 503
    assert signer.client.get("/healthz").status_code == 200


def test_no_connection_is_held_while_waiting(app: Flask, signer: Signer, cast: Cast) -> None:
    own = app.extensions["holdfast"]
    held_by: Counter[int] = Counter()
    held_waiting: list[int] = []
    sitting = threading.Event()
    original = own.watcher.wait

    def wait(seen: int, timeout: timedelta) -> int:
        held_waiting.append(held_by[threading.get_ident()])
        sitting.set()
        return int(original(seen, timeout))

    def take(*_: Any) -> None:
        held_by[threading.get_ident()] += 1

    def give_back(*_: Any) -> None:
        held_by[threading.get_ident()] -= 1

    path = f"/v1/events?after={_newest(app, cast.a)}&wait=20"
    event.listen(own.database.engine, "checkout", take)
    event.listen(own.database.engine, "checkin", give_back)
    own.watcher.wait = wait
    waiting = threading.Thread(
        target=lambda: Signer(app.test_client(), signer.clock).get(cast.a.system, path)
    )
    waiting.start()
    assert sitting.wait(60)
    own.watcher.stop()
    waiting.join(60)
    assert set(held_waiting) == {0}


def test_who_finds_all_seats_taken_is_not_kept_waiting(database: Any) -> None:
    room = WaitingRoom(Watcher(database), 1)
    seated, leave = threading.Event(), threading.Event()

    def look() -> bool:
        seated.set()
        return leave.is_set()

    def no_news() -> bool:
        return False

    first = threading.Thread(target=lambda: room.wait_for(look, bool, LONG))
    first.start()
    assert seated.wait(60)
    turned_away = False
    limit = time.monotonic() + 60
    while not turned_away and time.monotonic() < limit:
        _, turned_away = room.wait_for(no_news, bool, timedelta(milliseconds=1))
    assert turned_away
    leave.set()
    room._watcher.stop()
    first.join(60)


def test_a_turned_away_poll_is_told_when_to_come_back(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    own = app.extensions["holdfast"]
    while own.waiting_room._seats.acquire(blocking=False):
        pass
    answer = signer.get(cast.a.system, f"/v1/events?after={_newest(app, cast.a)}&wait=20")
    assert (answer.status_code, answer.get_json()["events"]) == (200, [])
    assert answer.headers["Retry-After"] == "1"


def _newest(app: Flask, exchange: Exchange) -> int:
    """Return the number of the newest event that an exchange may see, without reading any."""
    with app.extensions["holdfast"].database.engine.connect() as connection:
        return events.newest(connection, exchange.handle)


def _leg_statuses(signer: Signer, cast: Cast, request: Any) -> dict[str, str]:
    legs = signer.get(cast.a.lead, f"/v1/freeze-requests/{request['id']}/legs").get_json()["items"]
    return {leg["partner"]: leg["status"] for leg in legs}


def test_starting_at_the_notice_counts_as_having_read_it(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    after = _newest(app, cast.b)
    page = signer.get(cast.b.system, f"/v1/events?after={after}").get_json()
    assert (page["events"], page["next_after"]) == ([], after)
    statuses = _leg_statuses(signer, cast, request)
    assert statuses[cast.b.handle] == "delivered"
    assert statuses[cast.d.handle] == "queued"


@pytest.mark.parametrize("query", ["", "&wait=20", "&types=freeze_request.received"])
@pytest.mark.parametrize("beyond", [1, 1_000_000])
def test_a_number_beyond_the_newest_event_is_refused_and_delivers_nothing(
    app: Flask, signer: Signer, cast: Cast, beyond: int, query: str
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    answer = signer.get(cast.b.system, f"/v1/events?after={_newest(app, cast.b) + beyond}{query}")
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_input")
    [fault] = problem["errors"]
    assert (fault["parameter"], fault["code"]) == ("after", "beyond_head")
    assert _leg_statuses(signer, cast, request)[cast.b.handle] == "queued"


def test_what_only_others_see_is_beyond_the_newest_event(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast, to=[cast.b.handle])
    approve(signer, cast, request)
    assert _newest(app, cast.a) > _newest(app, cast.c)
    answer = signer.get(cast.c.system, f"/v1/events?after={_newest(app, cast.a)}")
    assert answer.status_code == 422
    answer = signer.get(cast.c.system, f"/v1/events?after={_newest(app, cast.c)}")
    assert answer.status_code == 200


def test_who_may_not_read_the_feed_hears_that_before_their_query_is_looked_at(
    signer: Signer, cast: Cast
) -> None:
    assert signer.get(cast.a.root, "/v1/events?after=many").status_code == 403


def test_reading_up_to_before_the_notice_does_not_count(signer: Signer, cast: Cast) -> None:
    before = signer.get(cast.b.system, "/v1/events?limit=1").get_json()
    assert before["has_more"]
    request = submit(signer, cast)
    approve(signer, cast, request)
    signer.get(cast.b.system, "/v1/events?limit=1")
    legs = signer.get(cast.a.lead, f"/v1/freeze-requests/{request['id']}/legs").get_json()["items"]
    assert {leg["status"] for leg in legs} == {"queued"}

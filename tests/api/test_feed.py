"""The feed: everything once, in order, to those it concerns, at once when it happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from coordinator.operations.web_server import front_of
from coordinator.settings import Settings
from coordinator.storage.tail import events
from holdfast.protocol import strict_json
from tests.api.acts import approve, submit
from tests.factories import Cast, Exchange, Member, Signer, request_token
from tests.operations.asgi import Exchange as WebExchange
from tests.operations.asgi import Server, serving


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


@pytest.fixture(name="server")
def _server(app: Flask, settings: Settings) -> Iterator[Server]:
    """The front that waiting is done in."""
    with serving(front_of(app, settings)) as server:
        yield server


def _wait(server: Server, signer: Signer, member: Member, after: int) -> WebExchange:
    path = f"/v1/events?after={after}&wait=20"
    token = request_token(member, "GET", path, b"", signer.clock)
    return server.ask("GET", path, {"Authorization": f"Bearer {token}"})


def _is_kept_waiting(server: Server, waiting: WebExchange) -> bool:
    while server.waiting_for_news() == 0 and not waiting.answer.done():
        pass
    return not waiting.answer.done()


def test_whoever_waits_hears_of_it_when_it_happens(
    app: Flask, server: Server, signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    waiting = _wait(server, signer, cast.b.system, _newest(app, cast.b))
    assert _is_kept_waiting(server, waiting)
    approve(signer, cast, request)
    heard = strict_json.loads(waiting.body())
    assert [event["type"] for event in heard["events"]] == ["freeze_request.received"]


def test_what_was_revoked_while_waiting_reads_nothing_more(
    app: Flask, server: Server, signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    waiting = _wait(server, signer, cast.b.system, _newest(app, cast.b))
    assert _is_kept_waiting(server, waiting)
    body = {"kid": cast.b.system.key.kid, "reason": "stolen"}
    assert signer.post(cast.b.lead, "/v1/revocations", body).status_code == 201
    approve(signer, cast, request)
    assert waiting.status() == 401


def test_a_process_that_drains_lets_everybody_go(
    app: Flask, server: Server, signer: Signer, cast: Cast
) -> None:
    waiting = _wait(server, signer, cast.a.system, _newest(app, cast.a))
    assert _is_kept_waiting(server, waiting)
    app.extensions["holdfast"].watcher.stop()
    assert strict_json.loads(waiting.body())["events"] == []
    assert signer.client.get("/readyz").status_code == 503
    assert signer.client.get("/healthz").status_code == 200


def test_no_connection_is_held_while_waiting(
    app: Flask, server: Server, signer: Signer, cast: Cast
) -> None:
    pool = app.extensions["holdfast"].database.engine.pool
    waiting = [_wait(server, signer, cast.a.system, _newest(app, cast.a)) for _ in range(50)]
    while server.waiting_for_news() < len(waiting):
        assert not any(each.answer.done() for each in waiting)
    # Only the look for news borrows one, for a moment.
    assert pool.checkedout() <= 1


def test_under_another_server_a_poll_is_told_to_come_back(
    app: Flask, signer: Signer, cast: Cast
) -> None:
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

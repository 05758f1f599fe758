"""Whoever is slow, strange or large holds nobody else: each is tried beside somebody who is not."""

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import wait as wait_for
from datetime import timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import pytest

from coordinator.api.calls import ENVIRON_KEY, Call, NewsWanted, PutOffError
from coordinator.api.problems import status_of
from coordinator.domain.errors import CoordinatorError
from coordinator.operations.front.front import Front, FrontLimits
from coordinator.operations.front.news import NewsTable
from coordinator.operations.front.turns import Turns
from coordinator.storage.tail.events import Heading, News
from tests.operations.asgi import PATIENCE, Exchange, Server, serving

FEED = "/v1/events"
THREADS = 2
SMALL = 1_000
LARGE = 1_000_000


class _NoWatcher:
    """Never tells of anything by itself."""

    is_stopped = False

    def subscribe(self, callback: Any) -> None:
        self.tell = callback

    def start(self) -> None:
        pass


def _heading(seq: int, event_type: str = "one", request_id: str | None = None) -> Heading:
    return Heading(seq, event_type, request_id)


class Desk:
    """A WSGI app of few words, as the front knows them.

    `…/block` waits on its thread until `go_on` is set; `/take` wants the body, signed for by the
    partner named in `X-Partner`; the feed waits for an event above 7 of that partner, of the type
    named in `X-Type` or about the request in `X-Request`; all else is answered at once. What it did
    is in `done`, in order.
    """

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.blocked = threading.Semaphore(0)
        self.done: list[str] = []
        self.events: dict[str, list[Heading]] = {}
        self.watcher = _NoWatcher()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        call: Call = environ[ENVIRON_KEY]
        path, partner = environ["PATH_INFO"], environ.get("HTTP_X_PARTNER")
        status, content = "200 OK", b"ok"
        try:
            if path.endswith("/block") or (path.endswith("/test") and environ.get("HTTP_X_BLOCK")):
                self._block()
            elif path == "/take":
                content = b"%d" % len(call.take_body(LARGE, partner))
                if environ.get("HTTP_X_BLOCK"):
                    self._block()
                self.done.append(f"{partner} {content.decode()}")
            elif path == FEED and self._is_waiting(partner):
                if environ.get("HTTP_X_BLOCK"):
                    self._block()
                types = frozenset(filter(None, [environ.get("HTTP_X_TYPE")]))
                patience, request_id = timedelta(seconds=PATIENCE), environ.get("HTTP_X_REQUEST")
                call.wait_for_news(NewsWanted(str(partner), 7, patience, types, request_id))
                content = b"turned away" if call.is_turned_away else b"nothing"
        except PutOffError:
            status = "503 never seen"
        except CoordinatorError as error:
            status, content = f"{int(status_of(error))} refused", b""
        start_response(status, [("Content-Type", "text/plain")])
        return [content]

    def _is_waiting(self, partner: str | None) -> bool:
        self.done.append(f"looked for {partner}")
        return all(event.seq <= 7 for event in self.events.get(str(partner), []))

    def news_of(self, after: Mapping[str, int]) -> News:
        """Return what happened, as the storage does."""
        head = max((e.seq for events in self.events.values() for e in events), default=0)
        news = {p: [e for e in self.events.get(p, []) if e.seq > n] for p, n in after.items()}
        return News(head, {p: events for p, events in news.items() if events})

    def _block(self) -> None:
        self.blocked.release()
        assert self.go_on.wait(PATIENCE)


@pytest.fixture(name="desk")
def _desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.go_on.set()


def _front(
    desk: Desk,
    *,
    app: WSGIApplication | None = None,
    body_seconds: float = PATIENCE,
    change_patience_seconds: float | None = None,
    live_patience_seconds: float = 0.0,
    **limits: Any,
) -> Front:
    news = NewsTable(
        desk.watcher,  # type: ignore[arg-type]  # tells by hand
        desk.news_of,
        **limits,
    )
    figures = FrontLimits(
        threads=THREADS,
        waiting_tests=1,
        small_bytes=SMALL,
        body_seconds=body_seconds,
        bytes_per_second=2**30,
        change_patience_seconds=change_patience_seconds,
        live_patience_seconds=live_patience_seconds,
    )
    return Front(app or desk, figures, news)


@pytest.fixture(name="server")
def _server(desk: Desk) -> Iterator[Server]:
    with serving(_front(desk)) as server:
        yield server
        desk.go_on.set()


def _announce(server: Server, partner: str | None, length: int, **more: str) -> Exchange:
    headers = {"Content-Length": str(length), **more}
    if partner is not None:
        headers["X-Partner"] = partner
    return server.ask("POST", "/take", headers)


def test_a_change_waits_for_the_one_before_and_no_reader_does(desk: Desk) -> None:
    with serving(_front(desk, change_patience_seconds=PATIENCE)) as server:
        first = server.ask("POST", "/block")
        assert desk.blocked.acquire(timeout=PATIENCE)
        assert server.ask("GET", "/").status() == 200
        second = _announce(server, "a.example", 3).send(b"abc")
        assert server.ask("GET", "/healthz").status() == 200
        desk.go_on.set()
        assert [first.status(), second.status()] == [200, 200]


def test_changes_are_worked_on_one_at_a_time(desk: Desk) -> None:
    inside = threading.Semaphore(0)
    most: list[int] = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        del environ
        inside.release()
        time.sleep(0.01)  # long enough for another one to come in, if the door were open
        most.append(inside._value)
        inside.acquire()
        start_response("200 OK", [])
        return [b""]

    with serving(_front(desk, app=app, change_patience_seconds=PATIENCE)) as server:
        asked = [server.ask("POST", "/") for _ in range(4 * THREADS)]
        assert [each.status() for each in asked] == [200] * len(asked)
    assert most == [1] * len(asked)


def test_a_change_that_is_stuck_holds_nobody_for_good(desk: Desk) -> None:
    with serving(_front(desk, change_patience_seconds=0.01)) as server:
        stuck = server.ask("POST", "/block")
        assert desk.blocked.acquire(timeout=PATIENCE)
        for _ in range(3):
            assert _announce(server, "a.example", 3).send(b"abc").body() == b"3"
        assert not stuck.answer.done()
        desk.go_on.set()  # the server does not stop before its threads do


@pytest.mark.parametrize("partner", ["a.example", None])
@pytest.mark.parametrize("length", [SMALL, LARGE])
def test_bodies_that_drip_keep_nobody_waiting(
    server: Server, partner: str | None, length: int
) -> None:
    drips = [_announce(server, partner, length).send(b"x", more=True) for _ in range(24)]
    for _ in range(3 * THREADS):
        assert server.ask("GET", "/").status() == 200
    assert _announce(server, "b.example", 3).send(b"abc").body() == b"3"
    assert not any(drip.answer.done() and drip.status() == 200 for drip in drips)


@pytest.mark.parametrize("length", [SMALL, LARGE])
@pytest.mark.parametrize("partner", ["a.example", None])
def test_a_body_that_does_not_come_in_time_is_408(
    desk: Desk, length: int, partner: str | None
) -> None:
    with serving(_front(desk, body_seconds=0.2)) as server:
        slow = _announce(server, partner, length).send(b"x", more=True)
        assert slow.status() == 408
        assert slow.answer.result()[1]["connection"] == "close"
    assert desk.done == []


def test_who_hangs_up_is_not_answered_and_nothing_is_done(desk: Desk, server: Server) -> None:
    gone = _announce(server, "a.example", LARGE).send(b"x", more=True).hang_up()
    assert gone.status() == 0
    assert server.ask("GET", "/").status() == 200
    assert desk.done == []


def test_the_health_of_the_process_waits_behind_nobody(desk: Desk, server: Server) -> None:
    for _ in range(20 * THREADS):
        server.ask("GET", "/block")
    for _ in range(THREADS):
        assert desk.blocked.acquire(timeout=PATIENCE)
    behind = server.ask("GET", "/")
    assert server.ask("GET", "/healthz").status() == 200
    assert server.ask("GET", "/readyz").status() == 200
    assert not behind.answer.done()
    desk.go_on.set()
    assert behind.status() == 200


def test_large_bodies_are_worked_on_one_at_a_time_and_small_ones_beside(
    desk: Desk, server: Server
) -> None:
    body = b"x" * LARGE
    block = {"X-Block": "yes"}
    large = [_announce(server, f"{p}.example", LARGE, **block).send(body) for p in "abcd"]
    assert desk.blocked.acquire(timeout=PATIENCE)
    for _ in range(3 * THREADS):
        assert _announce(server, "e.example", 3).send(b"abc").body() == b"3"
    assert not desk.blocked.acquire(blocking=False)
    desk.go_on.set()
    assert [exchange.body() for exchange in large] == [b"%d" % LARGE] * 4


def test_partners_take_turns_with_large_bodies(desk: Desk, server: Server) -> None:
    body = b"x" * LARGE
    first = _announce(server, "a.example", LARGE, **{"X-Block": "yes"}).send(body)
    assert desk.blocked.acquire(timeout=PATIENCE)
    many = [_announce(server, "a.example", LARGE).send(body) for _ in range(6)]
    assert server.ask("GET", "/").status() == 200  # they are all in line now
    other = _announce(server, "b.example", LARGE).send(body)
    assert server.ask("GET", "/").status() == 200
    desk.go_on.set()
    for exchange in (first, *many, other):
        assert exchange.status() == 200
    partners = [line.split()[0] for line in desk.done]
    # Not behind all that came before it: those of a that were read already, at most.
    assert partners.index("b.example") <= 3


def test_more_large_bodies_than_may_wait_are_told_to_come_back(desk: Desk, server: Server) -> None:
    body = b"x" * LARGE
    first = _announce(server, "a.example", LARGE, **{"X-Block": "yes"}).send(body)
    assert desk.blocked.acquire(timeout=PATIENCE)
    many = [_announce(server, "a.example", LARGE) for _ in range(40)]
    refused = [exchange for exchange in many if _is_refused(server, exchange)]
    assert 0 < len(refused) < len(many)
    assert _announce(server, "b.example", LARGE).answer.done() is False
    desk.go_on.set()
    assert first.status() == 200


def _is_refused(server: Server, exchange: Exchange) -> bool:
    assert server.ask("GET", "/").status() == 200  # it came after, so the other was looked at
    return exchange.answer.done() and exchange.status() == 503


def test_those_who_wait_for_news_hold_no_thread(desk: Desk, server: Server) -> None:
    waiting = [server.ask("GET", FEED, {"X-Partner": f"{n % 50}.example"}) for n in range(200)]
    for _ in range(3 * THREADS):
        assert server.ask("GET", "/").status() == 200
    assert not any(exchange.answer.done() for exchange in waiting)
    desk.events = {f"{n}.example": [_heading(8, "one")] for n in range(50)}
    desk.watcher.tell()
    assert {exchange.body() for exchange in waiting} == {b"ok"}


def test_news_reaches_those_it_is_for_alone(desk: Desk, server: Server) -> None:
    of_a = server.ask("GET", FEED, {"X-Partner": "a.example"})
    of_b = server.ask("GET", FEED, {"X-Partner": "b.example"})
    assert server.ask("GET", "/").status() == 200
    desk.events = {
        "a.example": [_heading(8, "one")],
        "b.example": [_heading(7, "one")],
    }  # b has read as far as 7
    desk.watcher.tell()
    assert of_a.body() == b"ok"
    assert not of_b.answer.done()
    assert desk.done.count("looked for b.example") == 1


def test_who_waits_for_one_type_is_not_called_for_another(desk: Desk, server: Server) -> None:
    waiting = server.ask("GET", FEED, {"X-Partner": "a.example", "X-Type": "two"})
    other = server.ask("GET", FEED, {"X-Partner": "a.example", "X-Type": "one"})
    assert server.ask("GET", FEED, {"X-Partner": "b.example"}) is not None
    while server.waiting_for_news() < 3:
        pass
    desk.events = {"a.example": [_heading(8, "one")]}
    desk.watcher.tell()
    assert other.body() == b"ok"
    assert not waiting.answer.done()
    desk.events["a.example"].append(_heading(9, "two"))
    desk.watcher.tell()
    assert waiting.body() == b"ok"


def test_who_waits_for_one_request_is_not_called_for_another(desk: Desk, server: Server) -> None:
    waiting = server.ask("GET", FEED, {"X-Partner": "a.example", "X-Request": "frq_2"})
    other = server.ask("GET", FEED, {"X-Partner": "a.example", "X-Request": "frq_1"})
    while server.waiting_for_news() < 2:
        pass
    desk.events = {"a.example": [_heading(8, request_id="frq_1"), _heading(9)]}
    desk.watcher.tell()
    assert other.body() == b"ok"
    assert not waiting.answer.done()
    desk.events["a.example"].append(_heading(10, request_id="frq_2"))
    desk.watcher.tell()
    assert waiting.body() == b"ok"


def test_where_too_much_happened_to_tell_all_look_again(desk: Desk) -> None:
    front = _front(desk)
    front.news._news_of = lambda after: News(9, dict.fromkeys(after) if desk.events else {})
    with serving(front) as server:
        waiting = server.ask("GET", FEED, {"X-Partner": "a.example", "X-Type": "two"})
        while server.waiting_for_news() == 0:
            pass
        desk.events = {"a.example": [_heading(9, "two")]}
        desk.watcher.tell()
        assert waiting.body() == b"ok"


def test_readers_of_the_feed_hold_no_thread_of_the_others(desk: Desk, server: Server) -> None:
    headers = {"X-Partner": "a.example", "X-Block": "yes"}
    asked = [server.ask("GET", FEED, headers) for _ in range(3 * THREADS)]
    assert desk.blocked.acquire(timeout=PATIENCE)
    for _ in range(3 * THREADS):
        assert server.ask("GET", "/").status() == 200
    assert not any(exchange.answer.done() for exchange in asked)


def test_pages_that_read_themselves_again_hold_up_nobody_else(desk: Desk, server: Server) -> None:
    desk.events = {"a.example": [_heading(8)]}
    paths = ("/console/requests/one", "/console/requests/one/live", "/console/live")
    again = [server.ask("GET", path, {"X-Part": "main"}) for path in ("/console/block", *paths)]
    assert desk.blocked.acquire(timeout=PATIENCE)
    for _ in range(3 * THREADS):
        assert server.ask("GET", "/console/requests/one").status() == 200
        assert server.ask("GET", FEED, {"X-Partner": "a.example"}).status() == 200
        assert server.ask("POST", "/console/requests/one", {"X-Part": "main"}).status() == 200
        assert server.ask("GET", "/v1/freeze-requests", {"X-Part": "main"}).status() == 200
    assert not any(exchange.answer.done() for exchange in again)
    desk.go_on.set()
    assert {exchange.status() for exchange in again} == {200}


def test_a_page_that_reads_itself_again_gives_way_to_requests(desk: Desk) -> None:
    with serving(_front(desk, live_patience_seconds=PATIENCE)) as server:
        first = server.ask("POST", "/block")
        assert desk.blocked.acquire(timeout=PATIENCE)
        again = server.ask("GET", "/console/requests/one", {"X-Part": "main"})
        assert server.ask("GET", "/console/requests/one").status() == 200
        assert not again.answer.done()
        desk.go_on.set()
        assert (first.status(), again.status()) == (200, 200)


def test_a_page_that_reads_itself_again_does_not_give_way_for_ever(desk: Desk) -> None:
    with serving(_front(desk, live_patience_seconds=0.01)) as server:
        server.ask("POST", "/block")
        assert desk.blocked.acquire(timeout=PATIENCE)
        assert server.ask("GET", "/console/requests/one", {"X-Part": "main"}).status() == 200
        desk.go_on.set()


def test_who_waits_for_what_comes_of_a_test_holds_up_nobody_else(
    desk: Desk, server: Server
) -> None:
    path = "/v1/webhook-endpoints/wep_1/test"
    waiting = [server.ask("POST", f"{path}", {"X-Block": "yes"}) for _ in range(2 * THREADS)]
    assert desk.blocked.acquire(timeout=PATIENCE)
    for _ in range(3 * THREADS):
        assert server.ask("POST", "/v1/freeze-requests").status() == 200
        assert server.ask("GET", "/").status() == 200
    assert not any(exchange.answer.done() for exchange in waiting)
    desk.go_on.set()
    assert {exchange.status() for exchange in waiting} == {200}


def test_a_process_that_drains_lets_all_go_who_wait(desk: Desk, server: Server) -> None:
    waiting = server.ask("GET", FEED, {"X-Partner": "a.example"})
    assert server.ask("GET", "/").status() == 200
    desk.watcher.is_stopped = True
    server.loop.call_soon_threadsafe(server.front.news._look)
    assert waiting.body() == b"nothing"


def test_who_finds_too_many_waiting_is_not_kept(desk: Desk) -> None:
    with serving(_front(desk, most=100, most_each=3)) as server:
        waiting = [server.ask("GET", FEED, {"X-Partner": "a.example"}) for _ in range(4)]
        done, kept = wait_for((w.answer for w in waiting), PATIENCE, FIRST_COMPLETED)
        assert [answer.result()[2] for answer in done] == [b"turned away"]
        assert len(kept) == 3
        other = server.ask("GET", FEED, {"X-Partner": "b.example"})
        assert server.ask("GET", "/").status() == 200
        assert not other.answer.done()


def test_a_request_keeps_its_headers_and_its_target_as_sent(desk: Desk) -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    front = _front(desk, app=app)
    with serving(front) as server:
        headers = {"X-One": "1", "Content-Type": "application/json", "Cookie": "a=b"}
        assert server.ask("GET", "/v1/x?a=%20b", headers).status() == 204
    assert (seen["RAW_URI"], seen["PATH_INFO"]) == ("/v1/x?a=%20b", "/v1/x")
    assert (seen["HTTP_X_ONE"], seen["CONTENT_TYPE"], seen["HTTP_COOKIE"]) == (
        "1",
        "application/json",
        "a=b",
    )


def test_the_queues_of_partners_take_turns_and_forget_who_went_away() -> None:
    turns = Turns(at_once=1, at_once_each=1, waiting=9, waiting_each=9)
    order: list[str] = []

    async def come(name: str) -> None:
        async with turns.turn(name[0]):
            order.append(name)
            await asyncio.sleep(0)

    async def run() -> None:
        comers = [asyncio.ensure_future(come(n)) for n in ("a1", "a2", "a3", "a4", "b1", "c1")]
        await asyncio.sleep(0)
        comers[2].cancel()
        await asyncio.gather(*comers, return_exceptions=True)

    asyncio.run(run())
    assert order == ["a1", "a2", "b1", "c1", "a4"]
    assert (turns.inside, turns.waiting) == (0, 0)

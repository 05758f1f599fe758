"""The ASGI app: one request's way before, between and after its goes through Flask."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication

from coordinator.api.calls import BodyWanted, Call
from coordinator.domain.errors import BodyTimeoutError, CoordinatorError, UnavailableError
from coordinator.operations.front.bodies import (
    BodyTooSlowError,
    ClientGoneError,
    IncomingBody,
    Receive,
)
from coordinator.operations.front.doorway import Doorway
from coordinator.operations.front.news import NewsTable
from coordinator.operations.front.right_of_way import RightOfWay
from coordinator.operations.front.turns import TooManyWaitError, Turns
from coordinator.operations.front.wsgi_go import Answer, environ_of, go

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Scope = Mapping[str, Any]

#: They are asked by whoever decides whether this process lives: never behind anybody.
_PROBES = frozenset({"/healthz", "/readyz"})
#: Where many ask at once, again and again, and all of them once something happened.
_FEED = "/v1/events"
#: Pages of the console that follow what happens ask so, as often and as many.
_LIVE = re.compile(r"/console(/.+)?/live", re.ASCII)
#: Whoever has a test sent waits for what comes of it.
_TEST = re.compile(r"/v1/webhook-endpoints/[^/]+/test", re.ASCII)
#: What one of them sends when it reads itself again (`console.js`).
_PART = b"x-part"
_READING = frozenset({"GET", "HEAD"})
#: What a stranger's body is given to come in at most, in seconds.
_STRANGERS_SECONDS = 5.0
#: How long a short body may take to count as having come with its head, in seconds.
_AT_ONCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontLimits:
    """Figures of one web process; see `config/default.toml`.

    Attributes:
        threads: For all small requests together.
        waiting_tests: How many may wait at a time for what comes of a test of an endpoint.
        small_bytes: A longer body is a large one.
        body_seconds: What any body is given to come in.
        bytes_per_second: What a body is given more for its length.
        change_patience_seconds: Small changes are worked on one at a time, and wait for the one
            before so long at most; None where they may all be worked on together.
        live_patience_seconds: A page that reads itself again gives way to small requests so long.
    """

    threads: int
    waiting_tests: int
    small_bytes: int
    body_seconds: float
    bytes_per_second: int
    change_patience_seconds: float | None
    live_patience_seconds: float


class Front:
    """An ASGI app that serves a WSGI app.

    Args:
        app: The WSGI app; knows of `Call`.
        limits: Figures.
        news: Where long polls wait.
    """

    def __init__(self, app: WSGIApplication, limits: FrontLimits, news: NewsTable) -> None:
        self._app = app
        self._limits = limits
        self.news = news
        patience = limits.change_patience_seconds
        self._door = None if patience is None else Doorway(patience)
        self.right_of_way = RightOfWay(limits.live_patience_seconds)
        self._small = ThreadPoolExecutor(limits.threads, thread_name_prefix="small")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large")
        # One event may let go all who wait for it; on one thread they hold nobody else up. Pages
        # that follow what happens are read again then, which costs more than a look at the feed.
        self._feed = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._live = ThreadPoolExecutor(1, thread_name_prefix="live")
        # Who waits there holds neither a thread of the others nor their place at the door; one
        # thread more tells the rest that theirs is queued.
        self._tests = ThreadPoolExecutor(limits.waiting_tests + 1, thread_name_prefix="test")
        self._probes = ThreadPoolExecutor(2, thread_name_prefix="probe")
        # Of a stranger nothing is known before their body is; few may send one at a time.
        self._strangers = Turns(at_once=4, at_once_each=4, waiting=32, waiting_each=32)
        self._slow = Turns(at_once=256, at_once_each=32, waiting=256, waiting_each=64)
        self._large_bodies = Turns(at_once=4, at_once_each=2, waiting=64, waiting_each=16)
        self._large_work = Turns(at_once=1, at_once_each=1, waiting=64, waiting_each=64)

    def close(self) -> None:
        """End all threads, once what is under way there is done."""
        for lane in (self._small, self._large, self._feed, self._live, self._tests, self._probes):
            lane.shutdown()
        self.news.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = IncomingBody(receive, _length(scope))
        try:
            answer = await self._serve(scope, body)
        except ClientGoneError:
            return
        finally:
            body.leave()
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    async def _serve(self, scope: Scope, body: IncomingBody) -> Answer:
        environ, call = environ_of(scope), Call()
        lane = self._lane(scope)
        if body.length == 0:
            call.body = b""
        elif body.length is not None and body.length <= self._limits.small_bytes:
            call.body = await body.at_hand(_AT_ONCE_SECONDS)
        answer = await self._go(lane, environ, call)
        if call.body_wanted is not None:
            answer = await self._once_it_came(environ, call, body, call.body_wanted)
        while call.news_wanted is not None:
            await self._wait_for_news(call)
            answer = await self._go(lane, environ, call)
        return answer

    def _lane(self, scope: Scope) -> Executor:
        path: str = scope["path"]
        if path in _PROBES:
            return self._probes
        if path == _FEED:
            return self._feed
        if _TEST.fullmatch(path):
            return self._tests
        return self._live if _LIVE.fullmatch(path) or _is_part(scope) else self._small

    async def _go(self, lane: Executor, environ: Mapping[str, Any], call: Call) -> Answer:
        loop = asyncio.get_running_loop()
        work = partial(go, self._app, environ, call)
        if lane is self._live:
            return await loop.run_in_executor(lane, self.right_of_way.give_way, work)
        if lane is not self._small:
            return await loop.run_in_executor(lane, work)
        if self._door is not None and environ["REQUEST_METHOD"] not in _READING:
            work = partial(self._door.go_through, work)
        return await loop.run_in_executor(lane, self.right_of_way.go_first, work)

    async def _once_it_came(
        self, environ: Mapping[str, Any], call: Call, body: IncomingBody, wanted: BodyWanted
    ) -> Answer:
        """Wait for a body whose sender may send one, and go again."""
        is_large = body.length is None or body.length > self._limits.small_bytes
        turns = self._large_bodies if is_large else self._slow
        if wanted.partner is None:
            is_large, turns = False, self._strangers
        partner = wanted.partner or ""
        try:
            async with turns.turn(partner):
                call.body = await body.read(wanted.limit, self._seconds_for(body, wanted))
                if is_large:
                    async with self._large_work.turn(partner):
                        return await self._go(self._large, environ, call)
        except BodyTooSlowError:
            call.refusal = BodyTimeoutError("the body did not come in time; send it again")
        except TooManyWaitError:
            call.refusal = _busy()
        answer = await self._go(self._small, environ, call)
        if call.refusal is not None:
            answer.headers.append((b"connection", b"close"))  # what is left of it is not read
        return answer

    def _seconds_for(self, body: IncomingBody, wanted: BodyWanted) -> float:
        limits = self._limits
        if wanted.partner is None:
            return min(limits.body_seconds, _STRANGERS_SECONDS)
        return limits.body_seconds + (body.length or limits.small_bytes) / limits.bytes_per_second

    async def _wait_for_news(self, call: Call) -> None:
        wanted = call.news_wanted
        if wanted is None:
            return
        left = wanted.wait.total_seconds() - (asyncio.get_running_loop().time() - call.began)
        if not self.news.has_room(wanted.partner):
            call.is_turned_away = call.is_last = True
        elif left <= 0 or not await self.news.wait(wanted, left):
            call.is_last = True


def _is_part(scope: Scope) -> bool:
    """Tell whether a page that is open already reads itself again."""
    is_page: bool = scope["path"].startswith("/console") and scope["method"] in _READING
    return is_page and any(name == _PART for name, _ in scope["headers"])


def _busy() -> CoordinatorError:
    return UnavailableError("too many large requests at once; this one was not read", retry_after=5)


def _length(scope: Scope) -> int | None:
    """Return how long the body says that it is; None where it comes in chunks."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
        if name == b"transfer-encoding":
            length = None
    return length

"""Who waits for news: entries in a table, not threads; one look serves all of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coordinator.api.calls import NewsWanted
from coordinator.storage.engine.wakeup import Watcher
from coordinator.storage.tail.events import Heading, News

_log = structlog.get_logger(__name__)
#: A busy coordinator commits hundreds of times a second; nobody need look that often.
_LOOK_AGAIN_SECONDS = 0.02

#: Returns what happened for each of these partners above the number given for it.
NewsOf = Callable[[Mapping[str, int]], News]


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits.

    Attributes:
        after: What was numbered up to here is not what they wait for.
        request_id: The request that they wait for; None: any, and what is of none.
    """

    told: asyncio.Future[None]
    after: int
    types: frozenset[str]
    request_id: str | None

    def is_news(self, events: Sequence[Heading] | None) -> bool:
        """Tell whether one of these is what they wait for; None may hold any."""
        return events is None or any(map(self._is_wanted, events))

    def _is_wanted(self, event: Heading) -> bool:
        return (
            event.seq > self.after
            and (not self.types or event.type in self.types)
            and (self.request_id is None or event.request_id == self.request_id)
        )


class NewsTable:
    """Everybody in this process who waits for an event.

    Args:
        watcher: Tells of commits, from its own thread.
        news_of: Looks; called on a thread of the table's own.
        most: How many may wait.
        most_each: How many of one partner may wait.
    """

    def __init__(
        self,
        watcher: Watcher,
        news_of: NewsOf,
        *,
        most: int = 5_000,
        most_each: int = 256,
    ) -> None:
        self._watcher = watcher
        self._news_of = news_of
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="news")
        self._most, self._most_each = most, most_each
        self._waiting: dict[str, list[_Waiting]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_again = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    def has_room(self, partner: str) -> bool:
        """Tell whether one more of `partner` may wait."""
        mine = len(self._waiting.get(partner, ()))
        return self.waiting < self._most and mine < self._most_each

    async def wait(self, wanted: NewsWanted, seconds: float) -> bool:
        """Wait for an event; False if the time is up or the process drains."""
        loop = self._begin()
        if self._watcher.is_stopped:
            return False
        mine = _Waiting(loop.create_future(), wanted.after, wanted.types, wanted.request_id)
        others = self._waiting.setdefault(wanted.partner, [])
        others.append(mine)
        try:
            self._look()  # for what was committed since the caller looked
            await asyncio.wait({mine.told}, timeout=seconds)
            return mine.told.done()
        finally:
            others.remove(mine)
            if not others:
                del self._waiting[wanted.partner]

    def close(self) -> None:
        """End the table's thread, once it has looked."""
        self._executor.shutdown()

    def _begin(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._watcher.subscribe(self._told)
            self._watcher.start()
        return self._loop

    def _told(self) -> None:
        """Have the table looked through; called by the watcher's thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self._watcher.is_stopped:
            self._let_go(dict.fromkeys(self._waiting))
        elif self._waiting and self._looking is None:
            self._looking = asyncio.ensure_future(self._look_for_all())
        elif self._waiting:
            self._look_again = True

    async def _look_for_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                self._look_again = False
                asked = [each for of_one in self._waiting.values() for each in of_one]
                after = {p: min(w.after for w in of_one) for p, of_one in self._waiting.items()}
                try:
                    news = await loop.run_in_executor(self._executor, self._news_of, after)
                    self._let_go(news.events)
                    for each in asked:
                        each.after = max(each.after, news.head)
                except SQLAlchemyError:
                    # Whoever waits is answered at the end of their time, as if nothing had come.
                    _log.exception("news_failed")
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                if not self._look_again:
                    return
        finally:
            self._looking = None

    def _let_go(self, news: Mapping[str, Sequence[Heading] | None]) -> None:
        for partner, events in news.items():
            for waiting in self._waiting.get(partner, ()):
                if waiting.is_news(events) and not waiting.told.done():
                    waiting.told.set_result(None)

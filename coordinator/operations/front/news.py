"""Who waits for news: entries in a table, not threads; one query looks for all of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coordinator.storage.wakeup import Watcher

_log = structlog.get_logger(__name__)
#: A busy coordinator commits hundreds of times a second; nobody need look that often.
_LOOK_AGAIN_SECONDS = 0.02

#: Returns the number of the newest event that each of these partners may see.
Newest = Callable[[Sequence[str]], Mapping[str, int]]


class NewsTable:
    """Everybody in this process who waits for an event.

    Args:
        watcher: Tells of commits, from its own thread.
        newest: Looks; called on a thread of the table's own.
        most: How many may wait.
        most_each: How many of one partner may wait.
    """

    def __init__(
        self,
        watcher: Watcher,
        newest: Newest,
        *,
        most: int = 5_000,
        most_each: int = 256,
    ) -> None:
        self._watcher = watcher
        self._newest = newest
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="news")
        self._most, self._most_each = most, most_each
        self._waiting: dict[str, dict[asyncio.Future[None], int]] = {}
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

    async def wait(self, partner: str, after: int, seconds: float) -> bool:
        """Wait for an event above `after`; False if the time is up or the process drains."""
        loop = self._begin()
        if self._watcher.is_stopped:
            return False
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(partner, {})[mine] = after
        try:
            self._look()  # for what was committed since the caller looked
            await asyncio.wait({mine}, timeout=seconds)
            return mine.done()
        finally:
            del self._waiting[partner][mine]
            if not self._waiting[partner]:
                del self._waiting[partner]

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
            self._let_go(dict.fromkeys(self._waiting, None))
        elif self._waiting and self._looking is None:
            self._looking = asyncio.ensure_future(self._look_for_all())
        elif self._waiting:
            self._look_again = True

    async def _look_for_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                self._look_again = False
                partners = list(self._waiting)
                try:
                    self._let_go(await loop.run_in_executor(self._executor, self._newest, partners))
                except SQLAlchemyError:
                    # Whoever waits is answered at the end of their time, as if nothing had come.
                    _log.exception("news_failed")
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                if not self._look_again:
                    return
        finally:
            self._looking = None

    def _let_go(self, newest: Mapping[str, int | None]) -> None:
        for partner, number in newest.items():
            for waiting, after in list(self._waiting.get(partner, {}).items()):
                if (number is None or number > after) and not waiting.done():
                    waiting.set_result(None)

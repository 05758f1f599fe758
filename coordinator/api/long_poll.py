"""Waiting for news: a few threads at most, and none of them with a connection in hand."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from coordinator.storage.wakeup import Watcher

T = TypeVar("T")
#: A busy coordinator commits hundreds of times a second; nobody needs to look that often.
_LOOK_AGAIN_SECONDS = 0.02


class WaitingRoom:
    """How many threads of this process may wait, and for how long.

    Args:
        watcher: One thread a process; started by the first who waits.
        seats: Threads that may wait at the same time.
    """

    def __init__(self, watcher: Watcher, seats: int) -> None:
        self._watcher = watcher
        self._seats = threading.Semaphore(seats)

    def wait_for(
        self, look: Callable[[], T], is_news: Callable[[T], bool], wait: timedelta
    ) -> tuple[T, bool]:
        """Look until there is news, the time is up, or the process drains.

        Args:
            look: Reads once; holds no connection when it returns.
            is_news: Whether an answer ends the waiting.
            wait: How long at most.

        Returns:
            What was seen last, and whether the caller was turned away for want of a seat.
        """
        self._watcher.start()
        generation = self._watcher.generation
        found = look()
        if is_news(found) or not wait:
            return found, False
        if not self._seats.acquire(blocking=False):
            return found, True
        try:
            return self._sit(look, is_news, found, generation, wait), False
        finally:
            self._seats.release()

    def _sit(
        self,
        look: Callable[[], T],
        is_news: Callable[[T], bool],
        found: T,
        generation: int,
        wait: timedelta,
    ) -> T:
        until = time.monotonic() + wait.total_seconds()
        while not self._watcher.is_stopped:
            left = until - time.monotonic()
            if left <= 0:
                break
            seen = self._watcher.wait(generation, timedelta(seconds=left))
            if seen == generation or self._watcher.is_stopped:
                break
            generation = seen
            found = look()
            if is_news(found):
                break
            time.sleep(min(_LOOK_AGAIN_SECONDS, max(0.0, until - time.monotonic())))
        return found

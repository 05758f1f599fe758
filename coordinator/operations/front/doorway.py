"""A doorway that threads go through one at a time, as long as nobody gets stuck in it."""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


class Doorway:
    """Lets one thread work at a time; the others wait before they begin, and never for long.

    On SQLite changes are written one after the other in any case. Threads that work on them
    together take the interpreter from each other at every statement, and most of them end up
    waiting for the write lock: it costs a submission a fifth of its time.

    Args:
        patience_seconds: Whoever has waited so long goes on beside the one inside, who then waits
            for something else: a large body's transaction, or a name server.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._inside = Lock()

    def go_through(self, work: Callable[[], T]) -> T:
        """Do `work`, alone or after having been patient."""
        is_alone = self._inside.acquire(timeout=self._patience_seconds)
        try:
            return work()
        finally:
            if is_alone:
                self._inside.release()

"""Who goes first: what can wait does so while somebody's request is under way.

That is pages that read themselves again, and storing who read what.
"""

from collections.abc import Callable
from threading import Condition
from typing import TypeVar

T = TypeVar("T")


class RightOfWay:
    """Lets work that can wait begin only while nothing is under way that goes first.

    One interpreter works for all threads of a process. Whatever is read for pages that stand open
    takes it from somebody's change at every statement of that, and 200 pages are read one after the
    other once something happens to what they show: each change would meet several.

    Args:
        patience_seconds: What can wait does so at most that long, so that it is done under any
            load.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._first = 0
        self._changed = Condition()

    def go_first(self, work: Callable[[], T]) -> T:
        """Do `work` at once."""
        with self._changed:
            self._first += 1
        try:
            return work()
        finally:
            with self._changed:
                self._first -= 1
                self._changed.notify_all()

    def give_way(self, work: Callable[[], T]) -> T:
        """Do `work` once nothing goes first, or after having been patient."""
        with self._changed:
            self._changed.wait_for(lambda: not self._first, self._patience_seconds)
        return work()

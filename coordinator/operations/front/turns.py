"""Waiting one's turn: a few at a time, by turn between partners, and never without end."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TooManyWaitError(Exception):
    """The queue is as long as it may be; come back later."""


class Turns:
    """Lets some in at a time; the others wait in queues by partner, which take turns.

    Args:
        at_once: How many may be in at the same time.
        at_once_each: How many of one partner may be.
        waiting: How many may wait in all.
        waiting_each: How many of one partner may wait.
    """

    def __init__(self, *, at_once: int, at_once_each: int, waiting: int, waiting_each: int) -> None:
        self._at_once, self._at_once_each = at_once, at_once_each
        self._waiting, self._waiting_each = waiting, waiting_each
        self._inside: dict[str, int] = {}
        #: By partner, whose turn it is first.
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def inside(self) -> int:
        """How many are in."""
        return sum(self._inside.values())

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def turn(self, partner: str) -> AsyncIterator[None]:
        """Be in; waits for the turn of `partner`.

        Raises:
            TooManyWaitError: If too many wait already.
        """
        await self._enter(partner)
        try:
            yield
        finally:
            self._leave(partner)

    async def _enter(self, partner: str) -> None:
        if self._has_room(partner) and not self._queues.get(partner):
            self._admit(partner)
            return
        queue = self._queues.setdefault(partner, deque())
        if self.waiting >= self._waiting or len(queue) >= self._waiting_each:
            self._forget(partner)
            raise TooManyWaitError
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._leave(partner)  # it was let in just as it went away
            else:
                queue.remove(mine)
                self._forget(partner)
            raise

    def _admit(self, partner: str) -> None:
        self._inside[partner] = self._inside.get(partner, 0) + 1

    def _leave(self, partner: str) -> None:
        self._inside[partner] -= 1
        if not self._inside[partner]:
            del self._inside[partner]
        self._let_in()

    def _has_room(self, partner: str) -> bool:
        return self.inside < self._at_once and self._inside.get(partner, 0) < self._at_once_each

    def _let_in(self) -> None:
        for partner in list(self._queues):
            if self.inside >= self._at_once:
                return
            if not self._has_room(partner):
                continue
            queue = self._queues[partner]
            self._admit(partner)
            queue.popleft().set_result(None)
            self._queues.move_to_end(partner)
            self._forget(partner)

    def _forget(self, partner: str) -> None:
        if not self._queues.get(partner):
            self._queues.pop(partner, None)

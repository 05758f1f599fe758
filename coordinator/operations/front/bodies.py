"""Reading a request's body from an ASGI server: bounded, and by a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class BodyTooSlowError(Exception):
    """The body did not come in time."""


class ClientGoneError(Exception):
    """Whoever sent the request hung up."""


class IncomingBody:
    """The body of one request, of which nothing is read before it is asked for.

    Args:
        receive: ASGI's.
        length: What `Content-Length` says; None where it comes in chunks.
    """

    def __init__(self, receive: Receive, length: int | None) -> None:
        self.length = length
        self._receive = receive
        self._reading: asyncio.Task[bytes] | None = None

    async def at_hand(self, seconds: float) -> bytes | None:
        """Return the body if it is there within the blink of an eye, else None.

        It is read on in the background, so this is for bodies that are known to be short.
        """
        task = self._start(self.length or 0)
        await asyncio.wait({task}, timeout=seconds)
        return task.result() if task.done() else None

    async def read(self, limit: int, seconds: float) -> bytes:
        """Return the body, or its first `limit` + 1 bytes.

        Raises:
            BodyTooSlowError: If it has not come after `seconds`.
            ClientGoneError: If the connection ended before it did.
        """
        task = self._start(limit)
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        self.leave()
        raise BodyTooSlowError

    def leave(self) -> None:
        """Read no more of it."""
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()

    def _start(self, limit: int) -> asyncio.Task[bytes]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read(limit))
        return self._reading

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while size <= limit:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if not message.get("more_body", False):
                break
        return b"".join(parts)[: limit + 1]

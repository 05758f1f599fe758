"""An ASGI server as a test drives it: every part of a body is sent by hand."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from coordinator.operations.front.front import Front

T = TypeVar("T")
#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 60


class Exchange:
    """One request to a front, and what is answered.

    Attributes:
        answer: (status, headers, body), once it is there.
    """

    def __init__(self, server: "Server", scope: Mapping[str, Any]) -> None:
        self._server = server
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: list[Mapping[str, Any]] = []
        self.answer = server.start(self._serve(scope))

    def send(self, part: bytes, *, more: bool = False) -> "Exchange":
        """Send a part of the body."""
        return self._put({"type": "http.request", "body": part, "more_body": more})

    def hang_up(self) -> "Exchange":
        """Close the connection."""
        return self._put({"type": "http.disconnect"})

    def status(self) -> int:
        """Wait for the answer's status."""
        return self.answer.result(PATIENCE)[0]

    def body(self) -> bytes:
        """Wait for the answer's body."""
        return self.answer.result(PATIENCE)[2]

    def _put(self, message: dict[str, Any]) -> "Exchange":
        self._server.loop.call_soon_threadsafe(self._incoming.put_nowait, message)
        return self

    async def _serve(self, scope: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        async def send(message: Mapping[str, Any]) -> None:
            self._sent.append(message)

        await self._server.front(scope, self._incoming.get, send)
        if not self._sent:
            return 0, {}, b""  # nobody is there to be answered
        start, body = self._sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, body["body"]


class Server:
    """A front on an event loop of its own thread."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.loop = asyncio.new_event_loop()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run something on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def waiting_for_news(self) -> int:
        """Return how many wait for news; the loop alone may look."""

        async def count() -> int:
            return self.front.news.waiting

        return self.start(count()).result(PATIENCE)

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send the head of a request."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(n.lower().encode(), v.encode()) for n, v in (headers or {}).items()],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        return Exchange(self, scope)


@contextmanager
def serving(front: Front) -> Iterator[Server]:
    """Serve until the block ends; what is still under way then is dropped."""
    server = Server(front)
    thread = threading.Thread(target=server.loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.start(_drop_all()).result(PATIENCE)
        server.loop.call_soon_threadsafe(server.loop.stop)
        thread.join(PATIENCE)
        server.loop.close()
        front.close()


async def _drop_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

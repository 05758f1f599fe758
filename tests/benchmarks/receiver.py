"""A receiver of webhooks as a process of its own: it notes when each came, and answers 204.

Under some paths it misbehaves instead, and notes nothing: `/hang`, `/drip`, `/reset`, `/refuse`.
It listens on as many ports as there are endpoints, for each partner has a host of its own. Told on
its input: `reset`, `hang_up`, `wait <count> <seconds> <kind>`; it answers each with a line of JSON
on its output.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.stage import end

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
#: Between two bytes that drip, in seconds.
_DRIP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came since the last reset; times are monotonic seconds, the same in all processes."""

    times: list[float]
    kinds: list[str]

    @property
    def per_second(self) -> float:
        """Arrivals per second, from the first to the last."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


class Receiver:
    """The receiver's process, as seen by whoever started it."""

    def __init__(self, endpoints: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.receiver", str(endpoints)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.ports: list[int] = self._read()

    @property
    def urls(self) -> list[str]:
        """One for each endpoint."""
        return [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    def reset(self) -> None:
        """Forget what came."""
        self._ask("reset")

    def hang_up(self) -> None:
        """Close every connection, so that the next webhook of each sender opens one."""
        self._ask("hang_up")

    def wait(self, count: int, seconds: float = 60, kind: str = "") -> Arrivals:
        """Wait until `count` webhooks (of one kind, if said) came, and return all that came."""
        times, kinds = self._ask(f"wait {count} {seconds} {kind}")
        come = kinds.count(kind) if kind else len(times)
        if come < count:
            raise AssertionError(f"only {come} of {count} webhooks came in {seconds} s")
        return Arrivals(times, kinds)

    def _ask(self, line: str) -> Any:
        if self._process.stdin is None:
            raise AssertionError("started with a pipe")
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        if self._process.stdout is None:
            raise AssertionError("started with a pipe")
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self._process)


def _line(answer: Any) -> str:
    # Canonical JSON knows no fractions; nothing here is signed or hashed.
    return json.dumps(answer) + "\n"  # noqa: TID251


class _Log:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.times: list[float] = []
        self.kinds: list[str] = []
        self.connections: set[asyncio.BaseTransport] = set()

    def count(self, kind: str) -> int:
        """Return how many came, of one kind if one is said."""
        return self.kinds.count(kind) if kind else len(self.times)

    def note(self, body: bytes) -> None:
        now = time.monotonic()
        # The type stands at the end of the body: its members are in canonical order.
        kind = body.rpartition(b'"type":"')[2].partition(b'"')[0].decode("ascii", "replace")
        with self.changed:
            self.times.append(now)
            self.kinds.append(kind)
            self.changed.notify_all()


class _Connection(asyncio.Protocol):
    def __init__(self, log: _Log) -> None:
        self._log = log
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._log.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._log.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while True:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self._data = rest[length:]
            path = head.split(b" ", 2)[1]
            if path == b"/refuse":
                self._transport.write(_REFUSAL)
            elif path == b"/reset":
                self._transport.abort()
            elif path == b"/drip":
                self._drip(_ANSWER)
            elif path != b"/hang":
                self._log.note(rest[:length])
                self._transport.write(_ANSWER)

    def _drip(self, rest: bytes) -> None:
        if rest and not self._transport.is_closing():
            self._transport.write(rest[:1])
            asyncio.get_running_loop().call_later(_DRIP_SECONDS, self._drip, rest[1:])


def _hang_up(log: _Log) -> None:
    for transport in list(log.connections):
        transport.close()


def _obey(log: _Log, loop: asyncio.AbstractEventLoop) -> None:
    for line in sys.stdin:
        words = line.split()
        with log.changed:
            if words[0] == "reset":
                log.times, log.kinds = [], []
                answer: Any = None
            elif words[0] == "hang_up":
                loop.call_soon_threadsafe(_hang_up, log)
                answer = None
            else:
                count, kind = int(words[1]), "".join(words[3:])
                log.changed.wait_for(lambda c=count, k=kind: log.count(k) >= c, float(words[2]))  # type: ignore[misc]
                answer = [log.times, log.kinds]
        sys.stdout.write(_line(answer))
        sys.stdout.flush()


async def _serve(endpoints: int) -> None:
    log = _Log()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: _Connection(log), "127.0.0.1", 0) for _ in range(endpoints)
    ]
    sys.stdout.write(_line([s.sockets[0].getsockname()[1] for s in servers]))
    sys.stdout.flush()
    await asyncio.to_thread(_obey, log, loop)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

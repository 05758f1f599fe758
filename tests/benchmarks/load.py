"""The load generator: requests that were signed beforehand, sent raw over keep-alive sockets.

It is one process of its own, with threads, so that what it costs falls on figure and floor alike.
Started with a port and a number of threads; reads requests from its input and answers with JSON.
"""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a load.

    Attributes:
        seconds: From the first byte sent to the last answer.
        statuses: How many answers had each HTTP status.
        latencies: Seconds of each request.
        port: Who answered.
    """

    port: int
    seconds: float
    statuses: dict[str, int]
    latencies: list[float]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds

    def require(self, status: int) -> "LoadResult":
        """Return itself, if every answer had this status."""
        if set(self.statuses) != {str(status)}:
            raise AssertionError(
                f"port {self.port}: expected only status {status}, got {self.statuses}"
            )
        return self


def raw_request(
    method: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return one HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n}: {v}" for n, v in headers)]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def send_load(requests: Sequence[bytes], port: int, *, threads: int) -> LoadResult:
    """Send all requests to 127.0.0.1:`port` from a process of its own."""
    content = b"".join(_LENGTH.pack(len(r)) + r for r in requests)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load", str(port), str(threads)],
        input=content,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return LoadResult(port=port, **json.loads(done.stdout))


class Caller:
    """One keep-alive connection; sends requests one after the other.

    Args:
        port: On 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; returns status and body of the answer.

        A connection that the server closed while it was idle is opened again, as clients do.
        """
        if select.select([self._socket], [], [], 0)[0]:
            self._socket.close()
            self._connect()
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        fields = head.lower()
        if b"transfer-encoding: chunked" in fields:
            raise AssertionError("chunked answers are not expected here")
        _, found, length = fields.partition(b"content-length:")
        wanted = int(length.split(b"\r\n")[0]) if found else 0
        self._buffer = rest
        while len(self._buffer) < wanted:
            self._receive()
        body, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
        return int(head[9:12]), body

    def _receive(self) -> None:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _main() -> None:
    port, threads = int(sys.argv[1]), int(sys.argv[2])
    content = sys.stdin.buffer.read()
    requests, at = [], 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        requests.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    callers = [Caller(port) for _ in range(threads)]
    outcomes: list[tuple[int, float]] = []
    go = threading.Event()

    def work(number: int) -> None:
        caller = callers[number]
        go.wait()
        for request in requests[number::threads]:
            began = time.monotonic()
            status, _ = caller.send(request)
            outcomes.append((status, time.monotonic() - began))

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    go.set()
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - began
    if len(outcomes) != len(requests):
        os._exit(1)
    statuses: dict[str, int] = {}
    for status, _ in outcomes:
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    result = {
        "seconds": seconds,
        "statuses": statuses,
        "latencies": [latency for _, latency in outcomes],
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    _main()

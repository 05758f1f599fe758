"""A receiver that does on the wire whatever a test writes, byte by byte."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

#: Gets the connection and its number, from 0, which is closed behind it.
Script = Callable[["RawReceiver", socket.socket, int], None]

ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"


class RawReceiver:
    """Listens on loopback and plays `script` on each connection, in a thread each.

    Args:
        script: What to do; OSErrors in it are taken as the sender's having gone.
        tls: Wraps each connection on the receiver's side.
        accepts: Whether connections are taken from the backlog at all.
        address: Where to listen; port 0 takes a free one.
    """

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        accepts: bool = True,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self._script = script
        self._tls = tls
        self._accepts = accepts
        self._listener = socket.create_server(address)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0

    def url(self, path: str = "/hook", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the test."""
        if self._stop.wait(seconds):
            raise ConnectionAbortedError

    def read_request(self, connection: socket.socket) -> bytes:
        """Read one request whole and note it; raises if the sender closed instead."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += _some(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += _some(connection)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def __enter__(self) -> Self:
        if self._accepts:
            self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._accepts:
            socket.create_connection(self._listener.getsockname()).close()  # wakes `accept`
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stop.is_set():
                connection.close()
                return
            number = self.connections
            self.connections += 1
            self._start(partial(self._play, connection, number))

    def _play(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            if self._tls is None:
                self._play_on(connection, number)
                return
            with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                self._play_on(wrapped, number)

    def _play_on(self, connection: socket.socket, number: int) -> None:
        self._open.append(connection)
        self._script(self, connection, number)


def answering(*answers: bytes) -> Script:
    """Return a script that answers each request of a connection in turn, then closes."""

    def play(receiver: RawReceiver, connection: socket.socket, _number: int) -> None:
        for answer in answers:
            receiver.read_request(connection)
            connection.sendall(answer)

    return play


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionAbortedError
    return data

"""One HTTP/1.1 POST over a connection of our own, under a hard deadline; kept-alive connections.

Why neither `requests` nor urllib3: both resolve the name again when they connect, their time-outs
bound each read and not the exchange, they decompress, and a `requests` POST costs several times
the processor time of the socket calls it makes. What a webhook needs of HTTP is small enough to
be read in one sitting (`http_response`).

Why no reaper thread: before every socket call the socket's time-out is set to what is left of the
deadline. CPython holds `connect`, `sendall`, `recv`, a TLS handshake and a TLS read or write to
that time as a whole, however the bytes drip in; so no call outlasts it, and no second thread can
shut a connection that meanwhile belongs to somebody else.
"""

import socket
import ssl
import threading
import time
from collections import OrderedDict
from datetime import timedelta

from coordinator.egress.address_guard import Address, Target
from coordinator.egress.http_response import ExchangeError, Response, read_response

_RECEIVE_BYTES = 65_536
#: So long before a receiver closes an idle connection it is not used any more.
_CLOSING_SECONDS = 1
_Key = tuple[str, str, int]


class Connection:
    """One open connection to a checked address; used by one thread at a time."""

    __slots__ = ("_socket", "_until", "address", "has_sent", "idle_since", "keep_seconds", "key")

    def __init__(self, connected: socket.socket, key: _Key, address: Address) -> None:
        self._socket = connected
        self._until = 0.0
        self.key = key
        self.address = address
        self.has_sent = False
        self.idle_since = 0.0
        #: How long the receiver keeps it open while it is idle; None: it did not say.
        self.keep_seconds: int | None = None

    def exchange(self, request: bytes, *, until: float, max_body_bytes: int) -> Response:
        """Send `request` whole and read its answer, by `until` (monotonic seconds).

        `has_sent` then tells whether any byte of the request may have reached the receiver.

        Raises:
            ExchangeError: If there is no whole, well-formed answer in time.
        """
        self._until = until
        self.has_sent = False
        is_sent = self._send(request)
        try:
            response = read_response(self._receive, max_body_bytes=max_body_bytes)
        except ExchangeError as error:
            if is_sent or error.status is not None:
                raise
            raise ExchangeError("connection_lost", "closed while the request was sent") from None
        if not is_sent:
            raise ExchangeError(
                "request_not_read",
                "the receiver answered and closed before it had the whole request",
                status=response.status,
            )
        return response

    def is_quiet(self) -> bool:
        """Tell whether an idle connection is still open, with nothing unasked for to read."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        """Close at once; never waits."""
        self._socket.close()

    def _send(self, request: bytes) -> bool:
        """Send all of it; False if the receiver closed before (it may have answered, though)."""
        rest = memoryview(request)
        try:
            while rest:
                # Not `sendall`: over TLS that would take the time-out anew for each part.
                self._socket.settimeout(seconds_left(self._until))
                rest = rest[self._socket.send(rest) :]
                self.has_sent = True
        except TimeoutError:
            raise ExchangeError("deadline_exceeded", "the request could not be sent in time") from (
                None
            )
        except OSError:
            return False
        return True

    def _receive(self) -> bytes:
        self._socket.settimeout(seconds_left(self._until))
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError:
            raise ExchangeError("deadline_exceeded", "no whole answer in time") from None
        except ssl.SSLError as error:
            raise ExchangeError("tls_failed", f"TLS failed: {error.reason}") from None
        except OSError as error:
            raise ExchangeError("connection_lost", f"lost: {error.strerror}") from None
        return data


def seconds_left(until: float) -> float:
    """Return the seconds up to `until`, always more than 0 (which would mean "do not block").

    Raises:
        ExchangeError: If there are none.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise ExchangeError("deadline_exceeded", "no whole answer in time")
    return left


def connection_key(target: Target) -> _Key:
    """Return what must be equal for a connection to be used again: TLS checked the host's name."""
    return (target.scheme, target.host, target.port)


def connect(
    target: Target,
    address: Address,
    *,
    tls: ssl.SSLContext,
    connect_seconds: float,
    until: float,
) -> Connection:
    """Connect to the checked address; over https with SNI and the certificate checked for the host.

    Raises:
        ExchangeError: connect_failed, connect_timeout, tls_certificate, tls_failed or
            deadline_exceeded.
    """
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004
    try:
        plain = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # out of descriptors, or no such family here
        raise ExchangeError("connect_failed", f"no socket: {error.strerror}") from None
    try:
        plain.settimeout(min(connect_seconds, seconds_left(until)))
        _connect(plain, address, target.port)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected = plain
        if target.scheme == "https":
            plain.settimeout(seconds_left(until))
            connected = _start_tls(plain, tls, target.host)
    except BaseException:
        plain.close()
        raise
    return Connection(connected, connection_key(target), address)


def _connect(plain: socket.socket, address: Address, port: int) -> None:
    try:
        plain.connect((str(address), port))
    except TimeoutError:
        raise ExchangeError("connect_timeout", "the receiver did not accept in time") from None
    except OSError as error:
        raise ExchangeError("connect_failed", f"not connected: {error.strerror}") from None


def _start_tls(plain: socket.socket, tls: ssl.SSLContext, host: str) -> socket.socket:
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ExchangeError(
            "tls_certificate", f"the certificate is not accepted: {error.verify_message}"
        ) from None
    except TimeoutError:
        raise ExchangeError("deadline_exceeded", "no TLS handshake in time") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise ExchangeError("tls_failed", f"the TLS handshake failed: {reason}") from None


class ConnectionPool:
    """Idle connections, the last used first; thread-safe.

    Args:
        size: Idle connections kept over all receivers; the longest idle goes first.
        idle: After this long a connection is closed rather than used again.
    """

    def __init__(self, *, size: int, idle: timedelta) -> None:
        self._size = size
        self._idle_seconds = idle.total_seconds()
        self._lock = threading.Lock()
        self._by_age: OrderedDict[Connection, None] = OrderedDict()
        self._by_key: dict[_Key, list[Connection]] = {}
        self._is_closed = False

    def take(self, key: _Key, addresses: tuple[Address, ...]) -> Connection | None:
        """Return an open idle connection to one of `addresses`, the ones just checked, or None."""
        while (connection := self._pop(key)) is not None:
            keep = self._idle_seconds
            if connection.keep_seconds is not None:
                # What is sent as the receiver closes is lost, and costs a try.
                keep = min(keep, connection.keep_seconds - _CLOSING_SECONDS)
            is_fresh = time.monotonic() - connection.idle_since < keep
            if is_fresh and connection.address in addresses and connection.is_quiet():
                return connection
            connection.close()
        return None

    def put(self, connection: Connection) -> None:
        """Keep `connection` for the next request to the same receiver."""
        now = connection.idle_since = time.monotonic()
        expired: list[Connection] = []
        with self._lock:
            if self._is_closed:
                expired.append(connection)
            else:
                self._by_age[connection] = None
                self._by_key.setdefault(connection.key, []).append(connection)
            while self._by_age:
                oldest = next(iter(self._by_age))
                is_old = now - oldest.idle_since >= self._idle_seconds
                if not is_old and len(self._by_age) <= self._size:
                    break
                self._forget(oldest)
                expired.append(oldest)
        for each in expired:
            each.close()

    def close(self) -> None:
        """Close what is idle, and from now on whatever is put back."""
        with self._lock:
            self._is_closed = True
            idle = list(self._by_age)
            self._by_age.clear()
            self._by_key.clear()
        for each in idle:
            each.close()

    def __len__(self) -> int:
        """Return how many connections are idle."""
        return len(self._by_age)

    def _pop(self, key: _Key) -> Connection | None:
        with self._lock:
            idle = self._by_key.get(key)
            if not idle:
                return None
            connection = idle[-1]
            self._forget(connection)
            return connection

    def _forget(self, connection: Connection) -> None:
        del self._by_age[connection]
        idle = self._by_key[connection.key]
        idle.remove(connection)
        if not idle:
            del self._by_key[connection.key]

"""A small document from a host that a partner named: no redirects, no cookies, nothing unbounded.

Like a webhook it goes to the very address that was checked, over a connection of its own, and the
whole exchange is over by its deadline, whatever the other side does.
"""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from coordinator.egress.address_guard import (
    BlockedTargetError,
    EndpointPolicy,
    ResolvedTarget,
    Resolver,
    UnresolvedTargetError,
    check_url,
    resolve_by_system,
)
from coordinator.egress.http_exchange import Connection, connect
from coordinator.egress.http_response import ExchangeError, Response
from coordinator.egress.name_resolution import CheckedResolver
from coordinator.egress.tls import default_tls

_CONNECT_SECONDS = 3.0
_MOST_ADDRESSES = 3


class FetchError(Exception):
    """There is no whole answer; the message says why, and holds no byte of the other side's.

    Args:
        code: Stable word for programs: as of the exchange, or "blocked_target", "too_large".
        message: What happened, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer: its status, and its body as it came."""

    status: int
    body: bytes


class Fetcher:
    """Fetches from any number of threads.

    Args:
        policy: What the operator allows.
        deadline: For the whole of one exchange, from resolving the name to the last byte.
        most_bytes: An answer that is larger is none.
        resolver: Host and port to textual addresses.
        tls: Checks certificates; by default against the system's authorities.
    """

    def __init__(
        self,
        policy: EndpointPolicy,
        *,
        deadline: timedelta = timedelta(seconds=5),
        most_bytes: int = 262_144,
        resolver: Resolver = resolve_by_system,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._seconds = deadline.total_seconds()
        self._most_bytes = most_bytes
        self._names = CheckedResolver(policy, resolver=resolver)
        self._given_tls = tls

    def check(self, url: str) -> None:
        """Refuse a URL that nothing is fetched from, by its form alone.

        Raises:
            FetchError: Saying what is wrong with it.
        """
        try:
            check_url(url, self._policy)
        except BlockedTargetError as error:
            raise FetchError("blocked_target", error.message) from None

    def get(self, url: str, fields: Mapping[str, str] | None = None) -> Fetched:
        """Return what is at `url`; `fields` are further header fields.

        Raises:
            FetchError: If there is no whole answer in time, or it may not be asked for.
        """
        return self._exchange("GET", url, fields or {}, b"")

    def post(self, url: str, fields: Mapping[str, str], body: bytes) -> Fetched:
        """Return what `url` answers to a body; `fields` are further header fields.

        Raises:
            FetchError: If there is no whole answer in time, or it may not be sent there.
        """
        return self._exchange("POST", url, fields, body)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or default_tls()  # reading the authorities takes a while

    def _exchange(self, method: str, url: str, fields: Mapping[str, str], body: bytes) -> Fetched:
        until = time.monotonic() + self._seconds
        try:
            target = check_url(url, self._policy)
            resolved = self._names.resolve(target, until=until)
            request = _render(method, resolved, fields, body)
            response = self._send(resolved, request, until)
        except BlockedTargetError as error:
            raise FetchError("blocked_target", error.message) from None
        except (UnresolvedTargetError, ExchangeError) as error:
            raise FetchError(error.code, str(error)) from None
        if not response.is_whole:
            raise FetchError("too_large", f"the answer has more than {self._most_bytes} bytes")
        return Fetched(response.status, response.body)

    def _send(self, resolved: ResolvedTarget, request: bytes, until: float) -> Response:
        connection = self._connect(resolved, until)
        try:
            return connection.exchange(request, until=until, max_body_bytes=self._most_bytes)
        finally:
            connection.close()

    def _connect(self, resolved: ResolvedTarget, until: float) -> Connection:
        fault = ExchangeError("connect_failed", "no address to connect to")
        for address in resolved.addresses[:_MOST_ADDRESSES]:
            try:
                return connect(
                    resolved.target,
                    address,
                    tls=self._tls,
                    connect_seconds=_CONNECT_SECONDS,
                    until=until,
                )
            except ExchangeError as error:
                if error.code not in {"connect_failed", "connect_timeout"}:
                    raise
                fault = error
        raise fault


def _render(method: str, resolved: ResolvedTarget, fields: Mapping[str, str], body: bytes) -> bytes:
    """Return the request; the URL was checked, and `fields` hold no line ends of anybody's."""
    target = resolved.target
    lines = {
        "Host": target.authority,
        "User-Agent": "Holdfast",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # nothing is ever decompressed
        "Connection": "close",
        **fields,
    }
    if method == "POST":
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body

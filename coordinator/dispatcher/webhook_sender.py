"""One webhook, sent safely: address guard, own connection, hard deadline, no redirects.

Whatever a receiver does becomes an `Outcome`. Success is a 2xx status whose answer came whole, or
was cut by us at `max_response_bytes`, within the deadline; everything else is a failure that may
be tried again under the same `webhook-id`. No proxy is ever used, whatever the environment says;
of it only OpenSSL's own SSL_CERT_FILE and SSL_CERT_DIR count, which name the system's authorities.
"""

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import ceil

from coordinator.domain.clock import Clock, SystemClock
from coordinator.domain.delivery import USER_AGENT
from coordinator.egress.address_guard import (
    BlockedTargetError,
    EndpointPolicy,
    ResolvedTarget,
    Resolver,
    Target,
    UnresolvedTargetError,
    check_url,
    resolve_by_system,
)
from coordinator.egress.http_exchange import (
    Connection,
    ConnectionPool,
    connect,
    connection_key,
)
from coordinator.egress.http_response import ExchangeError, Response
from coordinator.egress.name_resolution import CheckedResolver
from coordinator.egress.tls import default_tls

MAX_EXCERPT_BYTES = 1024
#: Longer waits that a receiver asks for are cut to this many seconds.
MAX_RETRY_AFTER = 86_400
#: Addresses of one host that are tried in turn while connecting.
MAX_ADDRESSES_TRIED = 3

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\t -~]*")
_DIGITS = re.compile(r"[0-9]+")
_KEEP_ALIVE = re.compile(rb"(?i)\btimeout=([0-9]{1,9})\b")
_OURS = frozenset(
    {
        "host",
        "user-agent",
        "accept-encoding",
        "connection",
        "content-length",
        "transfer-encoding",
        "expect",
        "upgrade",
        "te",
        "trailer",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt.

    Args:
        status: The HTTP status, if one came.
        error: None on success; otherwise a stable code: "http_status", "redirect_refused",
            "blocked_target", "dns_failed", "dns_timeout", "connect_failed", "connect_timeout",
            "tls_certificate", "tls_failed", "connection_lost", "request_not_read",
            "deadline_exceeded", "bad_response", "headers_too_large" or "incomplete_response".
        detail: The same for people; holds no path, query or bytes of the receiver's.
        retry_after: Seconds that the receiver asks to wait, 0 to `MAX_RETRY_AFTER`.
        duration_seconds: From the call to the outcome, monotonic.
        response_excerpt: The first bytes of the undecoded body, at most `MAX_EXCERPT_BYTES`.
    """

    status: int | None = None
    error: str | None = None
    detail: str
    retry_after: int | None = None
    duration_seconds: float
    response_excerpt: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the receiver accepted the webhook."""
        return self.error is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """Figures of one sender.

    Attributes:
        connect_timeout: For each address that is tried.
        deadline: For the whole of one `send`, from resolving the name to the answer's last byte.
        max_response_bytes: Where an answer's body is cut; the status stands.
        user_agent: Value of the User-Agent field.
        pool_size: Idle connections kept; at least the number of sending threads.
        idle: How long an idle connection is kept.
        resolve_every: How long a checked address is used before the name is resolved again.
    """

    connect_timeout: timedelta
    deadline: timedelta
    max_response_bytes: int = 65_536
    user_agent: str = USER_AGENT
    pool_size: int = 256
    idle: timedelta = timedelta(seconds=30)
    resolve_every: timedelta = timedelta(seconds=30)


class WebhookSender:
    """Sends webhooks from any number of threads.

    Args:
        policy: What the operator allows.
        settings: Figures.
        resolver: Host and port to textual addresses.
        tls: Checks receivers' certificates; by default against the system's authorities.
        clock: Tells what a Retry-After date is counted from.
    """

    def __init__(
        self,
        policy: EndpointPolicy,
        settings: SenderSettings,
        *,
        resolver: Resolver = resolve_by_system,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        _check_field("User-Agent", settings.user_agent)
        self._policy = policy
        self._settings = settings
        self._resolver = CheckedResolver(policy, resolver=resolver, keep=settings.resolve_every)
        self._pool = ConnectionPool(size=settings.pool_size, idle=settings.idle)
        self._tls = tls or default_tls()
        self._clock = clock or SystemClock()
        self._prepared = lru_cache(maxsize=4096)(self._prepare)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """POST `body` to `url`; never raises for anything that a receiver does.

        Args:
            url: Checked anew, with every address that its host stands for.
            headers: Further fields; Content-Type is application/json where absent.
            body: Sent as it is.

        Raises:
            ValueError: If a header cannot be sent or is one of ours, such as Host.
        """
        started = time.monotonic()
        until = started + self._settings.deadline.total_seconds()
        fields = _render(headers, len(body))
        try:
            target, prefix = self._prepared(url)
            resolved = self._resolver.resolve(target, until=until)
            response = self._exchange(target, resolved, prefix + fields + body, until)
        except BlockedTargetError as error:
            return _failure(started, "blocked_target", f"{error.code}: {error.message}")
        except UnresolvedTargetError as error:
            return _failure(started, error.code, error.message)
        except ExchangeError as error:
            return _failure(started, error.code, error.detail, error.status)
        return self._outcome(started, response)

    def close(self) -> None:
        """Close idle connections; sends under way end by themselves."""
        self._pool.close()

    def _prepare(self, url: str) -> tuple[Target, bytes]:
        """Check the URL's form and render what is the same in each request to it."""
        target = check_url(url, self._policy)
        lines = (
            f"POST {target.path} HTTP/1.1",
            f"Host: {target.authority}",
            f"User-Agent: {self._settings.user_agent}",
            # A compressed answer would be of no use: nothing is ever decompressed.
            "Accept-Encoding: identity",
        )
        return target, "".join(f"{line}\r\n" for line in lines).encode("ascii")

    def _exchange(
        self, target: Target, resolved: ResolvedTarget, request: bytes, until: float
    ) -> Response:
        connection = self._pool.take(connection_key(target), resolved.addresses)
        if connection is not None:
            try:
                return self._exchange_on(connection, request, until)
            except ExchangeError as error:
                # A receiver may close an idle connection just as it is used. Only where not one
                # byte went out is it certain that it got nothing: one try is one post.
                if error.code != "connection_lost" or connection.has_sent:
                    raise
        return self._exchange_on(self._connect(target, resolved, until), request, until)

    def _exchange_on(self, connection: Connection, request: bytes, until: float) -> Response:
        try:
            response = connection.exchange(
                request, until=until, max_body_bytes=self._settings.max_response_bytes
            )
        except BaseException:
            connection.close()
            raise
        if response.is_reusable:
            connection.keep_seconds = _keep_seconds(response.fields.get(b"keep-alive", b""))
            self._pool.put(connection)
        else:
            connection.close()
        return response

    def _connect(self, target: Target, resolved: ResolvedTarget, until: float) -> Connection:
        """Connect to the first checked address that accepts."""
        fault = ExchangeError("connect_failed", "no address to connect to")
        for address_no, address in enumerate(resolved.addresses[:MAX_ADDRESSES_TRIED]):
            try:
                connection = connect(
                    target,
                    address,
                    tls=self._tls,
                    connect_seconds=self._settings.connect_timeout.total_seconds(),
                    until=until,
                )
            except ExchangeError as error:
                if error.code not in {"connect_failed", "connect_timeout"}:
                    raise
                fault = error
            else:
                if address_no:
                    self._resolver.prefer(resolved, address_no)
                return connection
        raise fault

    def _outcome(self, started: float, response: Response) -> Outcome:
        status = response.status
        error = None
        if 300 <= status < 400:  # noqa: PLR2004
            error = "redirect_refused"
        elif status >= 400:  # noqa: PLR2004
            error = "http_status"
        return Outcome(
            status=status,
            error=error,
            detail=f"the receiver answered {status}",
            retry_after=self._retry_after(response.fields.get(b"retry-after")),
            duration_seconds=time.monotonic() - started,
            response_excerpt=response.body[:MAX_EXCERPT_BYTES],
        )

    def _retry_after(self, value: bytes | None) -> int | None:
        """Return the seconds of a Retry-After field (RFC 9110 §10.2.3), None if it says nothing."""
        if value is None:
            return None
        text = value.decode("latin-1")
        if _DIGITS.fullmatch(text):
            return MAX_RETRY_AFTER if len(text) > 9 else min(int(text), MAX_RETRY_AFTER)  # noqa: PLR2004
        try:
            seconds = ceil((parsedate_to_datetime(text) - self._clock.now()).total_seconds())
        except (ValueError, TypeError, OverflowError):  # no date; a date without a zone; year 0
            return None
        return max(0, min(seconds, MAX_RETRY_AFTER))


def _keep_seconds(value: bytes) -> int | None:
    """Return the `timeout` of a Keep-Alive field (RFC 2068 §19.7.1), None where it says none."""
    found = _KEEP_ALIVE.search(value)
    return None if found is None else int(found[1])


def _check_field(name: str, value: str) -> None:
    if _FIELD_NAME.fullmatch(name) is None or _FIELD_VALUE.fullmatch(value) is None:
        raise ValueError(f"header {name!r} cannot be sent")


def _render(headers: Mapping[str, str], length: int) -> bytes:
    """Return the fields that differ from request to request, and the empty line behind them."""
    lines = [f"Content-Length: {length}\r\n"]
    has_content_type = False
    for name, value in headers.items():
        _check_field(name, value)
        lower = name.lower()
        if lower in _OURS:
            raise ValueError(f"header {name!r} is set by the sender")
        has_content_type |= lower == "content-type"
        lines.append(f"{name}: {value}\r\n")
    if not has_content_type:
        lines.append("Content-Type: application/json\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("ascii")


def _failure(started: float, code: str, detail: str, status: int | None = None) -> Outcome:
    return Outcome(
        status=status,
        error=code,
        detail=detail,
        duration_seconds=time.monotonic() - started,
    )

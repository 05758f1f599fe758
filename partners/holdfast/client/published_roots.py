"""Which root keys a partner itself publishes, beside what the coordinator says of it.

At `https://HANDLE/.well-known/holdfast.json`, or in a DNS TXT record of `_holdfast.HANDLE`. A
handle is a domain: whoever runs the coordinator does not run that. Each look-up is one bounded
exchange over https: no redirects, no cookies, nothing decompressed, over by its deadline.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPException, HTTPResponse
from importlib import import_module
from io import BytesIO
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from holdfast.errors import PinMismatchError
from holdfast.protocol import strict_json
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.payloads import Handle

PATH = "/.well-known/holdfast.json"
#: Of the TXT record, below the handle; its text is "holdfast-root=" and a thumbprint.
LABEL, PREFIX = "_holdfast", "holdfast-root="
MAX_BYTES = 16_384
_THUMBPRINT = r"[A-Za-z0-9_-]{43}"
_OK = 200
_RECEIVE_BYTES = 4_096


class RootsDocument(BaseModel):
    """What a partner publishes: thumbprints (RFC 7638) of its root keys, several as it changes one.

    Members that are not known are passed over.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    roots: list[str] = Field(min_length=1, max_length=20)


class Source(StrEnum):
    """Where a thumbprint was found."""

    HTTPS = "https"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class Published:
    """What a partner publishes.

    Attributes:
        handle: The partner.
        roots: Thumbprints.
        source: Where they are published.
    """

    handle: str
    roots: frozenset[str]
    source: Source

    def require(self, root_kid: str) -> None:
        """Refuse another root key than those that are published.

        Raises:
            PinMismatchError: Naming both.
        """
        if root_kid not in self.roots:
            raise PinMismatchError(
                f"{self.handle} publishes {', '.join(sorted(self.roots))} as its root key "
                f"({self.source.value}), but the coordinator offers {root_kid}: ask "
                f"{self.handle} by another way before you act on anything"
            )


class NothingPublishedError(Exception):
    """A partner publishes no root key where one looked, or cannot be reached; the text says why."""


class TextRecords(Protocol):
    """Looks TXT records up: `dns.resolver.Resolver`, or another."""

    def resolve(self, qname: str, rdtype: str, *, lifetime: float) -> Any:
        """Return the records, each with its `strings`."""
        ...


def _address(host: str, port: int) -> tuple[str, int]:
    return host, port


@dataclass(slots=True)
class PublishedRoots:
    """Looks up what partners publish.

    Attributes:
        seconds: For each of the two ways.
        tls: Checks certificates; by default against the system's authorities.
        address: Where a host is reached, if not at itself.
        records: Looks TXT records up; by default by the system's resolver, with the extra `dns`.
    """

    seconds: float = 5.0
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    address: Callable[[str, int], tuple[str, int]] = _address
    records: TextRecords | None = None

    def look_up(self, handle: str) -> Published:
        """Return what a partner publishes: over https, or else in its DNS.

        Raises:
            NothingPublishedError: If that is nothing, or not to be read.
        """
        try:
            TypeAdapter(Handle).validate_python(handle)
        except ValidationError:
            raise NothingPublishedError(f"{handle!r} is no handle") from None
        why = []
        for read, source in ((self._by_https, Source.HTTPS), (self._by_dns, Source.DNS)):
            try:
                return Published(handle, read(handle), source)
            except NothingPublishedError as error:
                why.append(str(error))
        raise NothingPublishedError(f"{handle} publishes no root key: {'; '.join(why)}")

    def _by_https(self, handle: str) -> frozenset[str]:
        status, body = self._get(handle)
        if status != _OK:
            raise NothingPublishedError(f"https answers {status}")
        try:
            document = RootsDocument.model_validate(strict_json.loads(body))
        except (StrictJsonError, ValidationError):
            raise NothingPublishedError(
                f'what stands at {PATH} is not {{"roots": ["…"]}}'
            ) from None
        return _thumbprints(document.roots)

    def _get(self, host: str) -> tuple[int, bytes]:
        """Return status and body of one GET, however slowly it comes, by the deadline."""
        until = time.monotonic() + self.seconds
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: holdfast-kit\r\n"
            "Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
        )
        try:
            with socket.create_connection(self.address(host, 443), timeout=self.seconds) as plain:
                plain.settimeout(_left(until))
                with self.tls.wrap_socket(plain, server_hostname=host) as secured:
                    secured.settimeout(_left(until))
                    secured.sendall(request.encode("ascii"))
                    received = _received(secured, until)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise NothingPublishedError(f"https: {reason}") from None
        return _parsed(received)

    def _by_dns(self, handle: str) -> frozenset[str]:
        dns = _dnspython()
        records = self.records or cast("TextRecords", dns.resolver.Resolver())
        try:
            found = records.resolve(f"{LABEL}.{handle}", "TXT", lifetime=self.seconds)
        except (dns.exception.DNSException, OSError) as error:
            raise NothingPublishedError(f"DNS: {type(error).__name__}") from None
        texts = [b"".join(each.strings).decode("ascii", "replace") for each in found]
        roots = [each.removeprefix(PREFIX) for each in texts if each.startswith(PREFIX)]
        return _thumbprints(roots)


def _thumbprints(given: list[str]) -> frozenset[str]:
    found = frozenset(given)
    if not found or not all(re.fullmatch(_THUMBPRINT, each) for each in found):
        raise NothingPublishedError("it names no thumbprint of 43 characters")
    return found


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _received(secured: ssl.SSLSocket, until: float) -> bytes:
    received = bytearray()
    while True:
        # Before every read, so that an answer that drips in is over by the deadline, too.
        secured.settimeout(_left(until))
        part = secured.recv(_RECEIVE_BYTES)
        if not part:
            return bytes(received)
        received += part
        if len(received) > MAX_BYTES:
            raise NothingPublishedError(f"https: more than {MAX_BYTES} bytes")


class _Stored:
    """What was received, as `http.client` reads from a socket."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, *_: object, **__: object) -> BytesIO:
        return BytesIO(self._received)


def _parsed(received: bytes) -> tuple[int, bytes]:
    response = HTTPResponse(cast("socket.socket", _Stored(received)))
    try:
        response.begin()
        return response.status, response.read()
    except (HTTPException, ValueError) as error:
        raise NothingPublishedError(f"https: no answer, {type(error).__name__}") from None


def _dnspython() -> Any:
    try:
        import_module("dns.exception")
        import_module("dns.resolver")
        return import_module("dns")
    except ImportError:
        raise NothingPublishedError(
            "DNS is not asked without the kit's extra: pip install 'holdfast-kit[dns]'"
        ) from None

"""One signed HTTP exchange with the coordinator, retried safely.

Every try carries a new token over the same bytes; every try of a changing request carries the same
idempotency key, so that however often it is sent it happens once.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import requests
from requests.auth import AuthBase

from holdfast.errors import (
    ApiError,
    ProfileError,
    RateLimitedError,
    TransportError,
    UnavailableError,
    problem_error,
)
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.request_token import make_request_token

#: Larger answers are refused: the largest honest one is a page of evidence with a 16 MiB body in
#: it.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_RETRIED_STATUSES = frozenset({408, 429, 502, 503, 504})
_SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try again; waits are in seconds.

    Attributes:
        attempts: Tries in all.
        first_wait: Upper bound of the first wait; each later one doubles, up to `longest_wait`.
        longest_wait: A Retry-After beyond this is not waited for: the error is raised, and carries
            it.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 20.0

    def wait_before(self, attempt: int, retry_after: float | None) -> float:
        """Return how long to wait before try number `attempt` (2, 3, …): full jitter."""
        ceiling: float = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 2))
        jittered = random.uniform(0.5, 1.0) * ceiling  # noqa: S311 - spreads load, keeps no secret
        return max(jittered, retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and to wait for the next bytes of an answer."""

    connect: float = 5.0
    read: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        status: 200 to 299.
        body: The parsed JSON, or the bytes of what is none; None where there was nothing.
        headers: As received, names in any case.
        idempotency_key: What the request was sent under; None for reads.
    """

    status: int
    body: Any
    headers: Mapping[str, str]
    idempotency_key: str | None = None

    @property
    def was_replayed(self) -> bool:
        """Whether an earlier try had already been carried out, and this is its stored answer."""
        return self.headers.get("Idempotency-Replayed", "").lower() == "true"


class _Bearer(AuthBase):
    """Sets the token as `auth`, because requests lets a .netrc entry overwrite a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _NoAuth(AuthBase):
    """Sends no Authorization at all, whatever .netrc says."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


#: A document of whatever type.
_ANY = "*/*"


class _Call(NamedTuple):
    """One request as it is sent at every try; `target` is path and query.

    `content_type` is that of a document which is wanted as it is; None: JSON is.
    """

    method: str
    target: str
    body: bytes | None = None
    idempotency_key: str | None = None
    is_signed: bool = True
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One request that changes something and whose answer is awaited.

    Attributes:
        method: Upper case.
        path: Without the query.
    """

    method: str
    path: str


@dataclass(slots=True)
class Transport:
    """Signs, sends, retries and reads.

    Attributes:
        profile: Who signs; None for the public pages alone.
        origin: The coordinator's configured origin, over which tokens are made.
        base_url: Where to connect, if that differs (a tunnel); by default the origin.
        retries: How often to try again.
        timeouts: Time limits of one try.
        now: Wall time in seconds since 1970.
        sleep: Waits; tests give one that does not.
        under_way: What was sent that changes something and is not answered; Ctrl-C leaves it here.
        changes_made: How many such requests were carried out.
    """

    profile: Profile | None
    origin: str
    base_url: str | None = None
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session)
    under_way: list[Change] = field(default_factory=list)
    changes_made: int = 0

    def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send one signed request until it is answered, and return the answer.

        Args:
            method: Upper case.
            path: Absolute path, e.g. "/v1/freeze-requests".
            query: Parameters; those that are None are left out.
            body: The exact bytes that are signed and sent.
            idempotency_key: Of changing requests; one is made where none is given.

        Raises:
            ApiError: The coordinator refused, in its subclasses.
            TransportError: No usable answer came within the tries.
        """
        parameters = {
            name: str(value) for name, value in (query or {}).items() if value is not None
        }
        target = quote(path, safe="/._~-")
        if parameters:
            target += "?" + urlencode(parameters, quote_via=quote)
        if method not in _SAFE_METHODS and idempotency_key is None:
            idempotency_key = str(uuid.uuid4())
        call = _Call(method, target, body, idempotency_key)
        if method in _SAFE_METHODS:
            return self._until_answered(call)
        change = Change(method, path)
        self.under_way.append(change)
        try:
            answer = self._until_answered(call)
        except Exception:  # its caller is told; only an interrupt leaves it under way
            self.under_way.remove(change)
            raise
        self.under_way.remove(change)
        self.changes_made += 1
        return answer

    def read_document(self, path: str, content_type: str) -> bytes:
        """Read a document of another type than JSON, as `exchange` reads the others.

        Raises:
            ApiError: The coordinator refused, in its subclasses.
            TransportError: No usable answer came within the tries.
        """
        call = _Call("GET", quote(path, safe="/._~-"), content_type=content_type)
        content: bytes = self._until_answered(call).body
        return content

    def read_public(self, path: str) -> Answer:
        """Read a public page, for which nobody needs a key, as `exchange` does the others."""
        return self._until_answered(_Call("GET", path, is_signed=False))

    def read_public_bytes(self, path: str) -> bytes:
        """Read a public page that is no JSON, as `read_public` does the others."""
        found = self._until_answered(_Call("GET", path, is_signed=False, content_type=_ANY))
        return bytes(found.body or b"")

    def send_public(self, path: str, body: bytes) -> Answer:
        """Send JSON to a page that takes it from anybody, and once or many times alike."""
        return self._until_answered(_Call("POST", path, body, is_signed=False))

    def _until_answered(self, call: _Call) -> Answer:
        attempt = 1
        while True:
            try:
                return self._try_once(call)
            except (RateLimitedError, UnavailableError, TransportError) as error:
                retry_after = error.retry_after if isinstance(error, ApiError) else None
                if not self._is_worth_another_try(error, attempt, retry_after):
                    raise
                attempt += 1
                self.sleep(self.retries.wait_before(attempt, retry_after))

    def _is_worth_another_try(
        self, error: Exception, attempt: int, retry_after: float | None
    ) -> bool:
        if attempt >= self.retries.attempts or (retry_after or 0) > self.retries.longest_wait:
            return False
        return not isinstance(error, ApiError) or error.problem.status in _RETRIED_STATUSES

    def _try_once(self, call: _Call) -> Answer:
        url = self.origin + call.target
        headers = {
            "Accept": f"{call.content_type or 'application/json'}, application/problem+json",
            "User-Agent": "holdfast-kit",
        }
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        try:
            with self.session.request(
                call.method,
                (self.base_url or self.origin) + call.target,
                data=call.body,
                headers=headers,
                auth=_Bearer(self._token(call, url)) if call.is_signed else _NoAuth(),
                timeout=(self.timeouts.connect, self.timeouts.read),
                allow_redirects=False,  # a token is good for one URL alone
                stream=True,
            ) as response:
                raw = _read(response)
        except (requests.RequestException, OSError) as error:
            raise TransportError(
                f"{call.method} {url}: {_reason(error)}", idempotency_key=call.idempotency_key
            ) from error
        if call.content_type is not None and response.ok:
            return _document(call, response, raw)
        return _answer(response, raw, call.idempotency_key)

    def _token(self, call: _Call, url: str) -> str:
        if self.profile is None:
            raise ProfileError("this needs a profile to sign with")
        return make_request_token(
            self.profile.key,
            iss=self.profile.handle,
            sub=self.profile.subject,
            aud=self.origin,
            method=call.method,
            url=url,
            body=call.body or b"",
            now=int(self.now()),
        )


def _read(response: requests.Response) -> bytes:
    """Return the body, or raise once it is larger than anything honest."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK_BYTES):
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise requests.RequestException("the answer is larger than 64 MiB")
        parts.append(part)
    return b"".join(parts)


def _document(call: _Call, response: requests.Response, raw: bytes) -> Answer:
    if call.content_type not in {_ANY, response.headers.get("Content-Type", "").partition(";")[0]}:
        raise TransportError(f"the answer is no {call.content_type}: is this a coordinator?")
    return Answer(response.status_code, raw, response.headers)


def _answer(response: requests.Response, raw: bytes, idempotency_key: str | None) -> Answer:
    try:
        body = strict_json.loads(raw) if raw else None
    except ProtocolError as error:
        if response.ok:
            raise TransportError(
                f"the answer is no JSON ({error}): is this a coordinator?",
                idempotency_key=idempotency_key,
            ) from None
        body = None
    if not 200 <= response.status_code < 300:  # noqa: PLR2004
        raise problem_error(
            response.status_code, body, retry_after=_seconds(response.headers.get("Retry-After"))
        )
    return Answer(response.status_code, body, response.headers, idempotency_key)


def _seconds(value: str | None) -> float | None:
    """Return Retry-After in seconds; its date form is not used by the coordinator and ignored."""
    return float(value) if value and value.isascii() and value.isdigit() else None


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "the TLS certificate was not accepted; that of a private authority is trusted if "
            "REQUESTS_CA_BUNDLE names a file with the authority's certificate"
        )
    if isinstance(error, requests.ConnectionError):
        return "could not connect, or the connection broke"
    return str(error)

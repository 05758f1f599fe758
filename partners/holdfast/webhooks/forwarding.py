"""Events of the feed as webhooks to a service on this machine: no public address is needed.

What is posted is what the coordinator would post: the same bytes under the same `webhook-id`,
signed as Standard Webhooks 1.0 has it, but by a secret and a key of this machine. One event is
tried until the service takes it; the next one waits for that, so the order stays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from holdfast.errors import ProfileError
from holdfast.protocol import canonical_json, webhook_signature
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.views import EventView

#: Seconds for one post, as a coordinator gives it.
_DEADLINE = 10.0
#: Seconds between two tries of one event: doubled each time, up to the last.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_START = b'{"data":{'
_TAKEN = range(200, 300)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try.

    Attributes:
        status: What the service answered; None where it did not.
        reason: Why it did not answer, in words; empty where it did.
        wait: Seconds until the next try; None where there is none.
    """

    status: int | None
    reason: str
    wait: float | None

    @property
    def is_taken(self) -> bool:
        """Whether the service took the event."""
        return self.status in _TAKEN

    def __str__(self) -> str:
        return self.reason or str(self.status)


class EndpointGoneError(Exception):
    """The service answered 410: as the coordinator would, nothing more is posted there."""


def local_url(url: str) -> str:
    """Return the URL of a service that events may be forwarded to.

    Raises:
        ProfileError: If it is none, or unprotected on its way: notices name victims' funds.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ProfileError(f"{url!r} is no URL: give one like http://127.0.0.1:9000/hook")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ProfileError(
            f"{url!r} is not on this machine: use https, or register it where the coordinator can "
            "reach it (`holdfast endpoint add`)"
        )
    return url.strip()


def webhook_body(event: EventView) -> bytes:
    """Return the body of an event's webhook, byte for byte as the coordinator posts it."""
    whole = event.model_dump(mode="json")
    body = {name: whole[name] for name in ("data", "timestamp", "type")}
    log = body["data"].pop("log", None)
    raw = canonical_json.dumps(body)
    if log is None:
        return raw
    # Its place in the log is added, in front, once the rest is fixed: docs/protocol.md.
    end = b"" if raw.startswith(_START + b"}") else b","
    return _START + b'"log":' + canonical_json.dumps(log) + end + raw[len(_START) :]


@dataclass(slots=True)
class Forwarder:
    """Posts events to one URL until each is taken.

    Attributes:
        url: See `local_url`.
        secret: Signs `v1`, "whsec_…"; the key of `v1a` is derived from it, so that whoever keeps
            the secret keeps both.
        now: Seconds since 1970.
        sleep: Waits; tests give one that does not.

    Raises:
        KeyFormatError: If the secret is none.
    """

    url: str
    secret: str = field(repr=False)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    key: PrivateKey = field(init=False)
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        webhook_signature.sign_v1(self.secret, "evt_1", 1, b"")  # refuses what is no secret
        seed = sha256(b"holdfast/listen/1\0" + self.secret.encode()).digest()
        self.key = PrivateKey.from_seed(seed)
        self._session.trust_env = False  # no proxy stands between this machine and itself

    @property
    def jwks(self) -> dict[str, object]:
        """The JWK set that verifies `v1a`, as a coordinator serves its own."""
        public = self.key.public
        return {"keys": [{**public.jwk(), "kid": public.kid, "use": "sig", "alg": public.alg}]}

    def forward(self, event: EventView, tell: Callable[[Outcome], None]) -> None:
        """Post one event until the service takes it; `tell` hears of each try.

        Raises:
            EndpointGoneError: The service answered 410.
        """
        body, wait = webhook_body(event), 0.0
        while True:
            outcome = self._try_once(event.id, body)
            if outcome.is_taken:
                tell(outcome)
                return
            if outcome.status == HTTPStatus.GONE:
                tell(outcome)
                raise EndpointGoneError
            wait = min(max(wait * 2, _FIRST_WAIT), _LONGEST_WAIT)
            tell(Outcome(outcome.status, outcome.reason, wait))
            self.sleep(wait)

    def _try_once(self, event_id: str, body: bytes) -> Outcome:
        headers = webhook_signature.sign(
            event_id, int(self.now()), body, secrets=[self.secret], keys=[self.key]
        )
        headers |= {"Content-Type": "application/json", "User-Agent": "holdfast-listen"}
        try:
            with self._session.post(
                self.url,
                data=body,
                headers=headers,
                timeout=_DEADLINE,
                allow_redirects=False,
                stream=True,  # nobody reads what it answers beside the status
            ) as response:
                return Outcome(response.status_code, "", None)
        except requests.Timeout:
            return Outcome(None, f"no answer within {_DEADLINE:.0f} s", None)
        except (requests.RequestException, OSError):
            return Outcome(None, "nobody answers there", None)

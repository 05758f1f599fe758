"""Receiving webhooks, whatever the web framework: verify, drop repeats, notice gaps.

    event = verify_webhook(headers, body, secrets=[secret], public_keys=keys, now=int(time.time()))
    if store.claim(event.id) is Claim.NEW:
        notice = verify_notice(event, directory=directory, handle="exchange-b.example",
        fetch=client.evidence) ...                      # act on it, or queue it durably
        store.finish(event.id)   # only now is a repeat dropped

The coordinator delivers at least once and in order per request: a repeat bears the same id, and a
missing number of a leg (`Event.sequence_for`) means that something is still on its way or was lost,
which the feed (`GET /v1/events`) fills in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.protocol import strict_json, webhook_signature
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.views import EvidenceView, View
from holdfast.protocol.vocabulary import EventType

#: A webhook body is under 20 kB; more is not read.
MAX_WEBHOOK_BYTES = 64 * 1024


class _Envelope(View):
    type: str
    timestamp: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One authentic event.

    Attributes:
        id: `webhook-id`, the same over all retries.
        type: E.g. "freeze_request.received"; unknown types are to be ignored.
        timestamp: When it happened, aware.
        data: What happened.
        body: The exact bytes that were signed.
    """

    id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]
    body: bytes

    @property
    def leg_id(self) -> str | None:
        """The leg that it is about, if any."""
        value = self.data.get("leg_id")
        return value if isinstance(value, str) else None

    def sequence_for(self, handle: str) -> int | None:
        """Return its number among the events of its leg that `handle` is told of, from 1.

        The requester is not told of the notices that go to its partners, so it has numbers of its
        own.
        """
        is_requester = handle == self.data.get("requester")
        value = self.data.get("requester_sequence" if is_requester else "sequence")
        return value if type(value) is int else None

    @property
    def is_sample(self) -> bool:
        """Whether it only has the form of an event: somebody of yours had it sent, as a test."""
        return self.data.get("sample") is True

    @property
    def is_drill(self) -> bool:
        """Whether its request is a drill, as the coordinator says: move no money for it.

        Of a notice the signed document says it, too (`Notice.is_drill`), and `verify_notice`
        refuses one where the two differ.
        """
        return self.data.get("drill") is True

    @property
    def is_notice(self) -> bool:
        """Whether it asks to freeze."""
        return self.type == EventType.REQUEST_RECEIVED


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[str] = (),
    public_keys: Sequence[PublicKey] = (),
    now: int,
) -> Event:
    """Return the event of a delivery that the coordinator signed just now.

    Args:
        headers: The request's headers, in any case.
        body: The raw body, before any parsing.
        secrets: The endpoint's `whsec_…` secrets (`v1`); two while one is being rotated.
        public_keys: The coordinator's keys (`v1a`). With both kinds given, both must match.
        now: Seconds since 1970 UTC.

    Raises:
        UntrustedEvidenceError: It is not authentic, not fresh, or no event. Answer 401, do nothing.
    """
    if len(body) > MAX_WEBHOOK_BYTES:
        raise UntrustedEvidenceError("larger than any webhook", code="bad_webhook")
    try:
        verified = webhook_signature.verify(
            headers, body, secrets=secrets, public_keys=public_keys, now=now
        )
        envelope = _Envelope.model_validate(strict_json.loads(body))
    except (ProtocolError, ModelError) as error:
        raise UntrustedEvidenceError(f"no webhook of ours: {error}", code="bad_webhook") from None
    return Event(verified.id, envelope.type, envelope.timestamp, envelope.data, body)


def verify_notice(
    event: Event,
    *,
    directory: KeyDirectory,
    handle: str,
    fetch: Callable[[str], Iterable[EvidenceView]],
) -> Notice:
    """Return the freeze request that an event carries, after proving who asked; see `prove_notice`.

    Raises:
        UntrustedEvidenceError: Do not act on it.
        ApiError: Keys or evidence could not be fetched; likewise TransportError. Try again later.
    """
    if not event.is_notice:
        raise UntrustedEvidenceError(f"{event.type} is no notice", code="no_notice")
    if event.is_sample:
        raise UntrustedEvidenceError(
            "this is a sample that you had sent: nobody asks anything", code="sample"
        )
    return prove_notice(event.data, directory=directory, handle=handle, fetch=fetch)

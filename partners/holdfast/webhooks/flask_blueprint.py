"""A Flask blueprint for webhooks: verifies, drops repeats, proves notices, then hands over.

    app.register_blueprint(webhook_blueprint(WebhookInbox(
        client=client, store=SqliteSeenEvents("seen.sqlite"), secrets=[secret],
        handle_event=queue_it)))

The handler should queue and return: the coordinator waits for the answer. Raising makes the
coordinator try again; returning makes repeats be dropped. Needs the extra `holdfast-kit[flask]`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Blueprint, Response, request

from holdfast.client.client import Client
from holdfast.errors import ApiError, TransportError, UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.webhooks.receiver import MAX_WEBHOOK_BYTES, Event, verify_notice, verify_webhook
from holdfast.webhooks.seen_events import Claim, SeenEvents

_log = logging.getLogger(__name__)
#: Seconds between two fetches of the coordinator's keys, so that forged deliveries cannot cause
#: many.
_REFETCH_SECONDS = 30.0


def _log_gap(event: Event, missing: range) -> None:
    _log.warning(
        "leg %s: %d events before %s have not come; read the feed",
        event.leg_id,
        len(missing),
        event.id,
    )


@dataclass(slots=True)
class WebhookInbox:
    """What the blueprint needs to know.

    Attributes:
        client: One's own client: fetches keys, and evidence that was too large for a notice.
        store: Which events were dealt with.
        secrets: The endpoint's secrets; two while one is being rotated.
        handle_event: Called once per event, with the proven notice where it is one.
        pins: Root thumbprints that were compared out of band, by handle.
        on_untrusted: Told of authentic deliveries whose requester could not be proven: wake a
            person.
        on_gap: Told of events that are missing on a leg.
        on_sample: Told of samples that one had sent (`holdfast trigger`): nothing of it happened,
            so `handle_event` never gets one.
        now: Wall time in seconds since 1970; deliveries must have been signed just then.
    """

    client: Client
    store: SeenEvents
    secrets: Sequence[str]
    handle_event: Callable[[Event, Notice | None], None]
    pins: dict[str, str] = field(default_factory=dict)
    on_untrusted: Callable[[Event, UntrustedEvidenceError], None] = lambda event, error: _log.error(
        "%s was not acted on: %s", event.id, error
    )
    on_gap: Callable[[Event, range], None] = _log_gap
    on_sample: Callable[[Event], None] = lambda event: _log.info(
        "%s is a sample of %s: taken, and not acted on", event.id, event.type
    )
    now: Callable[[], float] = time.time
    _directory: KeyDirectory = field(init=False)
    _keys: tuple[PublicKey, ...] = ()
    _fetched_at: float = -_REFETCH_SECONDS

    def __post_init__(self) -> None:
        self._directory = KeyDirectory(self.client, self.client.profile.coordinator, pins=self.pins)

    def receive(self, headers: dict[str, str], body: bytes) -> HTTPStatus:
        """Deal with one delivery; return the status to answer.

        400-something: never try this again. 503: try again later. 200: dealt with.
        """
        try:
            event = self._authentic(headers, body)
        except UntrustedEvidenceError as error:
            _log.warning("refused a delivery: %s", error)
            return HTTPStatus.UNAUTHORIZED
        except (ApiError, TransportError) as error:
            _log.warning("cannot fetch the coordinator's keys: %s", error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        match self.store.claim(event.id):
            case Claim.DONE:
                return HTTPStatus.OK
            case Claim.BUSY:
                return HTTPStatus.SERVICE_UNAVAILABLE
            case Claim.NEW:
                return self._handle(event)

    def _handle(self, event: Event) -> HTTPStatus:
        try:
            self._hand_over(event)
        except (ApiError, TransportError) as error:
            _log.warning("%s: %s; it will come again", event.id, error)
            self.store.give_up(event.id)
            return HTTPStatus.SERVICE_UNAVAILABLE
        except Exception:  # noqa: BLE001 - whatever it was, the event must come again
            _log.exception("the handler failed on %s; it will come again", event.id)
            self.store.give_up(event.id)
            return HTTPStatus.INTERNAL_SERVER_ERROR
        self.store.finish(event.id)
        if event.is_sample:
            return HTTPStatus.OK  # its numbers are of no leg that there is
        sequence = event.sequence_for(self.client.profile.handle)
        if event.leg_id is not None and sequence is not None:
            missing = self.store.note_sequence(event.leg_id, sequence)
            if missing:
                self.on_gap(event, missing)
        return HTTPStatus.OK

    def _hand_over(self, event: Event) -> None:
        if event.is_sample:
            self.on_sample(event)
            return
        notice = None
        if event.is_notice:
            try:
                notice = verify_notice(
                    event,
                    directory=self._directory,
                    handle=self.client.profile.handle,
                    fetch=self.client.evidence,
                )
            except UntrustedEvidenceError as error:
                # The coordinator delivered it properly and repeats would not mend it: a person
                # must look.
                self.on_untrusted(event, error)
                return
        self.handle_event(event, notice)

    def _authentic(self, headers: dict[str, str], body: bytes) -> Event:
        now = int(self.now())
        if self._keys:
            try:
                return verify_webhook(
                    headers, body, secrets=self.secrets, public_keys=self._keys, now=now
                )
            except UntrustedEvidenceError:
                if time.monotonic() - self._fetched_at < _REFETCH_SECONDS:
                    raise
        self._fetch_keys()
        return verify_webhook(headers, body, secrets=self.secrets, public_keys=self._keys, now=now)

    def _fetch_keys(self) -> None:
        """Fetch the coordinator's keys anew: it may have changed them."""
        keys: list[PublicKey] = []
        for jwk in self.client.jwks():
            try:
                keys.append(PublicKey.from_jwk(jwk))
            except ProtocolError:
                _log.warning("the coordinator publishes a key that is none")
        self._keys = tuple(keys)
        self._fetched_at = time.monotonic()


def webhook_blueprint(
    inbox: WebhookInbox, *, path: str = "/holdfast", name: str = "holdfast"
) -> Blueprint:
    """Return a blueprint that takes webhooks at `path`."""
    blueprint = Blueprint(name, __name__)

    @blueprint.post(path)
    def receive() -> Response:
        if (request.content_length or 0) > MAX_WEBHOOK_BYTES:
            return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = request.get_data(cache=False)
        status = inbox.receive(dict(request.headers), body)
        headers = {"Retry-After": "5"} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
        return Response(status=status, headers=headers)

    return blueprint

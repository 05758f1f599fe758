"""A partner's webhook endpoints and deliveries as the console's pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from coordinator.api import webhook_endpoints as api
from coordinator.console import delivery_words, render
from coordinator.console.delivery_words import STATES, State
from coordinator.console.visit import Visit
from coordinator.console.words import moment, span
from coordinator.domain.delivery import DeliveryStatus

HOME = "/console/endpoints"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as the pages show it.

    Attributes:
        since: How long it has taken nothing; empty where it takes its events.
        next_try: "now", "in 5 min"; empty where none is planned.
    """

    id: str
    url: str
    host: str
    description: str
    types: str
    state: State
    since: str
    waiting: int
    dead: int
    next_try: str
    delivered_at: datetime | None
    created_at: datetime | None
    enabled: bool
    failing_since: datetime | None
    gone_at: datetime | None

    @classmethod
    def of(cls, view: Mapping[str, Any], now: datetime) -> "Endpoint":
        """Return it from the API's view."""
        health, failing = view["health"], moment(view["failing_since"])
        return cls(
            id=view["id"],
            url=view["url"],
            host=host_of(view["url"]),
            description=view["description"] or "",
            types=delivery_words.choice(view["event_types"]),
            state=_state(view),
            since="" if failing is None else _lasting(now - failing),
            waiting=health["waiting"],
            dead=health["dead"],
            next_try=delivery_words.next_try(health["next_attempt_at"], now),
            delivered_at=moment(health["delivered_at"]),
            created_at=moment(view["created_at"]),
            enabled=view["enabled"],
            failing_since=failing,
            gone_at=moment(view["gone_at"]),
        )

    @property
    def page(self) -> str:
        """Where it is shown."""
        return f"{HOME}/{self.id}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, how it ended, how long it took.

    Attributes:
        headers: What was sent beside the event; only where one delivery is read.
        answer: The beginning of what the receiver answered, where it is kept.
    """

    number: int
    at: datetime | None
    is_good: bool
    outcome: str
    took: str
    headers: Mapping[str, str]
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as the pages show it.

    Attributes:
        next_try: "now", "in 5 min"; empty where none is planned.
        attempts: The newest first.
    """

    id: str
    what: str
    event_type: str
    status: DeliveryStatus
    state: State
    queued_at: datetime | None
    delivered_at: datetime | None
    next_try: str
    tries: int
    attempts: Sequence[Attempt]

    @classmethod
    def of(cls, view: Mapping[str, Any], now: datetime) -> "Delivery":
        """Return it from the API's view."""
        attempts = [
            Attempt(
                number=each["number"],
                at=moment(each["at"]),
                is_good=each["error"] is None,
                outcome=delivery_words.outcome(each),
                took=delivery_words.took(each["duration_ms"]),
                headers=each.get("request_headers") or {},
                answer=delivery_words.visible(each.get("answer") or ""),
            )
            for each in reversed(view["attempts"])
        ]
        status = DeliveryStatus(view["status"])
        return cls(
            id=view["id"],
            what=delivery_words.event(view["event_type"]),
            event_type=view["event_type"],
            status=status,
            state=STATES[status],
            queued_at=moment(view["created_at"]),
            delivered_at=moment(view["delivered_at"]),
            next_try=delivery_words.next_try(view["next_attempt_at"], now),
            tries=attempts[0].number if attempts else 0,
            attempts=attempts,
        )


def read_endpoint(visit: Visit, endpoint_id: str) -> Endpoint:
    """Return one of one's own endpoints.

    Raises:
        NotFoundError: If it is somebody else's or gone.
    """
    return Endpoint.of(visit.read(api.read_one, endpoint_id=endpoint_id), render.now())


def host_of(url: str) -> str:
    """Return the host of a URL as a sentence names it; the rest may hold a secret path."""
    try:
        return urlsplit(url).netloc or "a URL without a host"
    except ValueError:
        return "a URL without a host"


def _state(view: Mapping[str, Any]) -> State:
    if view["gone_at"] is not None:
        return State("Said it is gone", "danger", "warn")
    if not view["enabled"]:
        return State("Turned off", "", "none")
    if view["failing_since"] is not None:
        return State("Takes nothing", "danger", "warn")
    if view["health"]["waiting"]:
        return State("Events wait", "waiting", "clock")
    if view["health"]["delivered_at"] is None:
        return State("Not tried yet", "", "ring")
    return State("Takes its events", "done", "check")


def _lasting(length: timedelta) -> str:
    return "less than a minute" if length < timedelta(minutes=1) else span(length)

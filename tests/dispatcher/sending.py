"""Senders for tests: to loopback, with short deadlines, closed behind each test."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from coordinator.dispatcher.webhook_sender import (
    Outcome,
    SenderSettings,
    WebhookSender,
)
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.tls import default_tls

LOOPBACK = EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
#: Long enough for a busy machine to do an honest exchange.
AMPLE = timedelta(seconds=20)
#: The deadline where a receiver tries to outlast it.
SHORT = timedelta(seconds=1)
#: Seconds that one waits for the other side; a busy machine lets both have their turn within them.
PATIENCE = 60.0
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1795377260", "webhook-signature": "v1,x"}
#: Made once: reading the authorities takes longer than most exchanges here.
TLS = default_tls()
#: What of a sender is a setting.
FIGURES = {field.name for field in fields(SenderSettings)}
BODY = b'{"type":"endpoint.test"}'


@contextmanager
def sender(
    policy: EndpointPolicy = LOOPBACK, *, deadline: timedelta = AMPLE, **more: Any
) -> Iterator[WebhookSender]:
    more.setdefault("tls", TLS)
    figures = {name: more.pop(name) for name in FIGURES & more.keys()}
    settings = SenderSettings(connect_timeout=AMPLE, deadline=deadline, **figures)
    made = WebhookSender(policy, settings, **more)
    try:
        yield made
    finally:
        made.close()


def send_once(url: str, *, deadline: timedelta = AMPLE, **more: Any) -> Outcome:
    with sender(deadline=deadline, **more) as made:
        return made.send(url, HEADERS, BODY)


def resolving(names: dict[str, Sequence[str]]) -> Callable[[str, int], Sequence[str]]:
    return lambda host, _port: names[host]

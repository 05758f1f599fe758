"""Figures of waking people: from the act to the page in the channel's hands."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests import factories
from tests.benchmarks.figures import Figure, median, percentile
from tests.benchmarks.load import Caller, raw_request
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.stage import Stage, Stages

#: Flash requests, each of which pages one person.
PAGES = 30
#: What the aim is, in milliseconds.
_WITHIN = 10_000
_BODY_BYTES = 400


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage, Receiver(1) as receiver:
        stage.start_web()
        stage.start_worker()
        web = Caller(stage.port)
        lead = stage.cast.b.lead
        channel = {"kind": "webhook", "url": receiver.urls[0]}
        chain = {"steps": [{"person": lead.subject, "minutes": 60, "channels": [channel]}]}
        stage.call(web, lead, "POST", "/v1/on-call", chain)
        yield _figure(stage, receiver, web, "event_to_page_p99_idle")
        with _busy(stage):
            yield _figure(stage, receiver, web, "event_to_page_p99_beside_submissions")
        web.close()


def _figure(stage: Stage, receiver: Receiver, web: Caller, name: str) -> Figure:
    bare = Caller(receiver.ports[0])
    post = raw_request("POST", "/hook", b'{"type":"bare"}' + b" " * _BODY_BYTES)
    floors, pages = [], []
    for _ in range(PAGES):
        request = _approval(stage, web)
        receiver.reset()
        began = time.monotonic()
        bare.send(post)
        floors.append((receiver.wait(1).times[0] - began) * 1000)
        receiver.reset()
        began = time.monotonic()
        status, content = web.send(request)
        if status != 201:
            raise AssertionError(content)
        pages.append((receiver.wait(1, 30).times[0] - began) * 1000)
    bare.close()
    value, floor = percentile(pages, 0.99), percentile(floors, 0.99)
    return Figure(
        name=name,
        database=stage.kind,
        value=value,
        unit="ms",
        floor=floor,
        aim="<= 10 s",
        is_met=value <= _WITHIN,
        more={
            "p50_ms": median(pages),
            "floor_p50_ms": median(floors),
            "pages": PAGES,
            "note": "from the first byte of a flash request's approval to the page at its channel",
        },
    )


def _approval(stage: Stage, web: Caller) -> bytes:
    """Have a flash request submitted that waits; return its approval, ready to be sent."""
    a, b = stage.cast.a, stage.cast.b
    asked = factories.freeze_request_body(
        urgency="flash", to=[b.handle], addresses=mixed_addresses(1)
    )
    submitted = stage.call(web, a.analyst, "POST", "/v1/freeze-requests", asked)
    body = {
        "decision": "approve",
        "content_sha256": submitted["content_sha256"],
        "context_sha256": submitted["context_sha256"],
    }
    path = f"/v1/freeze-requests/{submitted['id']}/approvals"
    return stage.signed(a.lead, "POST", path, body)


@contextmanager
def _busy(stage: Stage) -> Iterator[None]:
    """Have one caller submit requests as fast as it is answered while the block runs."""
    stop = threading.Event()

    def submit() -> None:
        web = Caller(stage.port)
        while not stop.is_set():
            asked = factories.freeze_request_body(
                urgency="routine", to=[stage.cast.c.handle], addresses=mixed_addresses(5)
            )
            stage.call(web, stage.cast.d.analyst, "POST", "/v1/freeze-requests", asked)
        web.close()

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

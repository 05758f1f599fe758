"""Figures of fairness: what others wait while one partner's endpoints misbehave in every way."""

import time
from collections.abc import Iterator

from sqlalchemy import text

from coordinator.services.core.unit_of_work import About, transaction
from coordinator.storage.engine.wakeup import Notifier, open_notifier
from holdfast.protocol.type_ids import new_id
from tests.benchmarks.deliveries import register
from tests.benchmarks.figures import Figure, median, percentile
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Exchange
from tests.rulebook import command_context

#: Of the hog, and of each of the three others.
ENDPOINTS_EACH = 20
#: Requests of the hog that all its endpoints are owed something about.
HOG_EVENTS = 40
EVENTS = 40
WAYS = ("hang", "drip", "reset", "refuse")


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage, Receiver(4 * ENDPOINTS_EACH) as receiver:
        *others, hog = stage.cast.all
        for number, exchange in enumerate(others):
            register(stage, exchange, receiver.urls[number :: len(stage.cast.all)])
        wicked = receiver.urls[len(others) :: len(stage.cast.all)]
        register(
            stage,
            hog,
            [url.replace("/hook", f"/{WAYS[n % len(WAYS)]}") for n, url in enumerate(wicked)],
        )
        stage.start_worker()
        notifier = open_notifier(stage.database)
        _send(stage, others[0], notifier)
        receiver.wait(ENDPOINTS_EACH)
        undisturbed = _latencies(stage, receiver, others, notifier)
        for _ in range(HOG_EVENTS):
            _send(stage, hog, notifier)
        disturbed = _latencies(stage, receiver, others, notifier)
        notifier.close()
    floor, value = percentile(undisturbed, 0.99), percentile(disturbed, 0.99)
    yield Figure(
        name="others_delivery_p99_beside_20_misbehaving_endpoints",
        database=stage.kind,
        value=value,
        unit="ms",
        floor=floor,
        ratio=value / floor,
        aim="<= 2 x undisturbed",
        is_met=value <= 2 * floor,
        more={
            "p50_ms": median(disturbed),
            "undisturbed_p50_ms": median(undisturbed),
            "deliveries": len(disturbed),
            "note": "from the commit of an event to its arrival at each of 20 endpoints",
        },
    )


def _latencies(
    stage: Stage, receiver: Receiver, others: list[Exchange], notifier: Notifier
) -> list[float]:
    """Return milliseconds from commit to arrival of events sent one after the other."""
    latencies: list[float] = []
    for number in range(EVENTS):
        receiver.reset()
        committed = _send(stage, others[number % len(others)], notifier)
        latencies += [(at - committed) * 1000 for at in receiver.wait(ENDPOINTS_EACH).times]
    return latencies


def _send(stage: Stage, exchange: Exchange, notifier: Notifier) -> float:
    """Record an event about a request of its own for all endpoints of a partner; returns when."""
    with stage.database.engine.connect() as connection:
        key_id = connection.execute(_KEY, {"handle": exchange.handle}).scalar_one()
    with transaction(command_context(stage.database, stage.vault, stage.clock)) as uow:
        uow.record(
            "freeze.found",
            {"note": "x" * 300},
            key=uow.key(key_id),
            audience=[exchange.handle],
            about=About(new_id("frq")),
        )
        uow.finish()
    notifier.notify()
    return time.monotonic()


_KEY = text("SELECT document_key_id FROM partner WHERE handle = :handle")

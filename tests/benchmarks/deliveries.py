"""Figures of delivering: webhooks per second, and how soon an approval reaches a handler."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import text

from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import About, transaction
from coordinator.services.delivery.webhook_endpoints import RegisterEndpoint
from holdfast.protocol import payloads
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.webhook_signature import new_secret
from tests import factories
from tests.benchmarks.figures import Figure, alternated, median, percentile
from tests.benchmarks.load import Caller, raw_request
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Exchange
from tests.rulebook import ANY_EVIDENCE, command_context

ENDPOINTS = 50
#: Each goes to every endpoint of one partner.
EVENTS = 160
SENDERS = 16
BODY_BYTES = 900
APPROVALS = 50
NOTICE = "freeze_request.received"


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open(worker_senders=SENDERS) as stage, Receiver(ENDPOINTS) as receiver:
        yield _per_second(stage, receiver)
    with stages.open() as stage, Receiver(1) as receiver:
        yield from _latency(stage, receiver)


def register(stage: Stage, exchange: Exchange, urls: Sequence[str]) -> None:
    """Register an endpoint of `exchange` at each of `urls`."""
    for url in urls:
        context = command_context(stage.database, stage.vault, stage.clock)
        with transaction(context, ANY_EVIDENCE) as uow:
            command = RegisterEndpoint(body=payloads.NewEndpoint(url=url), secret=new_secret())
            uow.finish(execute(command, exchange.lead.actor, uow))


def _per_second(stage: Stage, receiver: Receiver) -> Figure:
    exchanges = stage.cast.all
    for number, exchange in enumerate(exchanges):
        register(stage, exchange, receiver.urls[number :: len(exchanges)])
    # An event of a partner goes to its 12 or 13 endpoints.
    owed = sum(len(receiver.urls[n % 4 :: 4]) for n in range(EVENTS))

    def floor() -> float:
        receiver.reset()
        subprocess.run(
            [
                *(sys.executable, "-m", "tests.benchmarks.floor_sender"),
                *(str(SENDERS), str(owed), str(BODY_BYTES)),
            ],
            input="\n".join(receiver.urls).encode(),
            check=True,
        )
        return receiver.wait(owed).per_second

    def figure() -> float:
        receiver.reset()
        _queue(stage)
        worker = stage.start_worker()
        arrivals = receiver.wait(owed)
        stage.end(worker)
        return arrivals.per_second

    base, value = alternated(3, floor, figure)
    return Figure(
        name="webhooks_per_second",
        database=stage.kind,
        value=value,
        unit="deliveries/s",
        floor=base,
        ratio=value / base,
        aim=">= 0.7 of floor",
        is_met=value / base >= 0.7,
        more={"endpoints": ENDPOINTS, "senders": SENDERS, "deliveries": owed},
    )


def _queue(stage: Stage) -> None:
    """Record events as a report does, each about a request of its own, while no worker runs."""
    with stage.database.engine.connect() as connection:
        rows = connection.execute(text("SELECT handle, document_key_id FROM partner"))
        key_ids = {row.handle: row.document_key_id for row in rows}
    for start in range(0, EVENTS, 20):
        with transaction(command_context(stage.database, stage.vault, stage.clock)) as uow:
            for number in range(start, start + 20):
                handle = stage.cast.all[number % 4].handle
                uow.record(
                    "freeze.found",
                    {"note": "x" * (BODY_BYTES - 560)},
                    key=uow.key(key_ids[handle]),
                    audience=[handle],
                    about=About(new_id("frq")),
                )
            uow.finish()


def _latency(stage: Stage, receiver: Receiver) -> Iterator[Figure]:
    register(stage, stage.cast.b, receiver.urls)
    stage.start_web()
    stage.start_worker()
    web, bare = Caller(stage.port), Caller(receiver.ports[0])
    post = raw_request("POST", "/hook", b'{"type":"bare"}' + b" " * BODY_BYTES)
    floors, from_request, from_answer = [], [], []
    for number in range(APPROVALS + 5):
        body = _approvable(stage, web)
        _settle(receiver)
        began = time.monotonic()
        bare.send(post)
        floor = receiver.wait(1).times[0] - began
        request = stage.signed(
            stage.cast.a.lead, "POST", f"/v1/freeze-requests/{body.pop('id')}/approvals", body
        )
        receiver.reset()
        began = time.monotonic()
        status, content = web.send(request)
        answered = time.monotonic()
        if status != 201:
            raise AssertionError(content)
        handled = receiver.wait(1, 10).times[0]
        if number >= 5:
            floors.append(floor * 1000)
            from_request.append((handled - began) * 1000)
            from_answer.append((handled - answered) * 1000)
    web.close()
    bare.close()
    base = median(floors)
    value = median(from_request)
    yield Figure(
        name="approval_to_handler_p50",
        database=stage.kind,
        value=value,
        unit="ms",
        floor=base,
        aim="<= floor + 15 ms",
        is_met=value <= base + 15,
        more={
            "over_floor_ms": value - base,
            "p99_ms": percentile(from_request, 0.99),
            "floor_p99_ms": percentile(floors, 0.99),
            "after_the_answer_p50_ms": median(from_answer),
            "note": "from the first byte of the approval to the receiver's handler",
        },
    )


def _approvable(stage: Stage, web: Caller) -> dict[str, str]:
    submitted = stage.call(
        web,
        stage.cast.a.analyst,
        "POST",
        "/v1/freeze-requests",
        factories.freeze_request_body(to=[stage.cast.b.handle], addresses=mixed_addresses(1)),
    )
    return {
        "id": submitted["id"],
        "decision": "approve",
        "content_sha256": submitted["content_sha256"],
        "context_sha256": submitted["context_sha256"],
    }


def _settle(receiver: Receiver) -> None:
    """Let the worker come to rest, so that the next approval finds it idle."""
    time.sleep(0.06)
    receiver.reset()

"""Figures of the fan-out: how long after an approval the last of many partners has its notice."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from tests import factories
from tests.benchmarks.deliveries import NOTICE, register
from tests.benchmarks.figures import Figure, median, percentile
from tests.benchmarks.load import Caller
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Exchange

PARTNERS = (10, 100, 1000)
WORKERS = (1, 2)
ADDRESSES = 51
ROUNDS = 5
#: How long a notice is with that many addresses.
BODY_BYTES = 9_000
#: Under this many seconds the last of a thousand partners is to have its notice.
LIMIT_SECONDS = 1.0
_NOT_TOLD = text("SELECT COUNT(*) FROM leg WHERE request_id = :id AND status = 'queued'")


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds from the first byte of the approval."""

    floor: float
    answered: float
    notices: list[float]
    told: float


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage, Receiver(max(PARTNERS)) as receiver:
        handles = _admit(stage, receiver)
        stage.start_web()
        web = Caller(stage.port)
        for workers in WORKERS:
            started = [stage.start_worker() for _ in range(workers)]
            _round(stage, receiver, web, handles[: min(PARTNERS)])  # they are up and at work
            for partners in PARTNERS:
                rounds = [_round(stage, receiver, web, handles[:partners]) for _ in range(ROUNDS)]
                yield _figure(stage, rounds, partners=partners, workers=workers)
            for worker in started:
                stage.end(worker)
        web.close()


def _admit(stage: Stage, receiver: Receiver) -> list[str]:
    """Admit as many partners as the receiver has endpoints; each has one."""
    exchanges: list[Exchange] = []
    for number in range(len(receiver.urls)):
        exchange = factories.new_exchange(f"partner-{number:04}.example")
        factories.admit(stage.database, stage.vault, stage.clock, exchange)
        exchanges.append(exchange)
    # Only then, for everybody who has an endpoint is told of everybody who joins.
    for exchange, url in zip(exchanges, receiver.urls, strict=True):
        register(stage, exchange, [url])
    return [exchange.handle for exchange in exchanges]


def _round(stage: Stage, receiver: Receiver, web: Caller, handles: list[str]) -> _Round:
    """Approve one request to `handles`, over connections that are opened for it."""
    floor = _floor(receiver, len(handles))
    submitted = stage.call(
        web,
        stage.cast.a.analyst,
        "POST",
        "/v1/freeze-requests",
        factories.freeze_request_body(to=handles, addresses=mixed_addresses(ADDRESSES)),
    )
    decision = {
        "decision": "approve",
        "content_sha256": submitted["content_sha256"],
        "context_sha256": submitted["context_sha256"],
    }
    path = f"/v1/freeze-requests/{submitted['id']}/approvals"
    receiver.hang_up()
    # Nobody is at work on what went before, which told partners of their own answers.
    time.sleep(1.5)
    receiver.reset()
    request = stage.signed(stage.cast.a.lead, "POST", path, decision)
    began = time.monotonic()
    status, content = web.send(request)
    answered = time.monotonic()
    if status != 201:
        raise AssertionError(content)
    arrivals = receiver.wait(len(handles), kind=NOTICE)
    told = _when_told(stage, submitted["id"])
    notices = [
        t - began for t, k in zip(arrivals.times, arrivals.kinds, strict=True) if k == NOTICE
    ]
    return _Round(floor, answered - began, notices[: len(handles)], told - began)


def _floor(receiver: Receiver, posts: int) -> float:
    """Send as many bodies from memory by our own sender; seconds to the last arrival."""
    receiver.hang_up()
    receiver.reset()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.floor_fan_out", str(posts), str(BODY_BYTES)],
        input="\n".join(receiver.urls[:posts]).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return max(receiver.wait(posts).times) - float(done.stdout)


def _when_told(stage: Stage, request_id: str) -> float:
    """Wait until every leg shows that its notice was delivered."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with stage.database.engine.connect() as connection:
            if connection.execute(_NOT_TOLD, {"id": request_id}).scalar_one() == 0:
                return time.monotonic()
        time.sleep(0.02)
    raise AssertionError("a leg was never told")


def _figure(stage: Stage, rounds: list[_Round], *, partners: int, workers: int) -> Figure:
    floor = median(r.floor for r in rounds)
    approval = median(r.answered for r in rounds)
    last = median(max(r.notices) for r in rounds)
    is_met = last <= 1.5 * floor + approval
    aim = "<= 1.5 x floor + the approval"
    if partners == max(PARTNERS):
        is_met = is_met and last < LIMIT_SECONDS
        aim += f", and under {LIMIT_SECONDS:.0f} s"
    return Figure(
        name=f"approval_to_last_of_{partners}_partners",
        database=stage.kind,
        value=last,
        unit="s",
        floor=floor,
        ratio=(last - approval) / floor,
        aim=aim,
        is_met=is_met,
        more={
            "workers": workers,
            "p50_s": median(median(r.notices) for r in rounds),
            "p99_s": median(percentile(r.notices, 0.99) for r in rounds),
            "approval_s": approval,
            "legs_told_s": median(r.told for r in rounds),
            "slowest_round_s": max(max(r.notices) for r in rounds),
        },
    )

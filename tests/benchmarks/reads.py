"""Figure of the read log: reads with it, against the same of a coordinator without.

Both serve the same database, in turn. What is compared is the processor time that their processes
take for as many reads: whatever else the machine does falls on the clock, and hardly on that.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.figures import Figure, median
from tests.benchmarks.load import Caller, send_load
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages, wait_for_port
from tests.factories import Member, freeze_request_body
from tests.ports import free_port

ROUNDS = 8
READS = 1_500
THREADS = 8
LEAST = 0.95
_REQUESTS = "/v1/freeze-requests"
_LISTS = ("", "/addresses", "/legs", "/evidence")
_TICK = os.sysconf("SC_CLK_TCK")


class _Served(NamedTuple):
    """A web process, and where it listens."""

    process: "subprocess.Popen[bytes]"
    port: int


class _Load(NamedTuple):
    """What a load of reads took."""

    processor_seconds: float
    per_second: float


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figure of this module."""
    with stages.open() as stage:
        logged = _Served(stage.start_web(), stage.port)
        unlogged = _without(stage)
        path = _live(stage)
        for served in (unlogged, logged):
            _load(stage, served, path)
        pairs = [_pair(stage, (unlogged, logged), path, number) for number in range(ROUNDS)]
        yield _figure(stage, pairs)


def _without(stage: Stage) -> _Served:
    port = free_port()
    stage.environment["HOLDFAST_PORT"] = str(port)
    words = [sys.executable, "-m", "tests.benchmarks.unlogged", "web"]
    process = stage.spawn(words, "unlogged.log", port)
    wait_for_port(port, process)
    return _Served(process, port)


def _live(stage: Stage) -> str:
    """Return the path of a request that went out to B, C and D."""
    caller, a = Caller(stage.port), stage.cast.a
    body = freeze_request_body(addresses=mixed_addresses(20))
    asked = stage.call(caller, a.analyst, "POST", _REQUESTS, body)
    path = f"{_REQUESTS}/{asked['id']}"
    decision = {
        "content_sha256": asked["content_sha256"],
        "decision": "approve",
        "context_sha256": asked["context_sha256"],
    }
    stage.call(caller, a.lead, "POST", f"{path}/approvals", decision)
    caller.close()
    return path


def _readers(stage: Stage) -> list[Member]:
    return [
        member
        for each in stage.cast.all
        for member in (each.lead, each.analyst, each.compliance, each.auditor, each.system)
    ]


def _load(stage: Stage, served: _Served, path: str) -> _Load:
    readers = _readers(stage)
    requests = [
        stage.signed(readers[number % len(readers)], "GET", f"{path}{_LISTS[number % len(_LISTS)]}")
        for number in range(READS)
    ]
    before = _processor_seconds(served.process.pid)
    done = send_load(requests, served.port, threads=THREADS).require(200)
    return _Load(_processor_seconds(served.process.pid) - before, done.per_second)


def _pair(
    stage: Stage, both: tuple[_Served, _Served], path: str, number: int
) -> tuple[_Load, _Load]:
    """Return what either took in a round; each goes first in every other one."""
    if number % 2:
        second, first = (_load(stage, served, path) for served in reversed(both))
    else:
        first, second = (_load(stage, served, path) for served in both)
    return first, second


def _processor_seconds(pid: int) -> float:
    """Return what a process and its living children took of the processors, proc(5)."""
    seconds, pids = 0.0, [pid]
    while pids:
        each = Path(f"/proc/{pids.pop()}")
        fields = (each / "stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _TICK
        for task in (each / "task").iterdir():
            pids += map(int, (task / "children").read_text().split())
    return seconds


def _figure(stage: Stage, pairs: list[tuple[_Load, _Load]]) -> Figure:
    # Round by round, as whatever slows one of a pair down slows the other down, too.
    ratio = median(
        without.processor_seconds / logged.processor_seconds for without, logged in pairs
    )
    floor, value = (
        median(READS / pair[place].processor_seconds for pair in pairs) for place in (0, 1)
    )
    by_clock = median(logged.per_second / without.per_second for without, logged in pairs)
    return Figure(
        name="reads_with_read_log",
        database=stage.kind,
        value=value,
        unit="reads per second of processor time",
        floor=floor,
        aim=f"at least {LEAST} of the rate without",
        ratio=ratio,
        is_met=ratio >= LEAST,
        more={
            "per_second": median(logged.per_second for _, logged in pairs),
            "ratio_by_clock": by_clock,
        },
    )

"""Runs every figure, prints a line of JSON for each, and writes `docs/benchmarks.md`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import (
    console,
    deliveries,
    disturbed,
    evidence,
    fairness,
    fan_out,
    growth,
    ledger,
    log,
    pages,
    reads,
    restitution,
    screening,
    submissions,
)
from tests.benchmarks.figures import Figure
from tests.benchmarks.page import write_page
from tests.benchmarks.stage import Stages
from tests.postgres import PostgresServer

#: In the order of the page: first what a user feels.
GROUPS: dict[str, Callable[[Stages], Iterator[Figure]]] = {
    "fan_out": fan_out.measure,
    "disturbed": disturbed.measure,
    "fairness": fairness.measure,
    "pages": pages.measure,
    "growth": growth.measure,
    "deliveries": deliveries.measure,
    "reads": reads.measure,
    "submissions": submissions.measure,
    "ledger": ledger.measure,
    "console": console.measure,
    "evidence": evidence.measure,
    "log": log.measure,
    "screening": screening.measure,
    "restitution": restitution.measure,
}


def main() -> int:
    """Measure what is asked for; the page is written only by a whole run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(GROUPS), action="append")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    asked = parser.parse_args()
    began = time.monotonic()
    figures: list[Figure] = []
    urls: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        for kind in asked.database or ("sqlite", "postgresql"):
            server = stack.enter_context(PostgresServer()) if kind == "postgresql" else None
            stages = Stages(kind, folder, server)
            urls.append("sqlite:///bench" if server is None else server.url)
            for name in asked.only or GROUPS:
                for figure in GROUPS[name](stages):
                    figures.append(figure)
                    print(figure.line(), flush=True)  # noqa: T201 - what it is for
    if not asked.only and not asked.database:
        write_page(figures, seconds=time.monotonic() - began, urls=urls)
    return 0


if __name__ == "__main__":
    sys.exit(main())

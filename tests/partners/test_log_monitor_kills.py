"""A monitor that is killed anywhere goes on from what it had verified, and loses none of it."""

import os
import random
import subprocess
import sys
import time

import pytest

from holdfast import LogMonitor
from holdfast.protocol.log_tiles import read_bundle
from tests.architecture.tree import ROOT
from tests.in_memory import database_folder
from tests.partners.memory_log import LOG, MemoryLog, Tree, entry

pytestmark = pytest.mark.processes
KILLS = 50 if os.environ.get("FAULTS") else 2
#: Follows a log that grows by some entries a step, and says how far it is.
_FOLLOW = """
import sys
from pathlib import Path

from holdfast import LogMonitor, Witness
from tests.partners.memory_log import LOG, MemoryLog, Tree, entry

folder, size = Path(sys.argv[1]), int(sys.argv[2])
witness = Witness.open(folder, "a.example/witness")
log = MemoryLog(Tree([]), witnesses=[witness.verifier])
with LogMonitor(folder, LOG, log, witness=witness) as monitor:
    while True:
        size += 90
        log.show([entry(number) for number in range(size)])
        print(monitor.step().size, flush=True)
"""


def test_it_is_killed_again_and_again() -> None:
    verified = 0
    with database_folder() as base:
        folder = base / "monitor"
        for _ in range(KILLS):
            with subprocess.Popen(
                [sys.executable, "-c", _FOLLOW, str(folder), str(verified)],
                stdout=subprocess.PIPE,
                cwd=ROOT,
            ) as following:
                assert following.stdout is not None
                verified = int(following.stdout.readline())
                time.sleep(random.uniform(0.0, 0.3))  # noqa: S311 - anywhere
                following.kill()
                said = following.stdout.read().split()
            verified = int(said[-1]) if said else verified
        log = MemoryLog(Tree([entry(number) for number in range(verified + 500)]))
        with LogMonitor(folder, LOG, log) as monitor:
            # What it said it had verified, it has; perhaps one step more.
            assert verified <= monitor.size <= verified + 90
            assert monitor.step().size == verified + 500
        kept = list(read_bundle((folder / "entries").read_bytes()))
    assert kept[: verified + 500] == list(log.tree.entries)

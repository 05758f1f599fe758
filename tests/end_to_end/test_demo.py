"""`make demo` as a new user runs it: every process, every key and every webhook is real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from partners.reference_exchange.scenarios.script import Script, load_script

_DEMO = "partners.reference_exchange.scenarios.demo"
_COMMAND = [sys.executable, "-m", _DEMO, "--limit", "150"]
_MEMBERS = {
    "requests",
    "legs",
    "acknowledged",
    "declined",
    "frozen",
    "held",
    "released",
    "returned",
    "deliveries",
    "duplicates",
    "undelivered",
    "seconds_approval_to_last_notice",
    "verified_evidence",
}
#: Long enough for a busy machine; the demo bounds itself.
_SECONDS = 170


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The demo's environment: its temporary folder is ours, and a stranger's settings are set."""
    return {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "HOLDFAST_PORT": "1",
        "HOLDFAST_HOME": "/nowhere",
    }


def processes_below(folder: Path) -> Iterator[str]:
    """Yield the command lines of all running processes that know of `folder`."""
    marker = str(folder).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if marker + b"/" in known and int(process.name) != os.getpid():
            yield f"{process.name} {(process / 'cmdline').read_bytes()!r}"


def balance(script: Script, customer: str, *, with_locked: bool = True) -> int:
    """Return what a customer's invented deposit leaves in the book."""
    (deposit,) = (
        deposit
        for member in script.exchanges
        for deposit in member.deposits
        if deposit.customer == customer
    )
    return int(deposit.amount) - (0 if with_locked else int(deposit.locked))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_the_demo_ends_with_totals_that_equal_the_deposit_books_and_leaves_nothing_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        _COMMAND,
        env=environment,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert set(summary) == _MEMBERS
    script = load_script()
    eth = script.assets["eth"]
    returned, released = balance(script, "B-1001"), balance(script, "B-1002")
    partly = balance(script, "C-2001", with_locked=False)
    assert summary["frozen"] == {eth: str(returned + released + partly)}
    assert summary["held"] == {eth: str(partly)}
    assert summary["released"] == {eth: str(released)}
    assert summary["returned"] == {eth: str(returned)}
    assert (summary["requests"], summary["legs"], summary["acknowledged"]) == (2, 4, 4)
    assert (summary["declined"], summary["undelivered"]) == (1, 0)
    # Two submissions, two approvals; of B, C and D each an acknowledgement, a review and a report,
    # of B two more reports; of D again an acknowledgement, a review and a decline.
    assert summary["verified_evidence"] == 4 + 9 + 2 + 3
    assert list(processes_below(tmp_path)) == []
    assert list(tmp_path.glob("holdfast-demo-*")) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_half_way_ends_its_processes(
    environment: dict[str, str], tmp_path: Path, sent: signal.Signals
) -> None:
    with subprocess.Popen(
        _COMMAND,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as demo:
        end = time.monotonic() + _SECONDS
        while not any("holdfast-coordinator" in line for line in processes_below(tmp_path)):
            assert demo.poll() is None, "ended before it started anything"
            assert time.monotonic() < end
            time.sleep(0.05)
        demo.send_signal(sent)
        demo.communicate(timeout=_SECONDS)
    assert demo.returncode == 1
    assert list(processes_below(tmp_path)) == []

"""`make demo` as a new user runs it: every process, every key and every webhook is real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from holdfast.protocol.views import FreezeRequestView, IncidentView
from reference_exchange.scenarios.processes import Processes
from reference_exchange.scenarios.script import (
    Deposit,
    load_script,
    load_second_act,
    load_third_act,
)
from reference_exchange.scenarios.stage import Stage

pytestmark = pytest.mark.processes

_DEMO = "reference_exchange.scenarios.demo"
_COMMAND = [sys.executable, "-m", _DEMO, "--limit", "600"]
_MEMBERS = {
    "requests",
    "addresses",
    "legs",
    "acknowledged",
    "declined",
    "found",
    "frozen",
    "held",
    "released",
    "returned",
    "follow_ons",
    "corrections",
    "kept",
    "shared",
    "extended",
    "lapsed",
    "owed",
    "unratified",
    "disputes",
    "clearances",
    "deliveries",
    "duplicates",
    "undelivered",
    "claims_paid",
    "paid",
    "screened",
    "refused",
    "seconds_approval_to_first_freeze",
    "seconds_approval_to_last_notice",
    "verified_evidence",
    "log_verified",
    "bundles_verified",
    "restored",
}
#: Long enough for a busy machine; the demo bounds itself.
_SECONDS = 620


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


def deposited(*customers: str, with_locked: bool = True) -> int:
    """Return what customers' invented deposits leave in the books, over both acts."""
    act = load_second_act()
    deposits: list[Deposit] = [d for member in load_script().exchanges for d in member.deposits]
    deposits += [*act.deposits, act.late_deposit, act.stopped_deposit]
    return sum(
        int(deposit.amount) - (0 if with_locked else int(deposit.locked))
        for deposit in deposits
        if deposit.customer in customers
    )


def run(environment: dict[str, str], *words: str) -> tuple[list[str], dict[str, Any]]:
    """Run the demo to its end; return what it says, and its last line."""
    done = subprocess.run(
        [*_COMMAND, *words],
        env=environment,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert [line for line in lines if len(line) > 80 and "/holdfast-demo-" not in line] == []
    summary: dict[str, Any] = json.loads(last)
    return lines, summary


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_the_demo_ends_with_totals_that_equal_the_deposit_books_and_leaves_nothing_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    lines, summary = run(environment)
    assert set(summary) == _MEMBERS
    eth = load_script().assets["eth"]
    partly = deposited("C-2001", with_locked=False)
    # A market maker's funds at two exchanges, frozen by error.
    cleared = deposited("B-1202", "C-2202")
    released = deposited("B-1002", "B-1102", "C-2101") + cleared
    # What was frozen while a lead slept, and stayed so.
    slept = deposited("B-1201", "C-2201")
    # What came in afterwards, and was stopped on arrival.
    arrived = deposited("C-2301")
    held = partly + deposited("B-1101", "C-2102", "C-2103", "B-1203") + slept + arrived
    returned = deposited("B-1001")
    # All that the third act asks for comes back.
    third = load_third_act()
    usdt = load_script().assets["usdt"].lower()
    back = dict.fromkeys(("eth", "usdt"), 0)
    for trail in third.trails:
        back[trail.asset] += int(trail.amount)
    returned += back["eth"]
    stolen = {usdt: str(back["usdt"])}
    assert summary["frozen"] == {eth: str(held + released + returned)} | stolen
    assert summary["held"] == {eth: str(held)}
    assert summary["released"] == {eth: str(released)}
    assert summary["returned"] == {eth: str(returned)} | stolen
    spent = sum(int(cost.amount) for cost in third.costs) + int(third.conversion.fee)
    paid = back["eth"] + int(third.conversion.to_amount) - spent
    assert summary["paid"] == {eth: str(paid)}
    assert summary["claims_paid"] == third.claims.victims
    assert f"  {'paid to victims':<33}{paid // 10**18:>8,}.{paid % 10**18:018}" in lines
    assert third.claims.victims * third.claims.addresses_each == 1_750
    assert (summary["requests"], summary["legs"], summary["acknowledged"]) == (8, 16, 16)
    assert (summary["declined"], summary["undelivered"], summary["owed"]) == (2, 0, 0)
    assert summary["log_verified"] is True
    # Of the first request both sides', and of the last two the requester's.
    assert (summary["bundles_verified"], summary["restored"]) == (4, True)
    for words in ("4 evidence files, each verified", "restored into an empty folder"):
        assert sum(words in line for line in lines) == 1
    # Somebody without a key of A's, somebody who changed an answer, somebody who was not asked.
    assert summary["refused"] == 3
    for words in ("REFUSED (401", "CAUGHT", "REFUSED (404"):
        assert sum(words in line for line in lines) == 1
    assert f"  {'still held':<20}{held / 10**18:>14,.0f}" in " ".join(lines)
    assert summary["duplicates"] == 1  # sent again on purpose, and recognised
    assert (summary["follow_ons"], summary["corrections"], summary["kept"]) == (1, 2, 1)
    assert (summary["unratified"], summary["disputes"]) == (1, 1)
    # Two addresses whose tracing was revised, and the market maker's.
    assert summary["clearances"] == 3
    # One hold is for two requests, and above it counts once. B's two lapse, and one of them is
    # extended afterwards; C's two are extended before their ends.
    assert (summary["shared"], summary["lapsed"], summary["extended"]) == (1, 2, 3)
    # First act: two submissions, two approvals; of B, C and D each an acknowledgement, a review and
    # a report, of B two more reports; of D again an acknowledgement, a review and a decline.
    first = 4 + 9 + 2 + 3
    # Second act: three submissions, three approvals, a withdrawal; five answers in three acts each;
    # of B a late report, its correction, an extension and a release; of C a release, a `kept`, and
    # two extensions.
    second = 7 + 15 + 4 + 4
    # Two flash requests: two submissions, two ratifications; four answers in three acts each. Of
    # B a dispute, of A its answer and a withdrawal, of B and C a release.
    flash = 4 + 12 + 3 + 2
    # Third act: a submission and an approval; three answers in three acts each; four return
    # requests asked, approved and answered, of which three are sent and received; an injunction,
    # and its lifting.
    third_act = 2 + 9 + 4 * 3 + 3 * 2 + 2
    # Of C a report of what was stopped on arrival.
    assert summary["verified_evidence"] == first + second + flash + 1 + third_act
    assert summary["screened"] == 1
    assert sum("its leg is open again" in line for line in lines) == 1
    assert list(processes_below(tmp_path)) == []
    assert list(tmp_path.glob("holdfast-demo-*")) == []


def test_a_drill_ends_with_a_report_that_verifies_and_with_nothing_frozen(
    environment: dict[str, str], tmp_path: Path
) -> None:
    lines, summary = run(environment, "--act", "drill", "--fast")
    drill = summary.pop("drill")
    assert drill.startswith("frq_")
    assert summary == {
        "asked": 3,
        "arrived": 3,
        "paged": 2,  # the requester's lead, and the officer where no program runs
        "acknowledged": 3,
        "answered": 3,
        "frozen": 0,
        "counted": 0,
        "report_verified": True,
    }
    said = " ".join(" ".join(lines).split())
    assert said.count("DRILL, nothing is real") == 2
    assert "acknowledged: 3 of 3" in said
    assert "found 312.5 ETH" in said
    assert list(tmp_path.glob("holdfast-demo-*")) == []


def test_an_act_opens_the_incident_unless_an_act_before_it_did(tmp_path: Path) -> None:
    script = load_script()
    stage = Stage(script, "http://127.0.0.1", tmp_path, Processes(tmp_path, {}), Console())
    assert stage.incident() == script.incident
    incident = IncidentView.model_construct(id="inc_1")
    stage.requests.append(FreezeRequestView.model_construct(incident=incident))
    assert stage.incident() == {"id": "inc_1"}


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_half_way_ends_its_processes(
    environment: dict[str, str], tmp_path: Path, sent: signal.Signals
) -> None:
    # A shell without job control starts its background jobs deaf to Ctrl-C, and so their children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
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

"""`make console` as somebody runs it who evaluates Holdfast: what is there when it says "now"."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from holdfast import Client, KeyDirectory, ProfileStore, Result, examine
from holdfast.protocol.vocabulary import LegStatus, Role, WaitsBecause, WarningCode
from reference_exchange.cases.accounts import Accounts
from reference_exchange.cases.telling import all_cases
from tests.end_to_end.test_demo import processes_below
from tests.ports import free_port

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc"),
]

_COMMAND = [sys.executable, "-m", "reference_exchange.cases", "--lists", "/nowhere"]
_SECONDS = 400
#: What happens in a case without a signed act on the request.
_SILENT = ("wait", "read", "take")


@dataclass(frozen=True, slots=True)
class Console:
    """A filled coordinator that runs.

    Attributes:
        folder: With the organisations' folders in it.
        told: What it said that it made.
        process: Which ends it all.
        ready_at: When it was filled.
    """

    folder: Path
    told: dict[str, Any]
    process: "subprocess.Popen[str]"
    ready_at: datetime

    def client(self, stem: str, profile: str = "lead") -> Client:
        """Return the client of somebody of an organisation."""
        return Client(ProfileStore(self.folder / stem).load(profile))

    def id_of(self, name: str) -> str:
        """Return the id of a case's request."""
        return next(str(case["id"]) for case in self.told["cases"] if case["name"] == name)


@pytest.fixture(name="console", scope="module")
def _console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One for all tests, which only read but the last, which ends it."""
    place = tmp_path_factory.mktemp("console")
    environment = {**os.environ, "TMPDIR": str(place), "HOLDFAST_PORT": "1", "HOLDFAST_HOME": "/x"}
    with (place / "stderr").open("w") as errors:
        process = subprocess.Popen(
            # Not by the usual port, which two test processes might share.
            [*_COMMAND, "--port", str(free_port())],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (place / "stderr").read_text(encoding="utf-8")
    (folder,) = place.glob("holdfast-console-*")
    yield Console(folder, json.loads(line), process, _now())
    if process.poll() is None:
        process.terminate()
        process.wait(_SECONDS)
    process.stdout.close()


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def test_it_says_what_it_made_and_the_coordinator_says_the_same(console: Console) -> None:
    told = console.told
    assert "amounts are invented" in told["note"]
    assert len(told["organisations"]) == 8
    assert told["requests"] == len(told["cases"]) == sum(told["by_status"].values())
    assert set(told["by_status"]) == {
        *("submitted", "active", "rejected", "withdrawn", "expired", "closed")
    }
    for stem in ("northgate", "harbour"):
        sent = {view.id: view.status for view in console.client(stem).requests(box="sent")}
        mine = {c["id"]: c["status"] for c in told["cases"] if c["requester"].startswith(stem)}
        assert sent == mine


def test_months_have_passed_and_nothing_is_ahead(console: Console) -> None:
    client = console.client("northgate")
    times = [view.submitted_at for view in client.requests(box="sent")]
    assert min(times) < console.ready_at - timedelta(days=110)
    events = list(_events(client))
    assert events == sorted(events)
    assert events[-1] <= _now()


def _events(client: Client) -> Iterator[datetime]:
    after, has_more = 0, True
    while has_more:
        page = client.events(after)
        yield from (event.timestamp for event in page.events)
        after, has_more = page.next_after, page.has_more


def test_a_flash_request_is_out_and_waits_41_minutes_for_its_ratification(console: Console) -> None:
    view = console.client("northgate").freeze_request(console.id_of("cold-wallet"))
    assert view.provisional
    assert view.address_count == 51
    assert view.ratify_by is not None
    left = view.ratify_by - console.ready_at
    # However slow the machine is, the last acts are told behind it; on a quick one 41 are left.
    assert timedelta(minutes=30) < left <= timedelta(minutes=41, seconds=30)
    assert view.leg_counts["frozen"] + view.leg_counts["partially_frozen"] == 2


def test_another_is_held_back_by_what_may_be_wrong_with_it(console: Console) -> None:
    view = console.client("northgate").freeze_request(console.id_of("held-back"))
    assert view.waits_because is WaitsBecause.WARNINGS
    assert {warning.code for warning in view.warnings} == {
        WarningCode.NO_CHECKSUM,
        WarningCode.MISSING_TAG,
        WarningCode.SERVICE_WALLET,
        WarningCode.WHOLE_ACCOUNT,
    }
    other = console.client("northgate").freeze_request(console.id_of("to-approve"))
    assert [warning.code for warning in other.warnings] == [WarningCode.DUPLICATE]


def test_everything_that_can_wait_for_a_lead_waits_for_one(console: Console) -> None:
    tasks = list(console.client("northgate").tasks())
    assert set(Counter(task.strip.value for task in tasks)) == {
        *("can_leave", "wrongly_frozen", "today", "rest")
    }
    assert {task.kind.value for task in tasks} >= {
        *("ratify", "approve", "acknowledge", "answer", "hold_ends", "settle"),
        *("reply", "resolve", "decide_addition"),
    }
    today = [t.due_at for t in tasks if t.kind.value == "hold_ends" and t.due_at is not None]
    assert min(today) < console.ready_at + timedelta(hours=8)
    second = console.client("meridian", "second-lead")
    assert "decide_withdrawal" in {task.kind.value for task in second.tasks()}
    harbour = console.client("harbour").freeze_request(console.id_of("cold-wallet"))
    assert harbour.leg is not None
    theirs = [t for t in console.client("harbour").tasks() if t.request_id == harbour.id]
    assert [t.kind.value for t in theirs if t.taken_by is not None] == ["answer"]


def test_what_clocks_do_was_done_meanwhile(console: Console) -> None:
    harbour, kestrel = console.client("harbour"), console.client("kestrel")
    flash = kestrel.freeze_request(console.id_of("unratified"))
    assert flash.withdrawn_reason_code == "not_ratified"
    northgate = console.client("northgate")
    owed = {hold.partner for hold in northgate.owed()}
    assert "sierra.example" in owed  # its hold lapsed weeks ago
    late = console.client("meridian").legs(console.id_of("late"))
    assert {leg.partner for leg in late if leg.overdue_at is not None} == {"northgate.example"}
    closed = console.client("kestrel").freeze_request(console.id_of("hospital"))
    assert closed.ended_at is not None
    # By itself, seven days after its last answer.
    assert timedelta(days=7) < closed.ended_at - closed.submitted_at < timedelta(days=11)
    ended = {leg.status for leg in harbour.legs(console.id_of("payroll"))}
    assert ended == {LegStatus.RETURNED, LegStatus.NO_MATCH}


def test_webhooks_arrive_where_an_organisation_takes_them(console: Console) -> None:
    client = console.client("northgate")
    endpoints = {each.description: each.id for each in client.endpoints()}
    assert set(endpoints) == {"Case system", "Pager of the lead on duty"}
    end = time.monotonic() + _SECONDS
    while True:
        found = {d.status for each in endpoints.values() for d in client.deliveries(each)}
        if found == {"delivered"} or time.monotonic() > end:
            break
        time.sleep(1)
    assert found == {"delivered"}
    assert list(console.client("sierra").endpoints()) == []


def test_people_have_names_and_two_of_them_decide(console: Console) -> None:
    for organisation in console.told["organisations"]:
        stem = organisation["handle"].partition(".")[0]
        people = list(console.client(stem).people())
        names = {view.display_name for view in people}
        assert names >= {*organisation["leads"], organisation["compliance"]}
        assert None not in names
        assert sum(Role.SECURITY_LEAD in view.roles for view in people) == 2


@pytest.mark.parametrize("name", ["bridge", "charity", "unratified", "cold-wallet", "wrong-target"])
def test_every_act_is_proven_by_the_bytes_that_were_signed(console: Console, name: str) -> None:
    request_id = console.id_of(name)
    (case,) = (case for case in console.told["cases"] if case["name"] == name)
    stem = case["requester"].partition(".")[0]
    client = console.client(stem)
    pins = ProfileStore(console.folder / stem).pins()
    directory = KeyDirectory(client, client.profile.coordinator, pins=pins)
    examination = examine(client, directory, request_id, handle=client.profile.handle)
    assert examination.failures == []
    signed = [act for act in examination.acts if act.by is not None]
    assert {act.result for act in signed} == {Result.VERIFIED}
    told = next(each for each in all_cases(Accounts()) if each.name == name)
    acts = [step for step in told.steps if step.act.__qualname__.split(".")[0] not in _SILENT]
    assert len(signed) >= 1 + len(acts) > 1


def test_it_runs_on_as_an_operator_would_run_it_and_ends_whole(console: Console) -> None:
    origin = console.client("northgate").profile.coordinator
    assert requests.get(f"{origin}/readyz", timeout=60).status_code == 200
    running = b"".join(
        Path(f"/proc/{line.partition(' ')[0]}/environ").read_bytes()
        for line in processes_below(console.folder.parent)
    )
    assert b"HOLDFAST_CLOCK_OFFSET_FILE" not in running
    console.process.send_signal(signal.SIGTERM)
    console.process.wait(_SECONDS)
    assert list(processes_below(console.folder.parent)) == []
    assert not console.folder.exists()

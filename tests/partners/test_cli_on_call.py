"""`holdfast on-call`, `page`: a chain set from a file, shown, tested and removed."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.cli import on_call
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

PATH = "/v1/on-call"
ADA = "per_01m8mkz5afeep9smq9bgj7ffz7"
VIEW: dict[str, Any] = {
    "id": new_id("onc"),
    "steps": [
        {
            "person": ADA,
            "minutes": 3,
            "channels": [
                {"kind": "email", "target": "ada@a.example"},
                {"kind": "pagerduty", "target": "…V1CE"},
            ],
        }
    ],
    "quiet": {"zone": "Europe/Tallinn", "begins": "22:00", "ends": "07:00", "rest_days": True},
    "set_by": ADA,
    "set_at": AT,
}
TOML = f"""
[[steps]]
person = "{ADA}"
minutes = 3
channels = [
  {{ kind = "email", address = "ada@a.example" }},
  {{ kind = "pagerduty", routing_key = "R0KEY5NDBYY0URSERV1CE" }},
]
[quiet]
zone = "Europe/Tallinn"
begins = "22:00"
ends = "07:00"
"""
SENT = {
    "steps": [
        {
            "person": ADA,
            "minutes": 3,
            "channels": [
                {"kind": "email", "address": "ada@a.example"},
                {"kind": "pagerduty", "routing_key": "R0KEY5NDBYY0URSERV1CE"},
            ],
        }
    ],
    "quiet": {"zone": "Europe/Tallinn", "begins": "22:00", "ends": "07:00"},
}


@pytest.fixture(autouse=True)
def _people(analyst: Profile, stub: StubCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    del analyst
    monkeypatch.setattr(on_call, "_LOOK_SECONDS", 0.0)
    named = {"id": ADA, "kind": "person", "roles": [], "kids": [], "display_name": "Ada"}
    stub.answers("GET", "/v1/people?status=all", {"items": [named]})


@pytest.mark.parametrize("name", ["chain.toml", "chain.json"])
def test_a_chain_is_set_from_a_file(
    shell: Shell, stub: StubCoordinator, tmp_path: Path, name: str
) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    file = tmp_path / name
    file.write_text(TOML if name.endswith("toml") else str(SENT).replace("'", '"'))
    done = shell("on-call", "set", str(file))
    assert done.exit_code == 0, done.output
    [posted] = [each for each in stub.seen if each.method == "POST"]
    assert strict_json.loads(posted.body) == SENT
    assert "email ada@a.example" in done.output
    assert "from 22:00 to 07:00 in Europe/Tallinn" in done.output


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[[steps]", "chain.toml"),
        (TOML.replace("pagerduty", "pigeon"), "steps/0/channels/1"),
        (TOML.replace("22:00", "25:00"), "quiet/begins"),
        (TOML.replace("minutes = 3", "minutes = 0"), "steps/0/minutes"),
    ],
)
def test_a_file_that_says_no_chain_is_refused_at_its_place(
    shell: Shell, stub: StubCoordinator, tmp_path: Path, written: str, told: str
) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(written)
    done = shell("on-call", "set", str(file))
    assert done.exit_code == 2
    assert told in done.stderr.replace("\n", "")
    assert [each for each in stub.seen if each.method == "POST"] == []


def test_it_is_shown_and_removed(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, {"steps": []})
    assert "nobody is woken" in shell("on-call", "show").output
    stub.answers("DELETE", PATH, {"id": VIEW["id"], "status": "removed"})
    assert "nobody is woken any more" in shell("on-call", "remove").output


def _alarm(status: str, error: str | None = None) -> dict[str, Any]:
    call = {
        "id": new_id("cal"),
        "person": ADA,
        "channel": "email",
        "queued_at": AT,
        "status": status,
        "error": error,
    }
    return {
        "id": "alm_01m8mkz5afeep9smq9bgj7ffz7",
        "partner": "exchange-a.example",
        "kind": "test",
        "owed_at": AT,
        "paged_at": AT,
        "outcome": "test",
        "calls": [call],
    }


@pytest.mark.parametrize(("error", "status"), [(None, 0), ("connect_failed", 1)])
def test_a_test_page_waits_for_what_comes_of_it(
    shell: Shell, stub: StubCoordinator, error: str | None, status: int
) -> None:
    later = _alarm("sent" if error is None else "pending", error)
    stub.answers("POST", f"{PATH}/test", _alarm("pending"), status=201)
    stub.answers("GET", "/v1/alarms", {"items": [later], "next_cursor": None})
    done = shell("page", "--test", "--person", ADA)
    assert done.exit_code == status, done.output
    assert (error or "sent") in done.output
    [posted] = [each for each in stub.seen if each.method == "POST"]
    assert strict_json.loads(posted.body) == {"person": ADA}


def test_only_a_test_is_paged_by_hand(shell: Shell, stub: StubCoordinator) -> None:
    done = shell("page")
    assert (done.exit_code, "--test" in done.stderr) == (2, True)
    assert stub.seen == []


def test_what_was_paged_is_listed_and_of_the_other_side_without_names(
    shell: Shell, stub: StubCoordinator
) -> None:
    stub.answers("GET", "/v1/alarms", {"items": [_alarm("sent")], "next_cursor": None})
    shown = " ".join(shell("on-call", "alarms").output.split())
    assert f"Ada ({ADA}) by email sent" in shown
    request = "frq_01m8mkz5afeep9smq9bgj7ffz7"
    theirs = _alarm("sent") | {"partner": "exchange-b.example", "kind": "answer", "calls": None}
    path = f"/v1/freeze-requests/{request}/alarms"
    stub.answers("GET", path, {"items": [theirs], "next_cursor": None})
    shown = shell("on-call", "alarms", request).output
    assert "exchange-b.example" in shown
    assert "Ada" not in shown

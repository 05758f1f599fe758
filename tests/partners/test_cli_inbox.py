"""`holdfast inbox` at a terminal: what waits, until when, and the command to run next."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from holdfast.cli.layout import WordConsole, shell_lines
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.wording import time_left
from tests.partners.shell import FRQ, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

WITHDRAWAL = new_id("wdp")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def task(kind: TaskKind, about: str | None = None, **members: Any) -> dict[str, Any]:
    command = f"holdfast {kind.value.replace('_', '-')} {FRQ}"
    return {
        "id": Task(kind, FRQ, about).id,
        "kind": kind.value,
        "taken_at": None,
        "taken_by": None,
        "strip": "can_leave",
        "due_at": "2026-03-01T11:48:00Z",
        "next": {
            "words": "Have frozen funds let go, or not",
            "command": command if about is None else f"{command} {about} yes",
            "method": "POST",
            "path": f"/v1/freeze-requests/{FRQ}",
        },
        "request_id": FRQ,
        "urgency": "flash",
        "requester": "exchange-z.example",
        "incident_title": "Theft",
        "about": about,
        **members,
    }


def as_a_shell_takes(lines: str) -> list[str]:
    """Return the words of a command whose lines end in a backslash, but for the last."""
    return shlex.split(lines.replace("\\\n", ""))


def lines_at(shell: Shell, columns: int, *words: str) -> list[str]:
    """Return what a terminal of so many columns shows."""
    screen = StringIO()
    console = WordConsole(file=screen, width=columns, highlight=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("holdfast.cli.session.stream_console", lambda _: console)
        assert shell("inbox", *words).exit_code == 0
    return screen.getvalue().splitlines()


def test_at_80_columns_no_line_is_longer_and_no_id_is_broken(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    items = [
        task(TaskKind.DECIDE_WITHDRAWAL, WITHDRAWAL),
        task(TaskKind.APPROVE, strip="rest", due_at=None, taken_at=AT, taken_by="per_1"),
    ]
    stub.answers("GET", "/v1/tasks", {"items": items})
    lines = lines_at(shell, 80)
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("2026-03-01 11:48 UTC, ")
    assert lines[0].endswith(": money can still leave")
    assert "  flash, exchange-z.example: Theft" in lines
    text = "\n".join(lines)
    run = as_a_shell_takes(text[text.index("holdfast decide") :].partition("holdfast take")[0])
    assert run == ["holdfast", "decide-withdrawal", FRQ, WITHDRAWAL, "yes"]
    assert items[0]["id"] in text
    assert "no clock runs" in lines
    assert any(line.startswith("  per_1 has it since ") for line in lines)
    # What somebody has needs nobody to take it.
    assert items[1]["id"] not in text


def test_where_there_is_room_it_is_a_table(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("GET", "/v1/tasks", {"items": [task(TaskKind.APPROVE)]})
    head, row = lines_at(shell, 240)
    assert re.split(r"  +", head.strip())[:3] == ["due", "left", "task"]
    assert row.startswith("2026-03-01 11:48 UTC")
    assert row.strip().endswith(f"holdfast approve {FRQ}")


def test_programs_read_it_as_json_and_ask_for_one_sort(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("GET", "/v1/tasks?kind=approve", {"items": [task(TaskKind.APPROVE)]})
    shown = strict_json.loads(shell("inbox", "--kind", "approve", "--json").stdout.encode())
    assert shown["next"]["command"] == f"holdfast approve {FRQ}"
    stub.answers("GET", "/v1/tasks", {"items": []})
    assert "Nothing waits for you." in shell("inbox").output


@pytest.mark.parametrize(
    "words",
    [["--received", "--to-approve"], ["--status", "active"], ["--received", "--kind", "reply"]],
)
def test_what_does_not_go_together_is_refused(
    shell: Shell, analyst: Profile, words: list[str]
) -> None:
    del analyst
    assert shell("inbox", *words).exit_code == 2


def test_what_is_about_no_request_is_taken_without_a_document(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    about = Task(TaskKind.MEND_ENDPOINT, None, new_id("wep"))
    view = {"id": about.id, "kind": about.kind.value, "taken_at": AT, "taken_by": "per_1"}
    made = {"id": new_id("act"), "request_id": None, "status": None, "task": view}
    stub.answers("POST", f"/v1/tasks/{about.id}/taken", made, status=201)
    assert shell("take", about.id).exit_code == 0
    assert strict_json.loads(stub.seen[-1].body).get("content_sha256") is None


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(), "now"),
        (-timedelta(seconds=59), "now"),
        (timedelta(minutes=1), "in 1 min"),
        (timedelta(minutes=12, seconds=59), "in 12 min"),
        (timedelta(hours=3, minutes=20), "in 3 h 20 min"),
        (timedelta(days=2, hours=4, minutes=59), "in 2 d 4 h"),
        (-timedelta(hours=1), "1 h 0 min late"),
    ],
)
def test_how_long_there_is_or_how_late_it_is(away: timedelta, words: str) -> None:
    assert time_left(NOW + away, NOW) == words


def test_a_command_is_broken_between_its_words_so_that_a_shell_takes_it_as_one() -> None:
    assert shell_lines("holdfast approve x") == ["holdfast approve x"]
    long = f"holdfast decide-addition {FRQ} {new_id('add')} yes"
    lines = shell_lines(long)
    assert len(lines) == 2
    assert as_a_shell_takes("\n".join(lines)) == long.split()

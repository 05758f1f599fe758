"""`holdfast report --frozen-at --until`: a freeze is signed with its true time and its true end."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import leg_view

ETH = "eip155:1/slip44:60"
FROZEN = ("--frozen", "0", ETH, "10")
FRIDAY, MONDAY = "2026-03-06T23:00:00Z", "2026-03-09T23:00:00Z"


@pytest.fixture
def shell(store: ProfileStore, analyst: Profile, tmp_path: Path, stub: StubCoordinator) -> Shell:
    """Run as one that is asked to hold for 48 h."""
    del analyst
    answer_request(stub, hold_hours=48)
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    return Shell(store, tmp_path)


def _lasts(begin: str, end: str) -> timedelta:
    return datetime.fromisoformat(end) - datetime.fromisoformat(begin)


@pytest.mark.parametrize(
    ("said", "signed"),
    [
        (("--frozen-at", FRIDAY, "--until", MONDAY), (FRIDAY, MONDAY)),
        (("--frozen-at", "2026-03-07T01:00:00+02:00", "--until", MONDAY), (FRIDAY, MONDAY)),
        (("--frozen-at", FRIDAY, "--hours", "72"), (FRIDAY, MONDAY)),
        (("--frozen-at", FRIDAY), (FRIDAY, "2026-03-08T23:00:00Z")),
    ],
    ids=["its end", "another zone", "its hours", "as long as was asked"],
)
def test_a_freeze_is_signed_with_the_times_that_are_stated(
    shell: Shell, stub: StubCoordinator, said: tuple[str, ...], signed: tuple[str, str]
) -> None:
    done = shell("report", FRQ, "--found", "0", ETH, "10", *FROZEN, *FROZEN, *said)
    assert done.exit_code == 0, done.output
    found, *frozen = sent(stub)["lines"]
    assert "frozen_at" not in found
    assert [(line["frozen_at"], line["hold_expires_at"]) for line in frozen] == [signed] * 2


def test_a_freeze_of_just_now_may_state_its_end(shell: Shell, stub: StubCoordinator) -> None:
    end = "2099-01-01T00:00:00Z"
    done = shell("report", FRQ, *FROZEN, "--until", end)
    assert done.exit_code == 0, done.output
    (line,) = sent(stub)["lines"]
    assert line["hold_expires_at"] == end
    assert line["frozen_at"] < end


def test_without_times_it_is_frozen_just_now_for_as_long_as_was_asked(
    shell: Shell, stub: StubCoordinator
) -> None:
    assert shell("report", FRQ, *FROZEN).exit_code == 0
    (line,) = sent(stub)["lines"]
    assert _lasts(line["frozen_at"], line["hold_expires_at"]) == timedelta(hours=48)
    signed_at = stub.seen[-1].token
    assert signed_at is not None
    begun = datetime.fromisoformat(line["frozen_at"]).timestamp()
    assert abs(signed_at.iat - begun) < 600


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            (*FROZEN, "--until", MONDAY, "--hours", "72"),
            "--until and --hours both say when it ends",
        ),
        ((*FROZEN, "--frozen-at", MONDAY, "--until", FRIDAY), "must come after --frozen-at"),
        ((*FROZEN, "--frozen-at", FRIDAY, "--until", FRIDAY), "must come after --frozen-at"),
        ((*FROZEN, "--until", "2020-01-01T00:00:00Z"), "say when it was frozen, too"),
        (("--found", "0", ETH, "10", "--frozen-at", FRIDAY), "are of what is --frozen"),
        (("--nothing", "no_match", "--until", "2099-01-01T00:00:00Z"), "are of what is --frozen"),
        ((*FROZEN, "--frozen-at", "2026-03-06T23:00:00"), "RFC 3339 time with its zone"),
        ((*FROZEN, "--until", "Monday"), "RFC 3339 time with its zone"),
    ],
)
def test_times_that_contradict_are_refused_and_nothing_is_sent(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...], why: str
) -> None:
    done = shell("report", FRQ, *words)
    assert done.exit_code == 2
    assert why in " ".join(done.output.replace("│", " ").split())
    assert all(seen.method == "GET" for seen in stub.seen)

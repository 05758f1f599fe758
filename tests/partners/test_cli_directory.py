"""`holdfast entry` and what the directory says, on the command line."""

import pytest

from holdfast.profiles.store import Profile
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator

ME = {
    "handle": "exchange-a.example",
    "name": "A",
    "kind": "exchange",
    "status": "active",
    "freezes_on": "order",
    "jurisdictions": ["EE"],
    "languages": ["en", "et"],
    "hours": {
        "zone": "Europe/Tallinn",
        "spans": [{"days": ["mon", "tue"], "opens": "09:00", "closes": "17:30"}],
    },
}


@pytest.fixture(autouse=True)
def _entry(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("GET", "/v1/partners/me", ME)
    stub.answers("GET", "/v1/partners", {"items": [ME]})
    stub.answers("PATCH", "/v1/partners/me", ME)


def test_the_own_entry_and_everybody_s_are_shown(shell: Shell) -> None:
    for words in (["entry"], ["partners", "--entries"]):
        shown = shell(*words).output
        for said in ("an order only", "EE", "en", "mon-tue 09:00-17:30 (Europe/Tallinn)"):
            assert said in shown, shown


def test_what_is_named_changes_and_nothing_else(shell: Shell, stub: StubCoordinator) -> None:
    assert shell("entry", "--freezes-on", "order").exit_code == 0
    assert sent(stub) == {"freezes_on": "order"}
    named = ("--jurisdiction", "EE", "--jurisdiction", "US-NY", "--language", "none")
    assert shell("entry", *named, "--named-in-statistics").exit_code == 0
    assert sent(stub) == {
        "jurisdictions": ["EE", "US-NY"],
        "languages": [],
        "named_in_statistics": True,
    }
    spans = ("--hours", "mon-tue 09:00-17:30", "--hours", "sat 10:00-24:00")
    assert shell("entry", *spans, "--zone", "UTC").exit_code == 0
    assert sent(stub)["hours"] == {
        "zone": "UTC",
        "spans": [
            {"days": ["mon", "tue"], "opens": "09:00", "closes": "17:30"},
            {"days": ["sat"], "opens": "10:00", "closes": "24:00"},
        ],
    }
    assert shell("entry", "--hours", "none", "--not-named").exit_code == 0
    assert sent(stub) == {"hours": None, "named_in_statistics": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--hours", "mon-fri 09:00-17:00"), "--zone"),
        (("--zone", "UTC"), "--hours"),
        (("--hours", "nine to five", "--zone", "UTC"), "mon-fri 09:00-17:30"),
    ],
)
def test_what_is_no_entry_is_said_before_anything_is_sent(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...], said: str
) -> None:
    done = shell("entry", *words)
    assert done.exit_code == 2
    assert said in done.output
    assert not [each for each in stub.seen if each.method == "PATCH"]


def test_who_wants_an_order_is_named_with_the_request(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    answer_request(stub, order_only=["exchange-b.example"])
    shown = " ".join(shell("status", FRQ).output.split())
    assert "exchange-b.example freezes on a legal order only" in shown

"""Why partners are asked, and the requester's own interest, on the terminal."""

from typing import Any

import pytest

from holdfast.cli.whys import why_lines
from holdfast.profiles.store import Profile
from holdfast.protocol.views import WhyYouView
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator

INTEREST = {"kinds": ["own_funds", "claim"], "statement": "Our hot wallet was drained."}


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"why": "Bridge exit."}, "Bridge exit."),
        ({"to": "all", "why": "Bridge exit."}, "all: Bridge exit."),
        (
            {"to": ["b.example", "c.example"], "why": "Yours.", "address_nos": [0, 4]},
            "b.example, c.example: Yours. (addresses 0, 4)",
        ),
        (
            {"why": "Yours.", "address_nos": list(range(13))},
            "Yours. (addresses 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …)",
        ),
    ],
)
def test_a_line_says_why_and_to_whom(said: dict[str, Any], line: str) -> None:
    assert why_lines([WhyYouView.model_validate(said)]) == [line]


def test_a_request_is_shown_with_why_one_is_asked_and_whose_interest_it_is(
    analyst: Profile, shell: Shell, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, why_you=[{"why": "Deposit address of yours."}], interest=INTEREST)
    stub.answers("GET", f"{REQUEST}/legs", {"items": [], "next_cursor": None})
    shown = " ".join(shell("status", FRQ).stdout.split())
    assert "why asked Deposit address of yours." in shown
    assert (
        "own interest its own funds were taken; it has a claim against whoever holds the account:"
        " Our hot wallet was drained." in shown
    )
    stub.forget("GET", REQUEST)
    answer_request(stub)
    assert "own interest" not in shell("status", FRQ).stdout

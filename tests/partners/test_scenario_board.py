"""What the demonstration prints fits the terminal of whoever watches it, at a pace to read it."""

import io
from typing import Any, cast

import pytest
from rich.console import Console

from holdfast.protocol.views import AssetUnit, LegView
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.processes import Processes
from reference_exchange.scenarios.script import load_script
from reference_exchange.scenarios.stage import Stage
from tests.partners.views import leg_view

SENTENCE = (
    "request 1, exchange-a: the analyst asks exchange-b, exchange-c and exchange-d about a list of "
    "51 addresses"
)
ETH = "eip155:1/slip44:60"


class Legs:
    """A client that knows one request's legs."""

    def __init__(self, *legs: dict[str, Any]) -> None:
        self._legs = [LegView.model_validate(leg) for leg in legs]

    def legs(self, _request_id: str) -> list[LegView]:
        return self._legs


class Watched:
    """A board, what it prints, and how many lines it gave time for."""

    def __init__(self, *legs: dict[str, Any], width: int = 80, is_terminal: bool = True) -> None:
        self._out = io.StringIO()
        self.pauses: list[int] = []
        console = Console(file=self._out, width=width, force_terminal=is_terminal)
        units = {ETH: AssetUnit(symbol="ETH", decimals=0)}
        client = cast("Any", Legs(*legs))
        self.board = Board(client, console, units, elapsed=lambda: 1.5, pause=self.pauses.append)

    @property
    def lines(self) -> list[str]:
        return self._out.getvalue().splitlines()


@pytest.mark.parametrize(("width", "is_terminal"), [(80, True), (200, True), (200, False)])
def test_a_sentence_is_broken_between_words_and_indented(width: int, is_terminal: bool) -> None:  # noqa: FBT001 - a table
    watched = Watched(width=width, is_terminal=is_terminal)
    watched.board.say(SENTENCE)
    assert len(watched.lines) == 2
    assert all(len(line) <= 80 for line in watched.lines)
    assert watched.lines[1].startswith("        ")
    assert " ".join(" ".join(watched.lines).split()[1:]) == SENTENCE


def test_before_a_scene_there_is_time_for_the_lines_before_it() -> None:
    watched = Watched()
    watched.board.scene("One", "What it is about.")
    watched.board.say("short")
    watched.board.say(SENTENCE)
    watched.board.scene("Two", "What that is about.")
    assert watched.pauses == [0, 2 + 1 + 2]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"status": "acknowledged"}, "acknowledged"),
        ({"status": "declined", "decline_code": "funds_gone"}, "declined (funds gone)"),
        (
            {"status": "frozen", "totals": {ETH: {"frozen": "5", "held": "3", "released": "2"}}},
            "in all frozen 5 ETH, held 3 ETH, released 2 ETH",
        ),
        (
            {"status": "frozen", "flags": ["answer_owed"], "totals": {ETH: {"frozen": "5"}}},
            "answer owed; in all frozen 5 ETH",
        ),
    ],
)
def test_a_change_is_said_once_in_words(members: dict[str, Any], words: str) -> None:
    sums = {"found": "5", "held": "5", "released": "0", "returned": "0", "seized": "0"}
    totals = {asset: sums | said for asset, said in members.get("totals", {}).items()}
    watched = Watched(leg_view(request_id="frq_1", **{**members, "totals": totals}))
    watched.board.follow("frq_1", 1)
    watched.board.refresh()
    watched.board.refresh()
    said = [line for line in watched.lines if words in line]
    assert said == [f"  1.50  request 1, exchange-b: {words}"]


def test_programs_wait_for_nothing_and_the_seconds_shown_leave_the_pauses_out(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    stage = Stage(load_script(), "http://x", tmp_path, Processes(tmp_path, {}), Console())
    stage.pause(10)
    assert slept == []
    stage.seconds_a_line = 0.5
    stage.pause(10)
    stage.pause(1)
    assert slept == [5.0, 2.0]

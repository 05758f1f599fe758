"""The clock of a scenario is put forward once nothing is under way."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from reference_exchange.scenarios import stage as scenario_stage
from reference_exchange.scenarios.processes import Processes
from reference_exchange.scenarios.script import load_script
from reference_exchange.scenarios.stage import Stage


def _looks(monkeypatch: pytest.MonkeyPatch, *states: dict[str, bool]) -> Iterator[dict[str, bool]]:
    """Have deliveries looked at find these, one after the other; yields what is left."""
    left = iter(states)
    monkeypatch.setattr(scenario_stage, "delivery_states", lambda _players: next(left))
    return left


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([{"dlv_1": True}, {"dlv_1": True}], True),
        ([{"dlv_1": False}], False),
        # Made by who dealt with something between the two looks, arrived or not.
        ([{"dlv_1": True}, {"dlv_1": True, "dlv_2": False}], False),
        ([{"dlv_1": True}, {"dlv_1": True, "dlv_2": True}], False),
    ],
)
def test_nothing_is_under_way_where_nothing_was_added_meanwhile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    states: Sequence[dict[str, bool]],
    expected: object,
) -> None:
    left = _looks(monkeypatch, *states)
    stage = Stage(load_script(), "http://127.0.0.1", tmp_path, Processes(tmp_path, {}), Console())
    assert stage._is_quiet() is expected
    assert list(left) == []

"""The kit's clock: the host's, or put forward by a file for demonstrations."""

import time
from pathlib import Path

import pytest

from holdfast.clock import VARIABLE, set_offset, wall_clock


def test_without_a_file_it_is_the_hosts_clock() -> None:
    assert wall_clock({}) is time.time
    assert wall_clock({VARIABLE: ""}) is time.time


def test_it_follows_the_file_as_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.clock.time.time", lambda: 1_000.0)
    file = tmp_path / "offset"
    now = wall_clock({VARIABLE: str(file)})
    assert now() == 1_000.0  # not there yet
    file.write_text("3600\n")
    assert now() == 4_600.0
    file.write_text("no number")
    assert now() == 1_000.0


def test_it_is_put_forward_in_one_go(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    set_offset(file, 3_600)
    with file.open() as held:  # by who is about to read it
        set_offset(file, -7_200)
        assert held.read() == "3600"
    assert file.read_text() == "-7200"
    assert list(tmp_path.iterdir()) == [file]

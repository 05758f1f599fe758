"""The log is one JSON object a line, and its level holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.protocol import strict_json

_PROGRAM = """
import sys, structlog
from coordinator.logging_setup import set_up_logging
set_up_logging(sys.argv[1], sys.argv[2])
log = structlog.get_logger("a")
structlog.contextvars.bind_contextvars(request_id="req_1")
log.debug("fine")
log.info("looked", figure=7)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("accident")
"""


def _log(level: str, form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, level, form],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_every_line_is_json_with_the_requests_id() -> None:
    lines = [strict_json.loads(line.encode()) for line in _log("info", "json")]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("looked", "info"),
        ("accident", "error"),
    ]
    assert {line["request_id"] for line in lines} == {"req_1"}
    assert lines[0]["figure"] == 7
    assert "ZeroDivisionError" in lines[1]["exception"]
    assert lines[0]["timestamp"].endswith("Z")


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("error", 1)])
def test_the_level_holds(level: str, count: int) -> None:
    assert len(_log(level, "json")) == count


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to a device that is always full")
def test_a_log_that_cannot_be_written_disturbs_nothing() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", _PROGRAM + "print('went on')", "info", "json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=60, check=False)
    assert done.stdout == b"went on\n"


def test_people_may_read_it_as_text() -> None:
    assert any("looked" in line and "figure" in line for line in _log("info", "console"))

"""Whatever a scenario starts it ends, also when it is told to stop at that very moment."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reference_exchange.scenarios.processes import Processes


def test_a_process_is_ended_when_the_signal_comes_while_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def start_and_be_told_to_stop(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        made.append(start(*arguments, **options))
        signal.raise_signal(signal.SIGINT)
        return made[0]

    monkeypatch.setattr(subprocess, "Popen", start_and_be_told_to_stop)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), Processes(tmp_path, {}) as processes:
            processes.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    (process,) = made
    has_ended = process.poll() is not None
    process.kill()
    process.wait()
    assert has_ended

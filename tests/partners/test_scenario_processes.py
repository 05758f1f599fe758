"""Whatever a scenario starts it ends, also when it is told to stop at that very moment."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coordinator.operations import supervisor
from reference_exchange.scenarios import processes as scenario_processes
from reference_exchange.scenarios.processes import Processes, free_port, is_free


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


def test_a_coordinator_has_the_time_in_which_it_ends_its_own_processes() -> None:
    # Whoever kills it before leaves them running.
    assert scenario_processes._END_SECONDS > supervisor.STOP_SECONDS


def test_a_port_is_free_that_no_connection_on_its_way_out_is_given() -> None:
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(lent.read_text(encoding="ascii").split()[0]) if lent.exists() else 32_768
    port = free_port()
    assert port < first
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
    assert is_free(port)

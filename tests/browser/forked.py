"""Processes of a coordinator that start at once: copies of one that has loaded everything.

A web process spends most of its start on loading its modules. Here one process a test run's process
loads them, and copies itself (fork) for every coordinator of a test, with that one's environment.
It asks for nothing else: settings are read, and threads are started, in the copy.
"""

import atexit
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from coordinator.cli import main
from holdfast.protocol import canonical_json, strict_json

_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Copy:
    """A process that was started so; used as `subprocess.Popen` is.

    Attributes:
        pid: Its process id.
    """

    pid: int

    def poll(self) -> int | None:
        """Return what it ended with, below 0 by a signal; None: it runs."""
        code: int | None = _original().ask(poll=self.pid)
        return code

    def wait(self, seconds: float) -> int:
        """Wait for its end, and return what it ended with.

        Raises:
            subprocess.TimeoutExpired: If it still runs.
        """
        limit = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() >= limit:
                raise subprocess.TimeoutExpired("coordinator.cli", seconds)
            time.sleep(_LOOK_SECONDS)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def start(command: str, environment: Mapping[str, str], log: Path) -> Copy:
    """Start a command of `holdfast-coordinator`; what it says is added to `log`."""
    wanted = {"command": command, "environment": dict(environment), "log": str(log)}
    return Copy(_original().ask(start=wanted))


class _Original:
    """The process that is copied."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, **wanted: object) -> Any:
        """Have one thing done, and return what came of it."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._process.stdin.write(canonical_json.dumps(wanted) + b"\n")
        self._process.stdin.flush()
        return strict_json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """End it: it has nothing more to read."""
        self._process.communicate()


@cache
def _original() -> _Original:
    """Return this process's own, which ends with it."""
    original = _Original()
    atexit.register(original.end)
    return original


def _become(command: str, environment: Mapping[str, str], log: str) -> None:
    """Go on, in a copy, as that command would."""
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for ours, theirs in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(ours, theirs)
    main([command], prog_name="holdfast-coordinator")


def _serve() -> None:
    """Do what is asked for, a line each, until the input ends."""
    for command in ("web", "worker"):
        import_module(f"coordinator.cli.{command}")
    ended: dict[int, int] = {}
    for line in sys.stdin.buffer:
        wanted = strict_json.loads(line)
        told: int | None
        if "start" in wanted:
            told = os.fork()
            if told == 0:
                try:
                    _become(**wanted["start"])
                except SystemExit as end:
                    os._exit(end.code if isinstance(end.code, int) else 1)
                finally:
                    traceback.print_exc()
                    os._exit(1)
        else:
            pid = wanted["poll"]
            if pid not in ended:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            told = ended.get(pid)
        sys.stdout.buffer.write(canonical_json.dumps(told) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()

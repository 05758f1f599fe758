"""`serve`: web and worker as processes of their own, watched by id, replaced when they die."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

_log = structlog.get_logger(__name__)
#: A child that dies this often within this time will not mend by being started again.
MOST_DEATHS = 5
DEATHS_WITHIN_SECONDS = 30.0
STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class _Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_DEATHS))


class Supervisor:
    """Starts children, replaces those that die, and ends all of them.

    Args:
        commands: Name to arguments of `holdfast-coordinator`, one child each.
        environment: What children find in their environment beside this process's own.
        on_death: Called with the process id of a child that died and is replaced.
    """

    def __init__(
        self,
        commands: Mapping[str, list[str]],
        environment: Mapping[str, str] | None = None,
        *,
        on_death: Callable[[int], object] | None = None,
    ) -> None:
        self._on_death = on_death
        self._commands = commands
        self._environment = {**os.environ, **(environment or {})}
        self._children: list[_Child] = []

    @property
    def pids(self) -> dict[str, int]:
        """The children's process ids."""
        return {child.name: child.process.pid for child in self._children}

    def start(self) -> None:
        """Start all children."""
        for name, arguments in self._commands.items():
            command = [
                sys.executable,
                "-m",
                "coordinator.cli",
                *arguments,
                "--parent",
                str(os.getpid()),
            ]
            self._children.append(_Child(name, command, self._spawn(command)))

    def run(self, stop: threading.Event) -> bool:
        """Watch until `stop` is set, then stop all; False if a child could not be kept alive."""
        try:
            while not stop.wait(_LOOK_SECONDS):
                for child in self._children:
                    if child.process.poll() is not None and not self._replace(child):
                        return False
            return True
        finally:
            self.end()

    def _replace(self, child: _Child) -> bool:
        now = time.monotonic()
        child.deaths.append(now)
        if self._on_death is not None:
            self._on_death(child.process.pid)
        _log.error("process_died", name=child.name, status=child.process.returncode)
        if len(child.deaths) == MOST_DEATHS and now - child.deaths[0] < DEATHS_WITHIN_SECONDS:
            _log.error("process_given_up", name=child.name)
            return False
        child.process = self._spawn(child.command)
        return True

    def end(self) -> None:
        """Stop all children by their ids: SIGTERM first, then SIGKILL for those that still run."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        limit = time.monotonic() + STOP_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("process_killed", name=child.name)
                child.process.kill()
                child.process.wait()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches this process alone, which ends the others in order.
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, env=self._environment, start_new_session=True
        )

"""Processes that a scenario starts, and ends again by their ids whatever happens."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

#: Below those that systems lend to outgoing connections: of a free one among those, another process
#: may be on its way out before the server comes up.
_PORTS = range(10_000, 15_000)
#: Seconds that a process may take to start, and a command to end, on the busiest machine: the limit
#: only ends what hangs.
PATIENCE = 120.0
#: What a coordinator has to end in good order, with processes of its own that it waits for.
_END_SECONDS = 45.0


class ScenarioError(Exception):
    """The scenario cannot go on; the message says what went wrong and where to look."""


class Processes:
    """Every process of one run, each with a log file; a context that ends them all."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, command: list[str]) -> None:
        """Start a process in a group of its own, with its output in `<name>.log`."""
        with (self._folder / f"{name}.log").open("ab") as log, _signals_put_off():
            process = subprocess.Popen(  # noqa: S603 - our own programs
                command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we end the others in order
            )
            self._running.append((name, process))

    def run(self, command: list[str], *, seconds: float, lines: str | None = None) -> str:
        """Run a command to its end and return what it printed; `lines` is what it reads.

        Raises:
            ScenarioError: It failed or took too long.
        """
        done = self.attempt(command, seconds=seconds, lines=lines)
        if done.returncode:
            raise ScenarioError(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-1500:]}")
        return done.stdout

    def attempt(
        self,
        command: list[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        lines: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is, with more in its environment.

        Raises:
            ScenarioError: It took too long.
        """
        try:
            return subprocess.run(  # noqa: S603 - our own programs
                command,
                env={**self._environment, **(environment or {})},
                cwd=self._folder,
                capture_output=True,
                input=lines,
                timeout=seconds,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired:
            raise ScenarioError(f"{' '.join(command[:3])} took longer than {seconds} s") from None

    def wait_for(self, what: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Ask until `is_ready` answers True.

        Raises:
            ScenarioError: It never did, or a process ended meanwhile.
        """
        end = time.monotonic() + seconds
        while not is_ready():
            for name, process in self._running:
                if process.poll() is not None:
                    raise ScenarioError(f"{name} ended by itself:\n{self.tail(name)}")
            if time.monotonic() > end:
                logs = "\n".join(f"--- {name}\n{self.tail(name)}" for name, _ in self._running)
                raise ScenarioError(f"{what}: still not after {seconds:.0f} s\n{logs}")
            time.sleep(0.05)

    def tail(self, name: str, length: int = 1_200) -> str:
        """Return the end of a process's log."""
        return (self._folder / f"{name}.log").read_text(errors="replace")[-length:]

    def stop(self) -> None:
        """End all processes, the last started first: SIGTERM, and SIGKILL for those that hang.

        A coordinator that was killed could not wait for its own children, which would be left.
        """
        for _, process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + _END_SECONDS
        for _, process in reversed(self._running):
            try:
                process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Act on signals only behind the block: a process that is just being made must be noted."""
    arrived: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for late in arrived:
        signal.raise_signal(late)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - nobody has to guess it
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of 127.0.0.1."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def program(name: str) -> str:
    """Return the path of one of our own commands, beside the interpreter that runs us.

    Raises:
        ScenarioError: It is not installed.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise ScenarioError(f"{name} is not installed beside {sys.executable}: run `make setup`")
    return str(path)

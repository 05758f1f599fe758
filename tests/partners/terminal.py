"""Running `holdfast` on a terminal of a given size, as a person does who sits before it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# A shell without job control starts its background jobs deaf to Ctrl-C, and so their children.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from holdfast.cli import main
main()
"""
#: Seconds that a command may take on a busy machine.
_SECONDS = 60
#: After which somebody presses a key again.
_PATIENCE = 3


class Terminal:
    """One command on a terminal; a context that ends it.

    Args:
        words: The command, behind `holdfast`.
        home: HOLDFAST_HOME.
        columns: How wide the terminal is.
        lines: How high.
        environment: More of it.
    """

    def __init__(
        self,
        *words: str,
        home: Path,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._main, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "PAGER"}}
        kept |= {"HOLDFAST_HOME": str(home), "TERM": "xterm", **(environment or {})}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *words],
            env=kept,
            cwd=home.parent,
            stdin=there,
            stdout=there,
            stderr=there,
            start_new_session=True,
        )
        os.close(there)
        self._shown = b""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(_SECONDS)
        os.close(self._main)

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._main, 65_536)
            except OSError:  # the other side is closed
                part = b""
            with self._grown:
                self._shown += part
                self._grown.notify_all()
            if not part:
                return

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._main, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C; and again while nothing happens, as a person does.

        Between showing a question and listening for the answer, Python notes it and listens on.
        """
        for _ in range(_SECONDS // _PATIENCE):
            os.killpg(self._process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
                return

    def wait_for(self, text: str) -> None:
        """Wait until something is shown."""
        with self._grown:
            assert self._grown.wait_for(lambda: text in self.shown, _SECONDS), self.shown

    def wait(self) -> int:
        """Wait until it ends; return the exit status."""
        status = self._process.wait(_SECONDS)
        self._reader.join(_SECONDS)
        return status

    @property
    def shown(self) -> str:
        """All that was shown so far, without colours."""
        text = self._shown.decode(errors="replace").replace("\r\n", "\n")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)

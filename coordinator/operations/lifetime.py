"""When a process ends: with a signal, or with the process that started it."""

import os
import signal
import threading
from collections.abc import Callable
from math import ceil

_LOOK_SECONDS = 0.5
#: How often a process without its parent is asked to end, before it is ended.
_ASKS = 60


def end_with_parent(parent: int | None = None) -> None:
    """Have this process ended by SIGTERM once its parent is gone, even by kill -9.

    Otherwise a web process would go on listening beside the one that replaces it.

    Args:
        parent: The parent's process id. Best told by the parent, for it may be gone before we
            could ask; None asks.
    """
    parent = os.getppid() if parent is None else parent

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(_LOOK_SECONDS)
        # Asked again and again: while the process still starts, the handler that it inherited
        # swallows the signal, and nobody else would ever end it. Where the interpreter hangs in
        # the midst of ending, no thread of it runs any more: the kernel ends it then.
        signal.alarm(ceil(_ASKS * _LOOK_SECONDS) + 1)
        for _ in range(_ASKS):
            os.kill(os.getpid(), signal.SIGTERM)
            never.wait(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set; called on the main thread."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def call_on_signal(function: Callable[[], None]) -> None:
    """Call `function`, on a thread of its own, when a signal ends this process.

    The web server sets the handlers itself, later. A wake-up descriptor is told of every signal,
    whoever handles it; called on the main thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait() -> None:
        while True:
            received = os.read(reader, 1)
            if not received or received[0] in {signal.SIGTERM, signal.SIGINT}:
                function()
                return

    threading.Thread(target=wait, name="signals", daemon=True).start()

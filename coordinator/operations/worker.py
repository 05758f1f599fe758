"""One worker process: sends webhooks, fires timers."""

import threading

from coordinator.settings import Settings


def work(settings: Settings, stop: threading.Event) -> None:
    """Deliver and fire timers until `stop` is set."""
    del settings
    stop.wait()

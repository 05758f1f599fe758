"""The web processes: Granian with our plain WSGI callable.

Granian takes 512 blocking threads by default, and then the pool of database connections gives out:
the threads are as many as the pool has connections.
"""

import gc
import os
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from coordinator.app import create_app
from coordinator.logging_setup import set_up_logging
from coordinator.operations.lifetime import call_on_signal, end_with_parent
from coordinator.settings import Settings

#: Seconds after which a running thread lets another one have the interpreter; Python's own is 5 ms.
#: Whoever holds the database's write lock gives the interpreter up at every statement, and with
#: 5 ms would wait that long for each where other threads check signatures meanwhile.
SWITCH_SECONDS = 0.0005
#: New containers after which the collector looks for cycles; Python's own is 700. A report of
#: 11,000 lines makes some 200,000 that live until it is answered, and walking them again and again
#: for cycles, of which there are none, took a fifth of its time.
COLLECT_AFTER = 50_000
#: Seconds that requests under way are given when the server stops.
STOP_SECONDS = 25


def load_app(parent: int) -> Any:
    """Return the app, inside a web process; long polls end when the process is told to stop."""
    settings = Settings.from_env(os.environ)
    set_up_logging(settings.log_level, settings.log_format)
    end_with_parent(parent)
    app = create_app(settings)
    spare_collector()
    call_on_signal(app.extensions["holdfast"].watcher.stop)
    return app


def spare_collector() -> None:
    """Have the garbage collector pass over what was made so far, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def serve_web(settings: Settings) -> None:
    """Serve until a signal comes; a web process that dies is replaced."""
    server = Granian(
        "wsgi:app",  # what is served; `load_app` makes it, with what a process of its own needs
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        process_name=None,
    )
    server.serve(target_loader=partial(load_app, os.getpid()), wrap_loader=False)

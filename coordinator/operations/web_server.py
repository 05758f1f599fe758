"""The web processes: Granian, our ASGI front, and the Flask app behind it."""

import gc
import os
import sys
from collections.abc import Mapping
from functools import partial

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from coordinator.api.context import AppContext
from coordinator.app import create_app
from coordinator.logging_setup import set_up_logging
from coordinator.operations.front.front import Front, FrontLimits
from coordinator.operations.front.news import NewsTable
from coordinator.operations.lifetime import call_on_signal, end_with_parent
from coordinator.settings import Settings
from coordinator.storage.tail import events
from coordinator.storage.tail.events import News

#: Seconds after which a running thread lets another one have the interpreter; Python's own is 5 ms.
#: Whoever holds the database's write lock gives the interpreter up at every statement, and with
#: 5 ms would wait that long for each where other threads check signatures meanwhile.
SWITCH_SECONDS = 0.0005
#: Seconds that a small change waits on SQLite for the one before, which takes some 4 ms unless it
#: waits itself.
CHANGE_PATIENCE_SECONDS = 0.1
#: Seconds that an open page waits to be read again while requests are under way: longer than any of
#: those takes, and short enough that all pages are read soon under any load.
LIVE_PATIENCE_SECONDS = 0.05
#: New containers after which the collector looks for cycles; Python's own is 700. A report of
#: 11,000 lines makes some 200,000 that live until it is answered, and walking them again and again
#: for cycles, of which there are none, took a fifth of its time.
COLLECT_AFTER = 50_000
#: Connections that a process takes at a time; whoever drips or waits holds one, and no thread.
MOST_CONNECTIONS = 8_192
#: Seconds that requests under way are given when the server stops.
STOP_SECONDS = 25


def load_front(parent: int) -> Front:
    """Return what a web process serves; long polls end when the process is told to stop."""
    settings = Settings.from_env(os.environ)
    set_up_logging(settings.log_level, settings.log_format)
    end_with_parent(parent)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create_app(settings)
    spare_collector()
    context: AppContext = app.extensions["holdfast"]

    def end() -> None:
        context.watcher.stop()
        context.read_log.make_haste()

    call_on_signal(end)
    front = front_of(app, settings)
    context.read_log.start(front.right_of_way.give_way)
    return front


def front_of(app: Flask, settings: Settings) -> Front:
    """Return the app behind the front, as a web process serves it."""
    context: AppContext = app.extensions["holdfast"]

    def news_of(after: Mapping[str, int]) -> News:
        with context.database.engine.connect() as connection:
            return events.news_of(connection, after)

    news = NewsTable(context.watcher, news_of)
    limits = FrontLimits(
        threads=settings.web_threads,
        waiting_tests=settings.waiting_tests,
        small_bytes=settings.small_body_bytes,
        body_seconds=settings.body_timeout.total_seconds(),
        bytes_per_second=settings.slowest_bytes_per_second,
        change_patience_seconds=CHANGE_PATIENCE_SECONDS if context.database.is_sqlite else None,
        live_patience_seconds=LIVE_PATIENCE_SECONDS,
    )
    return Front(app, limits, news)


def spare_collector() -> None:
    """Exclude what exists now from garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def serve_web(settings: Settings) -> None:
    """Serve until a signal comes; a web process that dies is replaced."""
    server = Granian(
        "wsgi:app",  # what is served; `load_front` makes it, and what stands before it
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        workers=settings.web_processes,
        # A pooled connection each; who drips holds no more than that.
        backpressure=MOST_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.header_timeout.total_seconds() * 1000)
        ),
        loop=Loops.asyncio,
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        process_name=None,
    )
    server.serve(target_loader=partial(load_front, os.getpid()), wrap_loader=False)

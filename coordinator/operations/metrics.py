"""/metrics and /operator on their own address: what all processes counted, what the database holds.

The processes of one command share a folder (`prometheus_client`'s multiprocess mode), and the one
that started them serves the sum: one address a command. Where web and worker run apart, give each
its own `HOLDFAST_METRICS_PORT`.
"""

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from coordinator.domain.clock import Clock
from coordinator.operations.preparation import PreparationError, open_settings_database
from coordinator.settings import Settings, clock_of
from coordinator.storage.engine.database import Database
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import data_subjects as data_subject_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tables.outbox import LaneRow
from coordinator.storage.tables.transparency_log import LogHeadRow
from coordinator.transparency_log.witnesses import quorum_state
from holdfast.protocol.log_policy import LogPolicy

#: Where `prometheus_client` looks, once, while it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_OFF = {"HOLDFAST_METRICS_PORT": "0"}


def restart_with_folder(settings: Settings, command: str) -> None:
    """Restart `command` with a folder for multi-process metrics, if metrics are turned on."""
    if settings.metrics_port and FOLDER not in os.environ:
        os.environ[FOLDER] = str(_fresh_folder(settings))
        os.execv(sys.executable, [sys.executable, "-m", "coordinator.cli", command])  # noqa: S606 - our own program


def _fresh_folder(settings: Settings) -> Path:
    """Return an empty folder; the port is one command's alone, so what lies there is left over."""
    folder = settings.data_dir / f"metrics-{settings.metrics_port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


@contextmanager
def metrics_served(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Serve /metrics while the block runs; yields what children find in their environment.

    Raises:
        PreparationError: If the address is taken.
    """
    if not settings.metrics_port:
        yield {}
        return
    # With the console behind it; a command that serves no metrics does not wait for it.
    from coordinator.app import read_log_policy  # noqa: PLC0415
    from coordinator.operations.operator_page import dispatched, operator_app  # noqa: PLC0415

    folder = os.environ.get(FOLDER) or str(_fresh_folder(settings))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    database = open_settings_database(settings, pool_size=1)
    clock = clock_of(settings)
    registry.register(DatabaseCollector(database, clock, read_log_policy(settings)[0]))
    served = dispatched(operator_app(settings, database, clock), make_wsgi_app(registry))
    try:
        server = _listen(settings, served)
    except OSError as error:
        raise PreparationError(
            f"cannot serve metrics on {settings.metrics_host}:{settings.metrics_port}: "
            f"{error.strerror}; choose another HOLDFAST_METRICS_PORT, or HOLDFAST_METRICS_HOST"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield {FOLDER: folder, **_OFF}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        database.engine.dispose()
        shutil.rmtree(folder, ignore_errors=True)


class _Server(ThreadingMixIn, WSGIServer):
    """Serves scrapes and the operator beside each other."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Writes nothing where the processes write their logs."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        del format, args


def _listen(settings: Settings, served: WSGIApplication) -> WSGIServer:
    family = socket.AF_INET6 if ":" in settings.metrics_host else socket.AF_INET
    kind = type("_Server", (_Server,), {"address_family": family})
    return make_server(
        settings.metrics_host, settings.metrics_port, served, kind, handler_class=_QuietHandler
    )


def forget(environment: Mapping[str, str], pid: int) -> None:
    """Drop the gauges of a process that died; its counters stay."""
    if FOLDER in environment:
        mark_process_dead(pid, environment[FOLDER])  # type: ignore[no-untyped-call]


class DatabaseCollector(Collector):
    """Reads, at each scrape, what only the database knows.

    Args:
        database: A pool of one connection is enough.
        clock: Says how long something is due.
        policy: Which witnesses the log has.
    """

    def __init__(self, database: Database, clock: Clock, policy: LogPolicy) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not need the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield the figures; `holdfast_database_up` alone where the database is away."""
        up = GaugeMetricFamily("holdfast_database_up", "Whether the database answers.")
        try:
            with self._database.engine.connect() as connection:
                figures = list(self._figures(connection))
        except SQLAlchemyError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from figures

    def _figures(self, connection: Connection) -> Iterator[Metric]:
        yield _by_status(
            "holdfast_freeze_requests",
            "Freeze requests by status; drills are not counted.",
            request_store.count_by_status(connection),
        )
        cases = data_subject_store.counts(connection)
        yield _by_status(
            "holdfast_data_subject_cases",
            "What persons ask of requesters under data-protection law, by status.",
            {each.status: each.cases for each in cases},
        )
        yield GaugeMetricFamily(
            "holdfast_data_subject_cases_overdue",
            "Of these, on how many nobody decided in time, whenever that was.",
            value=sum(each.overdue for each in cases),
        )
        yield _by_status(
            "holdfast_partners", "Partners by status.", partner_store.count_by_status(connection)
        )
        head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq)
        leaves, events = connection.execute(head).one()
        yield CounterMetricFamily("holdfast_log_leaves", "Leaves logged.", value=leaves)
        yield CounterMetricFamily("holdfast_events", "Events recorded.", value=events)
        owing = select(func.count(), func.min(LaneRow.due_at)).where(LaneRow.due_at.is_not(None))
        lanes, oldest = connection.execute(owing).one()
        yield GaugeMetricFamily(
            "holdfast_lanes_owing", "Lanes on which a delivery is owed.", value=lanes
        )
        yield from self._witness_figures(connection)
        late = 0.0 if oldest is None else (self._clock.now() - oldest).total_seconds()
        yield GaugeMetricFamily(
            "holdfast_delivery_lateness_seconds",
            "How long the oldest delivery that is due has been due.",
            value=max(0.0, late),
        )

    def _witness_figures(self, connection: Connection) -> Iterator[Metric]:
        now = self._clock.now()
        state = quorum_state(connection, self._policy, now)
        yield GaugeMetricFamily(
            "holdfast_log_quorum_lag_seconds",
            "How long the oldest entry has waited for a checkpoint with the policy's quorum.",
            value=state.behind.total_seconds(),
        )
        heard = GaugeMetricFamily(
            "holdfast_witness_silence_seconds",
            "Since when a witness of the policy has handed in no cosignature, if it ever did.",
            labels=["witness"],
        )
        for each in state.witnesses:
            if each.last is not None:
                heard.add_metric([each.name], max(0.0, (now - each.last).total_seconds()))
        yield heard


def _by_status(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["status"])
    for status, count in sorted(counts.items()):
        family.add_metric([status], count)
    return family

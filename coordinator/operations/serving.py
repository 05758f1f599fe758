"""One command that runs it all: migrates, starts web and worker, watches them."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial

from coordinator.domain.read_only import READ_ONLY
from coordinator.operations.metrics import forget, metrics_served
from coordinator.operations.preparation import PreparationError, marked_in_use, prepare
from coordinator.operations.supervisor import Supervisor
from coordinator.settings import Settings
from coordinator.storage.engine.database import describe

_LOOK_SECONDS = 0.05


def serve_all(settings: Settings, stop: threading.Event, say: Callable[[str], None]) -> bool:
    """Run the coordinator until `stop` is set; False if a process could not be kept alive.

    Raises:
        PreparationError: If it cannot start; see `prepare`.
    """
    prepare(settings)
    require_free_port(settings.host, settings.port)
    commands = {"web": ["web"]}
    for number in range(settings.worker_processes):
        commands[f"worker-{number + 1}"] = ["worker"]
    with marked_in_use(settings), metrics_served(settings) as environment:
        supervisor = Supervisor(commands, environment, on_death=partial(forget, environment))
        return _watch(settings, supervisor, stop, say)


def _watch(
    settings: Settings, supervisor: Supervisor, stop: threading.Event, say: Callable[[str], None]
) -> bool:
    supervisor.start()
    say(f"database: {describe(settings.resolved_database_url)}")
    for name, pid in supervisor.pids.items():
        say(f"{name}: process {pid}")
    threading.Thread(
        target=say_ready, args=(settings, stop, say), name="readiness", daemon=True
    ).start()
    return supervisor.run(stop)


def require_free_port(host: str, port: int) -> None:
    """Refuse to start where somebody listens already.

    Raises:
        PreparationError: Naming the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PreparationError(
                f"cannot listen on {host}:{port}: {error.strerror}; "
                "choose another HOLDFAST_PORT (and HOLDFAST_ORIGIN), or HOLDFAST_HOST"
            ) from None


def say_ready(settings: Settings, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Say once that the coordinator serves, when it does; and before that if it is read alone."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    is_said = False
    while not stop.wait(_LOOK_SECONDS):
        try:
            with urllib.request.urlopen(f"http://{host}:{settings.port}/readyz", timeout=2):
                say(f"ready: {settings.origin} (documentation at {settings.origin}/docs)")
                here = f"http://{host}:{settings.port}"
                if settings.origin != here:
                    say(
                        f"listening at {here}; partners reach and sign {settings.origin}: if that "
                        "leads elsewhere, set HOLDFAST_ORIGIN"
                    )
                return
        except urllib.error.HTTPError as error:
            if READ_ONLY.encode() in error.read() and not is_said:
                is_said = True
                say(
                    f"read alone: {settings.origin} answers readers and takes no change; run "
                    "`holdfast-coordinator reconcile`"
                )
        except (urllib.error.URLError, OSError):
            continue

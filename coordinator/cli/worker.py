"""`worker`: one worker alone."""

import click

from coordinator.cli.with_settings import parent_option, with_settings
from coordinator.operations.lifetime import end_with_parent, stop_event
from coordinator.operations.metrics import metrics_served, restart_with_folder
from coordinator.operations.preparation import marked_in_use, require_ready
from coordinator.operations.worker import work
from coordinator.settings import Settings


@click.command()
@parent_option
@with_settings
def worker(settings: Settings, *, parent: int | None) -> None:
    """Run one worker alone: webhooks and timers, until SIGTERM."""
    restart_with_folder(settings, "worker")
    require_ready(settings)
    stop = stop_event()
    end_with_parent(parent)
    with marked_in_use(settings), metrics_served(settings):
        work(settings, stop)

"""`web`: the web processes alone."""

import click

from coordinator.cli.with_settings import parent_option, with_settings
from coordinator.operations.lifetime import end_with_parent
from coordinator.operations.metrics import metrics_served, restart_with_folder
from coordinator.operations.preparation import require_ready
from coordinator.operations.web_server import serve_web
from coordinator.settings import Settings


@click.command()
@parent_option
@with_settings
def web(settings: Settings, *, parent: int | None) -> None:
    """Run the web processes alone (the database must be migrated)."""
    restart_with_folder(settings, "web")
    require_ready(settings)
    end_with_parent(parent)
    with metrics_served(settings):
        serve_web(settings)

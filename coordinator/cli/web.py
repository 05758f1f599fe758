"""`web`: the web processes alone."""

import click

from coordinator.cli.with_settings import parent_option, with_settings
from coordinator.operations.lifetime import end_with_parent
from coordinator.operations.metrics import metrics_served, restart_with_folder
from coordinator.operations.preparation import marked_in_use, require_ready
from coordinator.operations.serving import require_free_port
from coordinator.operations.web_server import serve_web
from coordinator.settings import Settings


@click.command()
@parent_option
@with_settings
def web(settings: Settings, *, parent: int | None) -> None:
    """Run the web processes alone, on a migrated database."""
    restart_with_folder(settings, "web")
    require_ready(settings)
    require_free_port(settings.host, settings.port)
    end_with_parent(parent)
    with marked_in_use(settings), metrics_served(settings):
        serve_web(settings)

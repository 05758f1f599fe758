"""`serve`: everything on this host."""

import click

from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations.lifetime import stop_event
from coordinator.operations.serving import serve_all
from coordinator.settings import Settings


@click.command()
@with_settings
def serve(settings: Settings) -> None:
    """Run everything on this host.

    Brings the database up to date, then runs web and worker processes until SIGTERM.
    """
    stop = stop_event()
    kept_alive = serve_all(settings, stop, click.echo)
    if not kept_alive:
        fail("a process died again and again; see the log above")

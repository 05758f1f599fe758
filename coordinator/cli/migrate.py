"""`migrate`: the newest schema."""

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.key_files import present_keys
from coordinator.operations.preparation import prepare
from coordinator.settings import Settings
from coordinator.storage.engine.database import describe


@click.command()
@with_settings
def migrate(settings: Settings) -> None:
    """Bring the database up to the newest schema.

    A fresh one gets its keys, too.
    """
    before = present_keys(settings.keys_dir)
    prepare(settings)
    say(f"up to date: {describe(settings.resolved_database_url)}")
    made = [name for name in present_keys(settings.keys_dir) if name not in before]
    if made:
        say(
            f"keys: made {', '.join(made)} in {settings.keys_dir}. Copy them to another medium "
            "now, before anything is sealed with them:"
        )
        say("  holdfast-coordinator backup --keys-to FOLDER")

"""`restore`: a backup, where no coordinator is yet."""

import sys
from pathlib import Path

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.operations.checks import READ_ONLY_CHECK, run_checks
from coordinator.operations.restore import adopt_copy
from coordinator.operations.restore import restore as restore_backup
from coordinator.settings import Settings


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder with the coordinator's keys; left out if they are in the data folder already.",
)
@click.option(
    "--incomplete",
    is_flag=True,
    help="FROM is a SQLite file that was copied by hand: go on with it, whatever it lacks.",
)
@click.option(
    "--other-webhook-key",
    is_flag=True,
    help="The key that signs webhooks was replaced after the backup, or before its copy was.",
)
@with_settings
def restore(
    settings: Settings,
    *,
    source: Path,
    keys: Path | None,
    incomplete: bool,
    other_webhook_key: bool,
) -> None:
    """Restore FROM, a folder that `backup` wrote.

    What is restored is read alone: no act is taken, and nothing is sent, until
    `holdfast-coordinator reconcile`. A backup of an earlier release is migrated.

    It goes where HOLDFAST_DATA_DIR and HOLDFAST_DATABASE_URL point; nothing may be there yet. The
    coordinator that was backed up must not run any more: two that go on from one state contradict
    each other.
    """
    if incomplete:
        log = adopt_copy(settings, source, keys)
        say(f"taken as it is: {source}: {log.leaves} leaves, {log.events} events")
    else:
        manifest = restore_backup(settings, source, keys, other_webhook_key=other_webhook_key)
        say(
            f"restored: {source}, made at {manifest.made_at}: {manifest.log.leaves} leaves, "
            f"{manifest.log.events} events, as many as were backed up"
        )
    say(
        "it is read alone until `holdfast-coordinator reconcile`: whether something came after the "
        "backup, others know"
    )
    wrong = [
        finding
        for finding in run_checks(settings)
        if not finding.is_good and finding.name != READ_ONLY_CHECK
    ]
    for finding in wrong:
        say(f"FAIL  {finding.name}: {finding.detail}")
    if wrong:
        sys.exit(1)

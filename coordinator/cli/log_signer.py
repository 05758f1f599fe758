"""`log-signer`: the process that holds the log's key, apart from all others."""

from pathlib import Path

import click

from coordinator.cli.with_settings import with_settings
from coordinator.operations.lifetime import stop_event
from coordinator.operations.log_signer import serve_signer
from coordinator.settings import Settings


@click.command()
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Folder of log-signing.pem; the high-water file is kept beside it.",
)
@with_settings
def log_signer(settings: Settings, *, keys: Path) -> None:
    """Sign the log for the other processes.

    It serves HOLDFAST_LOG_SIGNER_SOCKET until SIGTERM, signs one tree of each size, each larger
    than the one before, and remembers the largest in a file beside the key: a database that was
    restored from an old backup gets no signature. Give it a user and a folder of its own, move
    log-signing.pem there, and name the same socket to the other processes.
    """
    serve_signer(settings, keys, stop_event())

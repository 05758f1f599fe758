"""`rotate-key`: another key in the place of one that was in use."""

from pathlib import Path

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import fail, with_settings
from coordinator.key_files import NEXT_LOG_KEY, OLD_WRAPPING_KEY
from coordinator.operations.key_rotation import (
    hand_over_log_key,
    replace_webhook_key,
    replace_wrapping_key,
    retire_log_key,
    retire_webhook_key,
    wrap_documents_anew,
)
from coordinator.settings import Settings

_RESTART = (
    "Restart the coordinator's processes now, all of them. Where it runs on several machines, copy "
    "the key files to the others first."
)
_COPY = "Copy the keys away: holdfast-coordinator backup --keys-to NEW_FOLDER"


@click.command()
@click.argument("which", type=click.Choice(["documents", "webhook", "log"]))
@click.option("--finish", is_flag=True, help="The second step, after the restart.")
@click.option("--stolen", is_flag=True, help="webhook: stop using the old key at once.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="log: the folder of the process that signs it, where one does.",
)
@with_settings
def rotate_key(
    settings: Settings, *, which: str, finish: bool, stolen: bool, keys: Path | None
) -> None:
    """Replace a key of the coordinator, in two steps.

    \b
    documents  what opens all that is sealed; no document is written anew
    webhook    what signs webhooks and clearances; both keys sign until the
               second step
    log        what signs the log, which says so itself; both keys sign until
               the second step

    The coordinator serves meanwhile. Either step may be run again if it was interrupted.
    """  # noqa: D301 - click's mark of a paragraph to be left as it is
    if stolen and (finish or which != "webhook"):
        fail("--stolen goes with the first step for the webhook key: rotate-key webhook --stolen")
    if keys is not None and which != "log":
        fail("--keys goes with the key of the log: rotate-key log --keys FOLDER")
    if which == "documents":
        _documents(settings, finish=finish)
    elif which == "webhook":
        _webhook(settings, finish=finish, stolen=stolen)
    else:
        _log(settings, keys, finish=finish)


def _documents(settings: Settings, *, finish: bool) -> None:
    if not finish:
        replace_wrapping_key(settings)
        say(f"A new key wraps what is sealed from now on; the old one is in {OLD_WRAPPING_KEY}.")
        say(_RESTART)
        say("Then: holdfast-coordinator rotate-key documents --finish")
        say(_COPY)
        return
    count = wrap_documents_anew(settings)
    say(f"{count} data keys were wrapped under the new key.")
    say(
        f"Backups of before open with {OLD_WRAPPING_KEY} alone: keep a copy of it beside none of "
        f"them. Tomorrow run this again; if it says 0 then, remove the file here: "
        f"rm {settings.keys_dir / OLD_WRAPPING_KEY}"
    )


def _webhook(settings: Settings, *, finish: bool, stolen: bool) -> None:
    if finish:
        old = retire_webhook_key(settings)
        say(f"Webhooks are signed with one key again. {old.kid} stays published for clearances.")
    else:
        keys = replace_webhook_key(settings, is_stolen=stolen)
        say(f"New webhook key: {keys.webhook.kid}")
        if stolen:
            say("Nothing that the old one signed verifies any more, clearances neither.")
            say("Tell all members to fetch /.well-known/jwks.json anew.")
        else:
            say("Both keys sign until every member has fetched /.well-known/jwks.json.")
    say(_RESTART)
    if not finish and not stolen:
        say("In a week: holdfast-coordinator rotate-key webhook --finish")
    say(_COPY)


def _log(settings: Settings, keys: Path | None, *, finish: bool) -> None:
    folder = keys or settings.keys_dir
    if finish:
        old, new = retire_log_key(settings, folder)
        say(f"The log is signed with {new}")
        say(f"What {old} signed before stays proven.")
    else:
        new = hand_over_log_key(settings, folder)
        say(f"The log is handed over to {new}")
        say(f"It lies in {folder / NEXT_LOG_KEY}; tell members the line above by another way.")
    say(_RESTART if keys is None else f"{_RESTART} The process that signs goes first.")
    if not finish:
        option = "" if keys is None else f" --keys {keys}"
        say(
            "In a week, or at once if the old key was stolen: holdfast-coordinator rotate-key log"
            f" --finish{option}"
        )
    say(_COPY if keys is None else f"Copy the key in {folder} away, too.")

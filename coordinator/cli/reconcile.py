"""`reconcile`: a restored database is brought in line with what others know, and serves again."""

from pathlib import Path

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.operations.reconcile import Sources
from coordinator.operations.reconcile import reconcile as reconcile_log
from coordinator.settings import Settings
from holdfast.protocol import canonical_json


@click.command()
@click.option(
    "--from",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A copy of a member's monitor folder; may be given several times.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint, or proof with one, that somebody holds: nothing is done if it is later.",
)
@click.option(
    "--nothing-came-after",
    is_flag=True,
    help="On your word: the coordinator had stopped for good when the backup was made.",
)
@click.option(
    "--last-commit-failed",
    is_flag=True,
    help="On your word: what the log's signer signed last was never committed, so nobody saw it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what members are told.")
@with_settings
def reconcile(
    settings: Settings,
    *,
    folders: tuple[Path, ...],
    checkpoints: tuple[Path, ...],
    nothing_came_after: bool,
    last_commit_failed: bool,
    as_json: bool,
) -> None:
    """Have a restored coordinator take changes again.

    A restored database cannot know that it is old. Members' monitors keep the log: what they have
    more is verified and appended as it was, so that the log goes on for everybody. What those
    entries said is lost; all members are told which they are, and send such acts again.

    Nothing is changed where a copy is damaged or of another log, where somebody was shown another
    log than this, or a later checkpoint whose entries nobody gave back.
    """
    sources = Sources(
        folders,
        checkpoints,
        nothing_came_after=nothing_came_after,
        last_commit_failed=last_commit_failed,
    )
    told = reconcile_log(settings, sources)
    if as_json:
        click.echo(canonical_json.dumps(dict(told)).decode())
        return
    if not told["lost"]:
        said = "on your word" if told["is_word_alone"] else "as far as anybody shows"
        say(f"nothing is missing, {said}: {told['copy_size']} entries")
    else:
        say(
            f"{told['lost']} entries were given back, from {told['lost_from']} to "
            f"{told['lost_until']}; what they said is lost. Events {told['seq_from']} to "
            f"{told['seq_until']} are told to nobody again"
        )
        for kind, count in _counts(told["lost_types"]):
            say(f"  {count:>6}  {kind}")
    say("changes are taken again, and all members are told (log.restored)")


def _counts(types: object) -> list[tuple[str, int]]:
    return sorted(types.items()) if isinstance(types, dict) else []

"""`erase`: what an ended request says; a lead of its requester signs it."""

import re
import sys
from pathlib import Path

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations import erasing
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.vocabulary import ErasureReason

_REASONS = [reason.value for reason in ErasureReason]


@click.command()
@click.argument("request_id", metavar="FRQ_…", required=False)
@click.option("--reason", type=click.Choice(_REASONS), help="Why; there is no other text.")
@click.option("--list", "listed", is_flag=True, help="Print what was erased, a line each.")
@click.option(
    "--again",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="After a restore: erase again what FILE lists, as `--list` printed it.",
)
@with_settings
def erase(
    settings: Settings,
    *,
    request_id: str | None,
    reason: str | None,
    listed: bool,
    again: Path | None,
) -> None:
    """Propose to erase what an ended freeze request says.

    It is done once a security lead of its requester has signed it (`holdfast erase`). Ids, numbers,
    states and the log stay. Keep what `--list` prints beside the keys: a backup that is older than
    an erasure has the text, and after its restore `--again FILE` erases it before you serve.
    """
    if listed:
        for line in erasing.erased(settings):
            click.echo(canonical_json.dumps(line).decode())
        return
    if again is not None:
        _erase_again(settings, again)
        return
    if request_id is None or not re.fullmatch(id_pattern("frq"), request_id, re.ASCII):
        fail("say which freeze request: its id, frq_…")
    if reason is None:
        fail(f"say why, with --reason: {', '.join(_REASONS)}")
    body = erasing.propose(settings, request_id, ErasureReason(reason))
    say(f"proposed as {body['id']}; it is done once a lead of {body['requester']} signs it:")
    say(f"  holdfast --as LEAD erase {request_id} --reason {reason}")


def _erase_again(settings: Settings, file: Path) -> None:
    outcome = erasing.erase_again(settings, file.read_bytes())
    say(f"erased again: {outcome.erased}; were erased already, or are not there: {outcome.rest}")
    for request_id, why in outcome.refused:
        say(f"NOT ERASED  {request_id}: {why}")
    if outcome.refused:
        sys.exit(1)

"""`rulebook`: the rules of the house, which every member accepts."""

from datetime import datetime
from pathlib import Path

import click

from coordinator.cli.terminal_lines import say, say_row
from coordinator.cli.with_settings import fail, with_settings
from coordinator.domain.house_rules import MOST_BYTES
from coordinator.operations import house_rules, membership
from coordinator.services.membership.house_rules import PublishRulebook
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time, parse_time


@click.group()
def rulebook() -> None:
    """Publish the network's rulebook, and see who has accepted it."""


@rulebook.command()
@click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--from",
    "in_force_from",
    metavar="TIME",
    help="From when on requests name it, e.g. 2027-01-01T00:00:00Z; without it, at once.",
)
@with_settings
def publish(settings: Settings, *, file: Path, in_force_from: str | None) -> None:
    """Publish FILE as the rulebook.

    It is plain text in UTF-8, and all members are told. From its time on every request names its
    hash, and is refused unless its organisation has accepted it. Give your members days, with
    --from: at night nobody may be there who can.
    """
    with file.open("rb") as opened:
        raw = opened.read(MOST_BYTES + 1)
    command = PublishRulebook(raw=raw, in_force_from=_time(in_force_from))
    body = membership.carry_out(settings, command).body
    say(f"published: sha256 {body['rulebook_sha256']}")
    say(f"requests name it from {body['in_force_from']} on")
    say("who has not accepted it: `holdfast-coordinator rulebook status`")


@rulebook.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Show each edition and who has yet to accept it."""
    editions = house_rules.editions(settings)
    if as_json:
        rows = [
            {
                "sha256": each.sha256,
                "published_at": format_time(each.published_at),
                "in_force_from": format_time(each.in_force_from),
                "state": each.state,
                "not_accepted_by": each.not_accepted_by,
            }
            for each in editions
        ]
        click.echo(canonical_json.dumps(rows).decode())
        return
    if not editions:
        say("no rulebook is published: `holdfast-coordinator rulebook publish FILE`")
        return
    for each in editions:
        say_row(f"{each.state:9}", f"from {format_time(each.in_force_from)}", each.sha256)
        if each.state != "former":
            missing = ", ".join(each.not_accepted_by)
            say(f"  not accepted by {missing}" if missing else "  accepted by every active member")


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        fail(f"--from {text!r} {error}")

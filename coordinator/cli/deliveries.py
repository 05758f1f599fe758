"""`deliveries`: what partners were not delivered, so that somebody can call them."""

from collections.abc import Iterator

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.console.words import counted, span
from coordinator.operations.undelivered import Trouble, Undelivered, undelivered
from coordinator.settings import Settings
from holdfast.protocol import canonical_json


@click.command()
@click.option("--partner", metavar="HANDLE", help="Only this partner's.")
@click.option(
    "--state",
    type=click.Choice([each.value for each in Trouble]),
    help="Only endpoints of which this is true.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def deliveries(
    settings: Settings, *, partner: str | None, state: str | None, as_json: bool
) -> None:
    """List what waits, what fails and what was given up.

    By endpoint, the oldest trouble first. Its partner's own people mend it; `holdfast endpoint` is
    theirs.
    """
    found = undelivered(settings, partner=partner)
    if state is not None:
        found = [each for each in found if Trouble(state) in each.troubles]
    if as_json:
        click.echo(canonical_json.dumps([each.facts() for each in found]).decode())
        return
    for each in found:
        say(f"{each.backlog.partner}: {', '.join(each.troubles).upper()}")
        say(f"  {each.backlog.endpoint_id}")
        for line in _lines(each):
            # What holds together on a page may break on a terminal, whose font may lack the sign.
            say("  " + line.replace("\N{NO-BREAK SPACE}", " "))
    if not found:
        say("Nothing waits, fails or was given up.")


def _lines(each: Undelivered) -> list[str]:
    """Return what there is to say of one endpoint, in sentences without their full stops."""
    said = [*_standing(each), *_owed(each)]
    if each.last is not None:
        status = "no answer" if each.last.status is None else f"HTTP {each.last.status}"
        error = f" ({each.last.error})" if each.last.error else ""
        said.append(f"last try {span(each.now - each.last.at)} ago: {status}{error}")
    return said


def _standing(each: Undelivered) -> Iterator[str]:
    b, now = each.backlog, each.now
    if b.gone_at is not None:
        yield f"said that it is gone (410) {span(now - b.gone_at)} ago, and is turned off"
    elif not b.enabled:
        yield "is turned off"
    elif b.failing_since is not None:
        yield f"has taken nothing for {span(now - b.failing_since)}"
    if b.busy_until is not None and b.busy_until > now:
        yield f"asked to be left alone for {span(b.busy_until - now)} more"


def _owed(each: Undelivered) -> Iterator[str]:
    b, now = each.backlog, each.now
    if b.waiting_since is not None:
        verb = "waits" if b.waiting == 1 else "wait"
        yield f"{counted(b.waiting, 'event')} {verb}, the oldest {span(now - b.waiting_since)}"
    if b.next_attempt_at is not None and b.failing_since is not None:
        left = b.next_attempt_at - now
        yield f"next try {'now' if left.total_seconds() <= 0 else f'in {span(left)}'}"
    if b.dead_since is not None:
        yield f"{counted(b.dead, 'event')} given up, the first {span(now - b.dead_since)} ago"

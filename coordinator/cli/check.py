"""`check`: whether all is well with what is stored."""

import sys
from collections.abc import Iterator

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.operations.checks import Finding, run_checks, run_thorough_checks
from coordinator.settings import Settings
from holdfast.protocol import canonical_json

_SHOWN_EVERY = 200


@click.command()
@click.option(
    "--thorough", is_flag=True, help="Make tree, events, acts and ledgers anew from what is stored."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def check(settings: Settings, *, thorough: bool, as_json: bool) -> None:
    """Look at durability, schema, keys and log.

    With --thorough, also at every entry of the log, every event, and every request as its
    requester's own `holdfast verify` would: what was altered in the database is named. The
    coordinator may serve meanwhile.

    The exit status is 1 if anything is wrong.
    """
    said = []
    for finding in _findings(settings, thorough=thorough):
        said.append(finding)
        if not as_json:
            say(f"{'ok  ' if finding.is_good else 'FAIL'}  {finding.name}: {finding.detail}")
    if as_json:
        lines = [{"name": f.name, "ok": f.is_good, "detail": f.detail} for f in said]
        click.echo(canonical_json.dumps(lines).decode())
    if not all(finding.is_good for finding in said):
        sys.exit(1)


def _findings(settings: Settings, *, thorough: bool) -> Iterator[Finding]:
    findings = run_checks(settings)
    yield from findings
    if not thorough:
        return
    if all(finding.is_good for finding in findings):
        yield from run_thorough_checks(settings, _show_count)
    else:
        yield Finding(
            "thorough", is_good=False, detail="not looked through: mend what failed above first"
        )


def _show_count(what: str, count: int) -> None:
    """Say now and then how far it is, to whoever sits before it."""
    if sys.stderr.isatty() and count % _SHOWN_EVERY == 0:
        click.echo(f"\r      {count:,} {what} \r", nl=False, err=True)

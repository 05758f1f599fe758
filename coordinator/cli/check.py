"""`check`: whether all is well with what is stored."""

import sys

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import with_settings
from coordinator.operations.checks import run_checks
from coordinator.settings import Settings
from holdfast.protocol import canonical_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def check(settings: Settings, *, as_json: bool) -> None:
    """Look at durability, schema, keys and log.

    The exit status is 1 if anything is wrong.
    """
    findings = run_checks(settings)
    if as_json:
        lines = [{"name": f.name, "ok": f.is_good, "detail": f.detail} for f in findings]
        click.echo(canonical_json.dumps(lines).decode())
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.is_good else 'FAIL'}  {finding.name}: {finding.detail}")
    if not all(finding.is_good for finding in findings):
        sys.exit(1)

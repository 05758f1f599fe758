"""`holdfast`: freeze requests between exchanges, from a partner's side.

Exit status: 0 done, 1 unexpected, 2 usage or profile, 3 authentication, 4 not allowed or not found,
5 refused in the present state, 6 invalid input, 7 unreachable, 8 evidence cannot be trusted, 9 the
log did what it must not, 130 stopped by Ctrl-C.
"""

import os

import click

from holdfast.cli import (
    additions,
    approval_check,
    bundles,
    chains,
    clearances,
    console,
    data_subjects,
    decisions,
    destinations,
    directory,
    disputes,
    encumbrances,
    endpoints,
    events,
    explain,
    follow,
    gateways,
    grants,
    guests,
    holds,
    inbox,
    incidents,
    indemnities,
    keys,
    leg_limits,
    legal_orders,
    legs,
    listen,
    membership,
    monitor,
    on_call,
    paper,
    people,
    questions,
    read_log,
    readiness,
    recovery,
    requests,
    restitutions,
    returns,
    rulebook,
    screening,
    sealed_evidence,
    statistics,
    summary,
    support,
    tag_keys,
    tasks,
    trigger,
    two_leads,
    verification,
)
from holdfast.cli.key_passphrase import ask
from holdfast.cli.session import Session, SessionGroup
from holdfast.profiles.store import ProfileStore

_EPILOG = """\b
Exit status:
  0 done                        5 refused in the present state (conflict)
  1 unexpected                  6 invalid input: every fault is named
  2 usage, or no such profile   7 unreachable or busy: try again later
  3 authentication failed       8 evidence or key does not fit: do not act
  4 not allowed or not found    9 the log did what it must not: ask others
                                130 stopped by Ctrl-C
"""


@click.group(
    cls=SessionGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--as", "as_", metavar="PROFILE", envvar="HOLDFAST_PROFILE", help="Act as this profile."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.version_option(package_name="holdfast-kit", prog_name="holdfast")
@click.pass_context
def cli(ctx: click.Context, as_: str | None, as_json: bool) -> None:  # noqa: FBT001 - click's flag
    """Ask other exchanges to freeze stolen funds, and answer when they ask.

    Profiles (keys) lie in $HOLDFAST_HOME, by default ~/.holdfast.
    """
    ctx.obj = Session(ProfileStore.from_environment(os.environ, ask=ask), as_, as_json)


for module in (
    keys,
    membership,
    people,
    directory,
    grants,
    tag_keys,
    rulebook,
    gateways,
    console,
    requests,
    follow,
    decisions,
    verification,
    read_log,
    summary,
    readiness,
    bundles,
    paper,
    inbox,
    legs,
    leg_limits,
    holds,
    questions,
    disputes,
    clearances,
    encumbrances,
    legal_orders,
    support,
    indemnities,
    guests,
    data_subjects,
    destinations,
    returns,
    additions,
    recovery,
    sealed_evidence,
    approval_check,
    two_leads,
    incidents,
    restitutions,
    statistics,
    tasks,
    on_call,
    screening,
    chains,
    events,
    endpoints,
    listen,
    monitor,
    explain,
    trigger,
):
    module.register(cli)


def main() -> None:
    """Run the command line."""
    cli(prog_name="holdfast")

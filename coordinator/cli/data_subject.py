"""`data-subject`: a person wrote to the operator; whoever is responsible answers."""

import click

from coordinator.cli.terminal_lines import say
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations import data_subjects
from coordinator.settings import Settings
from holdfast.protocol.vocabulary import DataSubjectKind


@click.command("data-subject")
@click.argument("kind", metavar="KIND", type=click.Choice([kind.value for kind in DataSubjectKind]))
@click.option("--account", metavar="CAIP-10", help="The account that the person writes about.")
@click.option("--request", "request_id", metavar="FRQ_…", help="Where you know it.")
@click.option("--reference", required=True, help="Your own, for the letter; no name.")
@click.option("--received", metavar="TIME", help="When it reached you; by default now.")
@with_settings
def data_subject(
    settings: Settings,
    *,
    kind: str,
    account: str | None,
    request_id: str | None,
    reference: str,
    received: str | None,
) -> None:
    """Pass on that a person asks for KIND about an account.

    Each requester that states something of it has a task, with a date. Hand the letter over to
    those that are named here, by a way of your own, and tell the person who answers.
    """
    if (account is None) == (request_id is None):
        fail("say --account CAIP-10 or --request FRQ_…")
    members = {
        "kind": kind,
        "account": account,
        "request_id": request_id,
        "reference": reference,
        "received_at": received,
    }
    body = data_subjects.pass_on(settings, members)
    requesters = body["requesters"]
    named = ", ".join(requesters) if isinstance(requesters, list) else str(requesters)
    say(f"passed on as {body['id']} to {named}; they answer by {body['due_at']}")

"""`holdfast destination …`: accounts of one's own that money may be sent back to."""

from collections.abc import Iterator
from hashlib import sha256

import click
from pydantic import ValidationError

from holdfast.cli.amount_options import parse_option
from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol import strict_json
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.destination_payloads import ArrivedTest, NewDestination
from holdfast.protocol.destination_views import DestinationView
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.unit_amounts import chain_of
from holdfast.protocol.vocabulary import Decision

_ID = click.argument("destination_id", metavar="DST_…")
_WHY = {
    "proposed": "nobody approved it yet",
    "rejected": "it was rejected",
    "expired": "nobody approved it in time",
    "closed": "it is closed",
    "unproven": "no test transfer is confirmed",
    "too_new": "it waits after its approval",
}


class _DestinationGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group("destination", cls=_DestinationGroup)
def destination() -> None:
    """Accounts of your own that money may be sent back to."""


@destination.command("list")
@pass_session
def list_all(session: Session) -> None:
    """List your destinations, newest first; no other member can."""
    session.show_list(
        session.client().destinations(),
        ("id", "account", "tag", "called", "status", "usable"),
        lambda view: (
            view.id,
            view.account,
            view.tag,
            view.label,
            view.destination_status,
            _usable(view),
        ),
        empty="No destination is registered.",
    )


@destination.command("propose")
@click.argument("account", metavar="CAIP-10")
@click.option("--tag", help="Its tag or payment id, where the chain has such.")
@click.option("--label", metavar="TEXT", help="What your own people call it.")
@pass_session
def propose(session: Session, account: str, *, tag: str | None, label: str | None) -> None:
    """Name an account of yours that money may be sent back to.

    Another security lead approves it; it may be used a day after that, once a test transfer to it
    is confirmed. All your people are told.
    """
    try:
        body = NewDestination(account=account, tag=tag, label=label)
    except ValidationError as error:
        raise click.UsageError(str(error.errors()[0]["msg"])) from None
    _show(session, session.client().propose_destination(body))


@destination.command("approve")
@_ID
@pass_session
def approve(session: Session, destination_id: str) -> None:
    """Approve a destination that somebody else proposed, as a security lead.

    The account is read from the proposal's signed bytes, and they are what you approve: compare it
    with your own books first.
    """
    _decide(session, destination_id, Decision.APPROVE)


@destination.command("reject")
@_ID
@pass_session
def reject(session: Session, destination_id: str) -> None:
    """Reject a destination that somebody else proposed, as a security lead."""
    _decide(session, destination_id, Decision.REJECT)


@destination.command("confirm-test")
@_ID
@click.option("--tx", required=True, help="The transaction that arrived.")
@click.option(
    "--amount",
    required=True,
    metavar="AMOUNT",
    help="How much arrived: '0.01 ETH', or base units with --asset.",
)
@click.option("--asset", metavar="CAIP-19", help="The asset, where --amount does not name it.")
@pass_session
def confirm_test(
    session: Session, destination_id: str, *, tx: str, amount: str, asset: str | None
) -> None:
    """Confirm that a test transfer to a registered destination arrived."""
    client = session.client()
    found = client.destination(destination_id)
    named, base_units = parse_option(
        "--amount",
        amount,
        session.assets,
        asset=asset,
        chain=None if found.account is None else chain_of(found.account),
    )
    arrived = ArrivedTest(tx=tx, asset=named, amount=base_units)
    _show(session, client.confirm_test_transfer(destination_id, arrived))


@destination.command("close")
@_ID
@click.option("--reason", required=True, metavar="TEXT")
@pass_session
def close(session: Session, destination_id: str, *, reason: str) -> None:
    """Close a destination at once: nothing more is asked for to it."""
    _show(session, session.client().close_destination(destination_id, reason))


def _decide(session: Session, destination_id: str, decision: Decision) -> None:
    client = session.client()
    found = client.destination(destination_id)
    body = _proposed(found)
    digest = sha256((found.body or "").encode()).hexdigest()
    if not session.as_json:
        session.out.print(f"{decision.value}: {body.account}")
    _show(session, client.decide_destination(destination_id, decision, digest))


def _proposed(view: DestinationView) -> NewDestination:
    """Return what was proposed, read from its very bytes.

    Raises:
        UntrustedEvidenceError: If they say another account than the coordinator shows.
    """
    try:
        body = NewDestination.model_validate(strict_json.loads((view.body or "").encode()))
    except (StrictJsonError, ValidationError):
        raise UntrustedEvidenceError("the proposal's body is no proposal of an account") from None
    shown = view.account or body.account
    if comparison_key(body.account, body.tag) != comparison_key(shown, view.tag):
        raise UntrustedEvidenceError(
            "the account that the coordinator shows is not the one that was proposed"
        )
    return body


def _show(session: Session, view: DestinationView) -> None:
    session.show(view, lambda: session.out.print(facts([*_rows(session, view)])))


def _rows(session: Session, view: DestinationView) -> Iterator[tuple[str, object]]:
    yield "destination", view.id
    yield "account", view.account
    yield "tag", view.tag
    yield "called", view.label
    yield "status", view.destination_status
    if view.test_transfer is not None:
        test = view.test_transfer
        yield "test", f"{session.amount(test.amount, test.asset)} in {test.tx}"
    yield "usable", _usable(view)


def _usable(view: DestinationView) -> str:
    if view.why_not is None:
        return "yes"
    if view.why_not == "too_new" and view.usable_at is not None:
        return f"from {minute(view.usable_at)}"
    return f"no: {_WHY[view.why_not]}"


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(destination)

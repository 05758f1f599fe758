"""`holdfast holds`, `owed`, `extend`, `ask-extension`: freezes have an end."""

from datetime import UTC, datetime, timedelta

import click

from holdfast.cli.flagged_accounts import FlaggedAccounts
from holdfast.cli.layout import minute
from holdfast.cli.session import (
    REQUEST_ID,
    TIME,
    Session,
    SessionCommand,
    facts,
    pass_session,
)
from holdfast.cli.withdrawal_reasons import Reasons
from holdfast.protocol.views import HoldActView, HoldView, OwedHoldView
from holdfast.protocol.vocabulary import HoldBasis
from holdfast.wording import marked

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_HOLD = click.argument("hold", metavar="HLD_…")
_UNTIL = click.option("--until", type=TIME, help="The new end, e.g. 2026-03-01T12:00:00Z.")
_HOURS = click.option("--hours", type=click.IntRange(min=1), help="The new end, so long from now.")


def _state(hold: HoldView) -> str:
    words = [f"gap {hold.gap_minutes} min"] if hold.gap_minutes else []
    words += ["review date"] if hold.review_at else []
    words += (
        ["lapsed, unconfirmed" if hold.owed_since else "lapsed, answered"] if hold.lapsed else []
    )
    words += [f"kept: {hold.kept}"] if hold.kept else []
    words += ["answer owed"] if hold.owed_since else []
    words += ["shared"] if hold.shared else []
    words += ["whole account"] if hold.account_level else []
    words += [f"review {minute(hold.review_at)}"] if hold.review_at else []
    words += [f"irregular: {hold.irregular}"] if hold.irregular else []
    words += [f"same as {hold.same_funds_as}"] if hold.same_funds_as else []
    words += ["DRILL"] if hold.drill else []
    return ", ".join(words)


def _told(session: Session, hold: HoldView, amount: str) -> str | None:
    """Return an amount of a hold; what was frozen and is held of a withheld one is not told."""
    return "withheld" if hold.withheld else session.amount(amount, hold.asset)


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def holds(session: Session, request_id: str) -> None:
    """List the holds of a request, with their ends and what is owed about them."""
    client = session.client()
    accounts = FlaggedAccounts(client)
    session.show_list(
        client.holds(request_id),
        ("hold", "partner", "address", "asset", "frozen", "held", "basis", "ends", "state"),
        lambda hold: (
            hold.id,
            hold.partner,
            accounts.of(request_id, hold.address_no),
            session.asset_name(hold.asset),
            _told(session, hold, hold.frozen),
            _told(session, hold, hold.held),
            hold.basis.value,
            minute(hold.hold_expires_at),
            _state(hold),
        ),
        empty="Nothing is or was held.",
    )


@click.command(cls=SessionCommand)
@pass_session
def owed(session: Session) -> None:
    """List who owes an answer about which hold: you to others, and others to you."""
    client = session.client()
    reasons, accounts = Reasons(session, client), FlaggedAccounts(client)
    session.show_list(
        client.owed(),
        ("hold", "request", "owed by", "address", "asset", "held", "since", "why"),
        lambda hold: (
            hold.id,
            hold.request_id,
            hold.partner,
            accounts.of(hold.request_id, hold.address_no),
            session.asset_name(hold.asset),
            _told(session, hold, hold.held),
            minute(hold.owed_since) if hold.owed_since else None,
            _why_owed(hold, reasons),
        ),
        empty="No answer is owed.",
    )


def _why_owed(hold: OwedHoldView, reasons: Reasons) -> str:
    if hold.lapsed:
        return marked("lapsed", drill=hold.drill)
    code = hold.withdrawn_reason_code
    words = reasons.of(hold.request_id, hold.address_no) if code else None
    why = ": ".join(filter(None, ("withdrawn", code and code.value, words)))
    return marked(why, drill=hold.drill)


def _end(session: Session, until: datetime | None, hours: int | None) -> datetime:
    if (until is None) == (hours is None):
        raise click.UsageError("say --until TIME or --hours N")
    return until or datetime.fromtimestamp(int(session.now()), UTC) + timedelta(hours=hours or 0)


@click.command(cls=SessionCommand)
@_REQUEST
@_HOLD
@_UNTIL
@_HOURS
@click.option(
    "--basis",
    required=True,
    type=click.Choice([basis.value for basis in HoldBasis]),
    help="With legal_order the end is a review date.",
)
@click.option("--note")
@pass_session
def extend(
    session: Session,
    request_id: str,
    hold: str,
    *,
    until: datetime | None,
    hours: int | None,
    basis: str,
    note: str | None,
) -> None:
    """Hold longer, within your jurisdiction's maximum; a lapsed hold is alive again."""
    end = _end(session, until, hours)
    client = session.client()
    request = client.freeze_request(request_id)
    act = client.extend(request, hold, end, HoldBasis(basis), note)
    session.show(act, lambda: _show_end(session, act))


def _show_end(session: Session, act: HoldActView) -> None:
    end = minute(act.hold_expires_at)
    rows = [("hold", act.hold), ("ends", end), ("basis", act.basis.value), ("status", act.status)]
    session.out.print(facts(rows))


@click.command(cls=SessionCommand, name="ask-extension")
@_REQUEST
@_HOLD
@_UNTIL
@_HOURS
@click.option("--reason", required=True)
@pass_session
def ask_extension(
    session: Session,
    request_id: str,
    hold: str,
    *,
    until: datetime | None,
    hours: int | None,
    reason: str,
) -> None:
    """Ask the partner that holds to hold longer; it decides."""
    end = _end(session, until, hours)
    client = session.client()
    act = client.ask_extension(client.freeze_request(request_id), hold, end, reason)
    session.show(act, lambda: session.out.print(facts([("status", act.status)])))


@click.command(cls=SessionCommand, name="same-funds")
@_REQUEST
@_HOLD
@click.option("--same-as", metavar="HLD_…", help="The hold that counts in its place.")
@click.option("--not", "undo", is_flag=True, help="Take the mark back: both count.")
@pass_session
def same_funds(
    session: Session, request_id: str, hold: str, *, same_as: str | None, undo: bool
) -> None:
    """Say that HOLD is of the same tokens as another partner's, so that sums count them once.

    As when an exchange and an issuer froze them both. Neither partner is told.
    """
    if (same_as is None) != undo:
        raise click.UsageError("say --same-as HLD_… or --not")
    client = session.client()
    view = client.mark_same_funds(client.freeze_request(request_id), hold, same_as)
    rows = [("hold", view.hold), ("counts", view.same_as or "itself")]
    session.show(view, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (holds, owed, extend, ask_extension, same_funds):
        cli.add_command(command)

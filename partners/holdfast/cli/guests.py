"""`holdfast guest ask`, `guest list`: who is no member, and its unsigned word."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.protocol.guest_views import GuestLineView, GuestView

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
UNVERIFIED = "unverified"


@click.group()
def guest() -> None:
    """Ask organisations that are no members; what they say is unverified."""


@guest.command(cls=SessionCommand)
@_REQUEST
@click.argument("domain")
@pass_session
def ask(session: Session, request_id: str, domain: str) -> None:
    """Ask the organisation of DOMAIN.

    Your request has to be approved.

    A mail with a link goes to the security contact that it publishes (security.txt). Whoever reads
    that mail answers without a signature: it is in no sum.
    """
    if not domain.isascii():
        raise click.UsageError(f"write {domain} in its A-label form, as in xn--bcher-kva.example")
    client = session.client()
    view = client.ask_guest(client.freeze_request(request_id), domain.lower())
    session.show(view, lambda: session.out.print(facts(_rows(view))))


def _rows(view: GuestView) -> list[tuple[str, object]]:
    return [
        ("guest", f"{view.domain} ({UNVERIFIED})"),
        ("status", view.status.value),
        ("answer by", minute(view.answer_by)),
    ]


@guest.command(name="list", cls=SessionCommand)
@_REQUEST
@pass_session
def list_guests(session: Session, request_id: str) -> None:
    """List the guests of a request, and what they said."""
    session.show_list(
        session.client().guests(request_id),
        ("guest", "word", "status", "asked", "acknowledged", "says"),
        lambda view: (
            view.domain,
            UNVERIFIED,
            view.status.value if view.error is None else f"{view.status.value}: {view.error}",
            minute(view.asked_at),
            None if view.acknowledged_at is None else minute(view.acknowledged_at),
            _says(session, view),
        ),
        empty="No guest was asked.",
    )


def _says(session: Session, view: GuestView) -> str | None:
    if not view.answers:
        return None
    newest = view.answers[-1]
    if newest.code is not None:
        return f"declined: {newest.code.value}"
    return "; ".join(_line(session, line) for line in newest.lines) or newest.kind.value


def _line(session: Session, line: GuestLineView) -> str:
    if line.amount is None or line.asset is None:
        return f"no. {line.address_no}: {line.kind}"
    amount = session.amount(line.amount, line.asset)
    if session.in_base_units:
        amount = f"{line.amount} of {line.asset}"
    return f"no. {line.address_no}: {line.kind} {amount}"


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(guest)

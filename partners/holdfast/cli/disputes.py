"""Disputes: contest a freeze for a customer, and answer it."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.cli.tasks import task_cell
from holdfast.cli.two_leads import proposed
from holdfast.protocol.life_cycle_views import DisputeView
from holdfast.protocol.tasks import TaskKind

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--reference", required=True, help="An opaque word, never a customer's number.")
@click.option("--text", required=True, help="Why; never who your customer is.")
@click.option("--hold", metavar="HLD_…", help="Only this hold; without it your whole leg.")
@pass_session
def dispute(
    session: Session, request_id: str, *, reference: str, text: str, hold: str | None
) -> None:
    """Contest a freeze for your customer, who stays unnamed."""
    client = session.client()
    view = client.dispute(client.freeze_request(request_id), reference, text, hold=hold)
    _show_dispute(session, view)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("dispute_id", metavar="DSP_…")
@click.argument("resolution", type=click.Choice(["upheld", "rejected"]))
@click.option("--text", required=True, help="Why.")
@pass_session
def resolve(
    session: Session, request_id: str, dispute_id: str, *, resolution: str, text: str
) -> None:
    """Answer a dispute about your request: `upheld` agrees with the partner."""
    client = session.client()
    view = client.resolve_dispute(
        client.freeze_request(request_id), dispute_id, is_upheld=resolution == "upheld", text=text
    )
    _show_dispute(session, view)


def _next(view: DisputeView) -> str | None:
    if view.task is None or view.task.kind is not TaskKind.WITHDRAW:
        return None
    return "withdraw the address, too: `holdfast inbox` has the command"


def _show_dispute(session: Session, view: DisputeView) -> None:
    rows = [
        ("dispute", view.id),
        ("answer by", minute(view.answer_by) if not view.resolution else None),
        ("resolution", view.resolution),
        ("next", _next(view)),
        *proposed(view),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def disputes(session: Session, request_id: str) -> None:
    """List disputes and how they ended."""
    session.show_list(
        session.client().disputes(request_id),
        ("dispute", "partner", "hold", "reference", "text", "answer by", "outcome", "who has it"),
        lambda view: (
            view.id,
            view.partner,
            view.hold or "all that it holds",
            view.reference,
            view.text,
            minute(view.answer_by),
            view.resolution or ("release recommended" if view.release_recommended_at else "open"),
            task_cell(session, view.task),
        ),
        empty="Nothing is disputed.",
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (dispute, resolve, disputes):
        cli.add_command(command)

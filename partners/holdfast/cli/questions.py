"""Questions to the requester, and their answers."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.cli.tasks import task_cell
from holdfast.protocol.life_cycle_views import InfoRequestView

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--missing", multiple=True, required=True, help="What you need; may be repeated.")
@click.option("--text", help="More about it; never who your customer is.")
@pass_session
def ask(session: Session, request_id: str, missing: tuple[str, ...], text: str | None) -> None:
    """Ask the requester for what you need before you can act."""
    client = session.client()
    view = client.ask(client.freeze_request(request_id), missing, text)
    _show_question(session, view)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("question", metavar="QUESTION")
@click.option("--text", required=True)
@pass_session
def answer(session: Session, request_id: str, question: str, text: str) -> None:
    """Answer a partner's question; `holdfast questions FRQ_…` lists them."""
    client = session.client()
    view = client.answer(client.freeze_request(request_id), question, text)
    _show_question(session, view)


def _show_question(session: Session, view: InfoRequestView) -> None:
    state = view.status.value if view.status else None
    session.show(view, lambda: session.out.print(facts([("question", view.id), ("status", state)])))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def questions(session: Session, request_id: str) -> None:
    """List partners' questions with their answers."""
    session.show_list(
        session.client().questions(request_id),
        ("question", "partner", "asked", "reply by", "missing", "text", "answer", "who has it"),
        lambda view: (
            view.id,
            view.partner,
            minute(view.asked_at),
            _reply_by(view),
            view.missing,
            view.text,
            view.answer,
            task_cell(session, view.task),
        ),
        empty="Nobody asked anything.",
    )


def _reply_by(view: InfoRequestView) -> str | None:
    """Return until when an open question is to be replied to; None where it has its answer."""
    if view.reply_by is None or view.answered_at is not None:
        return None
    return minute(view.reply_by) + (" (late)" if view.late_at else "")


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (ask, answer, questions):
        cli.add_command(command)

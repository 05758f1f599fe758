"""`holdfast reads`: who read a request."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, pass_session
from holdfast.protocol.read_log_views import RequestReadView


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--partner", metavar="HANDLE", help="Only those of this exchange's people.")
@pass_session
def reads(session: Session, request_id: str, *, partner: str | None) -> None:
    """List who read a request, with which key, what of it and when, newest first.

    Of your own request you read who of everybody did; of another's, who of your own people did.
    Reads of one thing by one key within an hour are one line.
    """
    session.show_list(
        session.client().reads(request_id, partner=partner),
        ("partner", "who", "as", "key", "read", "by", "first", "last", "times"),
        lambda view: (
            view.partner,
            session.who(view.subject),
            ", ".join(view.roles),
            view.kid or "their provider",
            view.what.replace("_", " "),
            view.via,
            minute(view.first_at),
            _last(view),
            view.count,
        ),
        empty="Nobody read it.",
    )


def _last(view: RequestReadView) -> str:
    return minute(view.last_at) if view.count > 1 else ""


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(reads)

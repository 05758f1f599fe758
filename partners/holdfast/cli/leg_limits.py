"""`holdfast limit`: who of one's own organisation sees its side of a request."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.protocol.views import LegView


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--to", "people", multiple=True, metavar="PER_…", help="All who are to see it; one is a lead."
)
@click.option("--everybody", is_flag=True, help="Let everybody of yours see it again.")
@pass_session
def limit(session: Session, request_id: str, *, people: tuple[str, ...], everybody: bool) -> None:
    """Limit your side of a request to named people, as a security lead; or show to whom it is.

    To everybody else of your organisation the request is not there from then on. Your systems and
    webhook endpoints go on as before, and nobody else is told.
    """
    if people and everybody:
        raise click.UsageError("say --to or --everybody")
    client = session.client()
    request = client.freeze_request(request_id)
    leg = request.leg
    if people or everybody:
        leg = client.limit_leg(request, list(people) or None).leg
    if leg is None:
        raise click.UsageError("your organisation is not asked by this request")
    session.show(leg, lambda: session.out.print(facts(_shown(session, leg))))


def _shown(session: Session, leg: LegView) -> list[tuple[str, object]]:
    limited = leg.limited
    if limited is None:
        return [("leg", leg.id), ("seen by", "everybody of your organisation")]
    return [
        ("leg", leg.id),
        ("seen by", [session.who(person) for person in limited.people]),
        ("since", minute(limited.at)),
        ("limited by", limited.by and session.who(limited.by)),
    ]


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(limit)

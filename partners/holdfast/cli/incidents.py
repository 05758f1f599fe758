"""`holdfast incidents`, `incident`: the whole case."""

import click
from rich.text import Text

from holdfast.cli.layout import minute, second
from holdfast.cli.session import (
    INCIDENT_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    printable,
    table,
)
from holdfast.cli.sums import SUMS, sum_rows
from holdfast.client.incident_trace import as_dot, as_text, join
from holdfast.protocol.life_cycle_views import (
    IncidentDetailView,
    TimelinePage,
)
from holdfast.wording import marked


@click.command(cls=SessionCommand)
@pass_session
def incidents(session: Session) -> None:
    """List the incidents of which you may see a request."""
    session.show_list(
        session.client().incidents(),
        ("incident", "title", "kind", "occurred", "requests"),
        lambda view: (
            view.id,
            marked(view.title, drill=view.drill),
            view.kind,
            minute(view.occurred_at),
            view.request_count,
        ),
        empty="You see no incident.",
    )


@click.command(cls=SessionCommand)
@click.argument("incident_id", metavar="INC_…", type=INCIDENT_ID)
@click.option("--timeline", is_flag=True, help="With everything that happened.")
@click.option("--trace", is_flag=True, help="With the flagged accounts and where funds went.")
@click.option("--dot", is_flag=True, help="Only the trace, for Graphviz: … --dot | dot -Tsvg.")
@pass_session
def incident(session: Session, incident_id: str, *, timeline: bool, trace: bool, dot: bool) -> None:
    """Show an incident: its requests, and totals that count every hold once.

    With --json, timeline and trace begin with their first pages; the options make them whole.
    """
    client = session.client()
    if dot:
        for line in as_dot(join(client.trace(incident_id)), **_shown_in(session)):
            click.echo(line)
        return
    view = client.incident(incident_id)
    if timeline:
        whole = TimelinePage(items=list(client.timeline(incident_id)))
        view = view.model_copy(update={"timeline": whole})
    if trace:
        view = view.model_copy(update={"trace": join(client.trace(incident_id))})
    session.show(view, lambda: _show_incident(session, view, timeline=timeline, trace=trace))


def _shown_in(session: Session) -> dict[str, bool]:
    return {"base_units": session.in_base_units}


def _show_incident(
    session: Session, view: IncidentDetailView, *, timeline: bool, trace: bool
) -> None:
    more = view.request_count - len(view.requests)
    session.out.print(
        facts(
            [
                ("incident", view.id),
                ("title", view.title),
                ("kind", view.kind),
                ("occurred", minute(view.occurred_at)),
                ("reference", view.reference),
                ("requests", [*view.requests, *([f"and {more:,} more"] if more else [])]),
            ]
        )
    )
    if view.totals:
        session.out.print()
        session.out.print(table(("total", *SUMS), sum_rows(session, view.totals)))
    if timeline:
        session.out.print()
        events = [
            (second(entry.at), entry.type, entry.partner, entry.request_id)
            for entry in view.timeline.items
        ]
        session.out.print(table(("at", "what", "partner", "request"), events))
    if trace:
        session.out.print()
        for line in as_text(view.trace, **_shown_in(session)):
            session.out.print(Text(printable(line)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (incidents, incident):
        cli.add_command(command)

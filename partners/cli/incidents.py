"""`holdfast incidents`, `incident`, `statistics`: the whole case, and how fast partners are."""

import click
from rich.text import Text

from partners.cli.session import (
    INCIDENT_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    printable,
    table,
)
from partners.cli.sums import SUMS, sum_rows
from partners.incident_trace import as_dot, as_text, join
from partners.protocol.life_cycle_views import (
    IncidentDetailView,
    StatisticsView,
    TimelinePage,
)

_MINUTE_MS = 60_000


@click.command(cls=SessionCommand)
@pass_session
def incidents(session: Session) -> None:
    """List the incidents of which you may see a request."""
    session.show_list(
        session.client().incidents(),
        ("incident", "title", "kind", "occurred", "requests"),
        lambda view: (
            view.id,
            view.title,
            view.kind,
            f"{view.occurred_at:%Y-%m-%d %H:%M}",
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
        for line in as_dot(join(client.trace(incident_id))):
            click.echo(line)
        return
    view = client.incident(incident_id)
    if timeline:
        whole = TimelinePage(items=list(client.timeline(incident_id)))
        view = view.model_copy(update={"timeline": whole})
    if trace:
        view = view.model_copy(update={"trace": join(client.trace(incident_id))})
    session.show(view, lambda: _show_incident(session, view, timeline=timeline, trace=trace))


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
                ("occurred", f"{view.occurred_at:%Y-%m-%d %H:%M} UTC"),
                ("reference", view.reference),
                ("requests", [*view.requests, *([f"and {more:,} more"] if more else [])]),
            ]
        )
    )
    if view.totals:
        session.out.print()
        session.out.print(table(("total", *SUMS), sum_rows(view.totals)))
    if timeline:
        session.out.print()
        events = [
            (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.type, entry.partner, entry.request_id)
            for entry in view.timeline.items
        ]
        session.out.print(table(("at", "what", "partner", "request"), events))
    if trace:
        session.out.print()
        for line in as_text(view.trace):
            session.out.print(Text(printable(line)))


@click.command(cls=SessionCommand)
@click.option("--from", "from_month", metavar="YYYY-MM", help="The first month.")
@click.option("--to", "to_month", metavar="YYYY-MM", help="The last month.")
@pass_session
def statistics(session: Session, from_month: str | None, to_month: str | None) -> None:
    """Show how fast partners acknowledged and froze, per urgency and month."""
    view = session.client().statistics(from_month=from_month, to_month=to_month)
    session.show(view, lambda: _show_statistics(session, view))


def _show_statistics(session: Session, view: StatisticsView) -> None:
    columns = ("partner", "urgency", "month", "legs", "acknowledged", "first freeze", "declined")
    rows = [
        (
            row.partner,
            row.urgency,
            row.month,
            row.legs,
            _minutes(row.acknowledged.median_ms, row.acknowledged.p90_ms),
            _minutes(row.first_freeze.median_ms, row.first_freeze.p90_ms),
            [f"{code} {count}" for code, count in sorted(row.declined.items())],
        )
        for row in view.rows
    ]
    session.out.print(table(columns, rows))
    session.out.print("Times are median / 90th percentile.")


def _minutes(median_ms: int | None, p90_ms: int | None) -> str | None:
    if median_ms is None or p90_ms is None:
        return None
    return f"{median_ms / _MINUTE_MS:.1f} / {p90_ms / _MINUTE_MS:.1f} min"


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (incidents, incident, statistics):
        cli.add_command(command)

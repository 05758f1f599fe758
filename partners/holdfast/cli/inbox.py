"""`holdfast inbox`: everything that waits for you, in one list by deadline."""

from datetime import UTC, datetime

import click
from rich.text import Text

from holdfast.cli.decisions import show_awaited
from holdfast.cli.layout import minute, shell_lines
from holdfast.cli.legs import show_received
from holdfast.cli.session import (
    Session,
    SessionCommand,
    pass_session,
    print_json,
    printable,
    table,
)
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.views import WaitingTaskView
from holdfast.wording import marked, time_left

_STRIPS = {
    Strip.CAN_LEAVE: "money can still leave",
    Strip.WRONGLY_FROZEN: "somebody may be wrongly frozen",
    Strip.TODAY: "due today",
    Strip.REST: "",
}
#: From here on a table holds a command with its ids in one piece.
_TABLE_COLUMNS = 200


@click.command(cls=SessionCommand)
@click.option("--received", is_flag=True, help="List the requests that ask you to freeze instead.")
@click.option("--to-approve", is_flag=True, help="List what waits for your decision as a lead.")
@click.option("--status", help="With --received: only requests in this state.")
@click.option("--kind", type=click.Choice([kind.value for kind in TaskKind]), help="Only these.")
@pass_session
def inbox(
    session: Session, *, received: bool, to_approve: bool, status: str | None, kind: str | None
) -> None:
    """List what waits for you by deadline, each with the command to run next."""
    if received + to_approve + (kind is not None) > 1:
        raise click.UsageError("say one of --received, --to-approve and --kind")
    if status is not None and not received:
        raise click.UsageError("--status narrows --received; say that, too, or leave it out")
    if received:
        show_received(session, status)
    elif to_approve:
        show_awaited(session)
    else:
        _show_waiting(session, None if kind is None else TaskKind(kind))


def _show_waiting(session: Session, kind: TaskKind | None) -> None:
    waiting = session.client().tasks(kind)
    if session.as_json:
        for view in waiting:
            print_json(view)
        return
    found = list(waiting)
    now = datetime.fromtimestamp(int(session.now()), UTC)
    if not found:
        session.out.print("Nothing waits for you.")
    elif session.out.width >= _TABLE_COLUMNS:
        columns = ("due", "left", "task", "about", "taken by", "command")
        session.out.print(table(columns, [_row(session, view, now) for view in found]))
    else:
        for number, view in enumerate(found):
            if number:
                session.out.print()
            _print_record(session, view, now)


def _row(session: Session, view: WaitingTaskView, now: datetime) -> tuple[object, ...]:
    left = None if view.due_at is None else time_left(view.due_at, now)
    about = ", ".join(filter(None, (_about(view), _STRIPS[view.strip])))
    taken_by = session.who(view.taken_by)
    return (_due(view), left, view.kind.value, about, taken_by, view.next.command)


def _due(view: WaitingTaskView) -> str:
    return "no clock runs" if view.due_at is None else minute(view.due_at)


def _about(view: WaitingTaskView) -> str:
    """Return what a task is about: "flash, TLP:AMBER, exchange-a.example: Theft"."""
    if view.request_id is None:
        return "your organisation"
    # The requester knows that it asked; what it looks for is whom it asked.
    whose = view.partner if view.partner and view.kind in _ABOUT_PARTNER else view.requester
    mark = f"TLP:{view.tlp.value}" if view.tlp else None
    words = [view.urgency.value if view.urgency else None, mark, whose]
    about = f"{', '.join(filter(None, words))}: {view.incident_title or view.request_id}"
    return marked(about, drill=view.drill)


_ABOUT_PARTNER = frozenset(
    {TaskKind.REPLY, TaskKind.RESOLVE, TaskKind.WITHDRAW, TaskKind.REACH_PARTNER}
)


def _print_record(session: Session, view: WaitingTaskView, now: datetime) -> None:
    """Print one task in lines that fit 80 columns: no id is ever broken."""
    head = "no clock runs"
    if view.due_at is not None:
        head = f"{_due(view)}, {time_left(view.due_at, now)}"
    strip = _STRIPS[view.strip]
    session.out.print(Text(f"{head}: {strip}" if strip else head, style="bold"))
    lines = [printable(_about(view)), printable(view.next.words)]
    if view.taken_at is not None:
        who = session.who(view.taken_by) or "somebody"
        lines.append(f"{who} has it since {minute(view.taken_at)}")
    lines += shell_lines(view.next.command)
    lines += [] if view.taken_at is not None else shell_lines(f"holdfast take {view.id}")
    for line in lines:
        session.out.print(Text(f"  {line}"))


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(inbox)

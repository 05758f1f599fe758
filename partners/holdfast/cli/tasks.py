"""`holdfast take`: say "I have it"."""

import click

from holdfast.cli.layout import minute, shell_lines
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import Task
from holdfast.protocol.views import TaskView


@click.command(cls=SessionCommand)
@click.argument("task_id", metavar="TASK")
@pass_session
def take(session: Session, task_id: str) -> None:
    """Say that you have a task; `holdfast inbox` and `holdfast status` name them."""
    try:
        task = Task.of(task_id)
    except IdFormatError:
        raise click.UsageError(f"{task_id!r} is no task: it begins with tsk_") from None
    client = session.client()
    request = None if task.request_id is None else client.freeze_request(task.request_id)
    made = client.take(request, task_id)
    rows = [
        ("task", made.task.id),
        ("you have it since", made.task.taken_at and minute(made.task.taken_at)),
    ]
    session.show(made, lambda: session.out.print(facts(rows)))


def task_words(session: Session, what: str, view: TaskView) -> list[str]:
    """Return the lines that say whether somebody has a task, and how to take it."""
    if view.taken_at is None:
        take = shell_lines(f"holdfast take {view.id}", session.out.width - 2)
        return [f"{what}: nobody has it yet", *(f"  {line}" for line in take)]
    since = minute(view.taken_at)
    return [f"{what}: {session.who(view.taken_by) or 'somebody has it'} since {since}"]


def task_cell(session: Session, view: TaskView | None) -> str | None:
    """Return in few words whether somebody has what waits, or how to take it; None: it is done."""
    if view is None:
        return None
    if view.taken_at is None:
        return f"free: {view.id}"
    return f"{session.who(view.taken_by) or 'taken'} since {minute(view.taken_at)}"


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(take)
